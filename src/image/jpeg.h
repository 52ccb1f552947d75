/* A look through a JPEG's segments before it is decoded. */
#ifndef CNN_IMAGE_JPEG_H
#define CNN_IMAGE_JPEG_H

#include "cnn.h"

/** False where the tables of a JPEG would lead stb_image out of its arrays. Otherwise *orientation is its EXIF
 * orientation, 1 to 8; 1 where it has none, and for files that are no JPEG. */
bool cnn_jpeg_inspect(const unsigned char *bytes, size_t size, int *orientation);

#endif

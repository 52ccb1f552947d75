/* The one thing of EXIF data that a classifier needs: which way up the picture is. */
#ifndef CNN_IMAGE_EXIF_H
#define CNN_IMAGE_EXIF_H

#include "cnn.h"

/** The orientation, 1 to 8, that `exif` (what follows "Exif\0\0" in a JPEG) gives; 1, as stored, where it gives none.
 * */
int cnn_exif_orientation(const unsigned char *exif, size_t size);

#endif

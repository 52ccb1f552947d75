/* Writing pictures. */
#ifndef CNN_IMAGE_PNG_WRITE_H
#define CNN_IMAGE_PNG_WRITE_H

#include "image/stb.h"

/** The PNG file of `picture`, 8 bits a channel, in *bytes, the caller's to cnn_free(). The same picture gives the same
 * bytes. Fails with CNN_USAGE where a side is not in 1 .. CNN_IMAGE_SIDE, or channels not in 1 .. 4. */
cnn_status cnn_png_encode(const cnn_picture *picture, unsigned char **bytes, size_t *size, cnn_error *error);

#endif

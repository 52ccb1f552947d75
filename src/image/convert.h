/* Changing a picture's channels and its orientation. */
#ifndef CNN_IMAGE_CONVERT_H
#define CNN_IMAGE_CONVERT_H

#include "image/stb.h"

/** In place: lays transparent parts on white, drops alpha and, where `channels` is 1, makes colours grey by Rec. 601
 * luma. A grey picture stays grey. */
void cnn_flatten(cnn_picture *picture, int channels);

/** Copies a flattened picture into out [height][width][channels], turned by its EXIF orientation (from 5 on width and
 * height change places), grey spread over all channels. */
void cnn_orient(const cnn_picture *picture, int orientation, int channels, uint8_t *out);

#endif

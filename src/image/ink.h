/* Ink apart from what it is written on: the contrast of each pixel with its surroundings, whatever the light. */
#ifndef CNN_IMAGE_INK_H
#define CNN_IMAGE_INK_H

#include "image/stb.h"

/** Numbers in the place of pixels, [height][width]. */
typedef struct cnn_plane {
    float *values;
    int width, height;
} cnn_plane;

/** Estimates what the picture, of one channel and without gaps between its rows, would be without ink, into
 * ground[height][width]; weights[height][width] is room for its work. */
void cnn_ink_ground(const cnn_picture *picture, uint8_t *weights, float *ground);

/** contrast = max(0, sign (picture - ground) / (ground + a constant)): sign is -1 for dark ink, 1 for light. Returns
 * the contrast that noise alone does not reach. */
float cnn_ink_contrast(const cnn_picture *picture, const float *ground, int sign, float *contrast);

/** Otsu's threshold (1979) between faint and full ink, over the `count` contrasts above `noise`; 0 where there are
 * none. */
float cnn_ink_threshold(const float *contrast, size_t count, float noise);

#endif

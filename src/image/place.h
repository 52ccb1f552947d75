/* A digit's ink to an image as those of MNIST are. */
#ifndef CNN_IMAGE_PLACE_H
#define CNN_IMAGE_PLACE_H

#include "image/ink.h"

/** Columns left .. right - 1, rows top .. bottom - 1. */
typedef struct cnn_box {
    int left, top, right, bottom;
} cnn_box;

/** The longer of the box's width and height. */
int cnn_box_side(const cnn_box *box);

/** Scales the ink, 0 to 1 and somewhere more than 0.5, to 20/28 of the image's shorter side and places its centre of
 * mass in the middle of out[shape.height][shape.width], or as near as lets it lie within. Thin strokes are widened in
 * `ink` before; room[height][width] is for that. */
cnn_status cnn_ink_place(const cnn_plane *ink, float *room, cnn_shape shape, uint8_t *out, cnn_error *error);

#endif

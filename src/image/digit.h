/* A picture of a handwritten digit to an image as those of MNIST are: the digit's own strokes, white on black, in a box
 * of 20 of 28 pixels, with its centre of mass in the middle. */
#ifndef CNN_IMAGE_DIGIT_H
#define CNN_IMAGE_DIGIT_H

#include "image/stb.h"

/** Finds the digit in a flattened grey picture of this EXIF orientation, dark on light or light on dark, and places it
 * in out[shape.height][shape.width], where shape.channels is 1. Where there is none (a blank picture), *found is false
 * and `out` untouched. Its memory is bounded whatever the picture's size; it fails for want of it only. */
cnn_status cnn_digit_fit(const cnn_picture *picture, int orientation, cnn_shape shape, bool *found, uint8_t *out,
                         cnn_error *error);

#endif

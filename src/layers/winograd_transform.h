/* The transforms of Winograd convolution (Lavin and Gray 2015, arXiv 1509.09308): polynomials in both directions are
 * multiplied through their values at six points, 36 products instead of one for each pair of tap and output.
 *
 * A tile of pixels or taps is given by a pointer to the numbers of each of its positions, row by row; a position's
 * numbers are its channels. Values lie in 36 planes `stride` apart, plane 6 * i + j being point i vertically, j
 * horizontally. */
#ifndef CNN_LAYERS_WINOGRAD_TRANSFORM_H
#define CNN_LAYERS_WINOGRAD_TRANSFORM_H

#include "base/isa.h"
#include "base/real.h"

#include <stdbool.h>
#include <stddef.h>

#define cnn_winograd_spread CNN_VARIANT(cnn_winograd_spread)
#define cnn_winograd_evaluate CNN_VARIANT(cnn_winograd_evaluate)
#define cnn_winograd_collect CNN_VARIANT(cnn_winograd_collect)

#define CNN_WINOGRAD_POINTS 6
#define CNN_WINOGRAD_PLANES 36

/** B^T x B: from 36 input pixels to planes. */
void cnn_winograd_spread(const cnn_real *const tile[CNN_WINOGRAD_PLANES], size_t channels, cnn_real *planes,
                         size_t stride);

/** The values of a tile's polynomial, size x size positions: G w G^T for weights (size 3 or 5), A dy A^T for outputs
 * (4, of 3x3 weights, or 2, of 5x5). */
void cnn_winograd_evaluate(int size, const cnn_real *const *tile, size_t channels, cnn_real *planes, size_t stride);

/** What is done to a tile's numbers last: offset[channels] is added unless NULL, then what is below 0 becomes 0 if
 * `rectify`. */
typedef struct cnn_winograd_finish {
    const cnn_real *offset;
    bool rectify;
} cnn_winograd_finish;

/** The adjoint, from planes to a tile: A^T m A for outputs, G^T du G for weights; finished as `finish` says. */
void cnn_winograd_collect(int size, const cnn_real *planes, size_t stride, size_t channels, cnn_winograd_finish finish,
                          cnn_real *const *tile);

#endif

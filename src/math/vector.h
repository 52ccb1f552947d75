/* Elementwise kernels over contiguous arrays. Arrays of one call do not overlap unless they are the same. */
#ifndef CNN_MATH_VECTOR_H
#define CNN_MATH_VECTOR_H

#include "base/real.h"

#include <stddef.h>

/** y[i] += x[i] */
void cnn_vector_add(cnn_real *restrict y, const cnn_real *restrict x, size_t count);
/** y[i] = y[i] < 0 ? 0 : y[i]: NaN stays. */
void cnn_vector_rectify(cnn_real *y, size_t count);
/** y[i] = keep * y[i] + sum over r of x[r][i]; keep is 0 (y is not read) or 1. In the order of the rows. */
void cnn_vector_sum_rows(cnn_real *restrict y, const cnn_real *restrict x, size_t rows, size_t columns, int keep);
/** Whether all values are finite. */
int cnn_vector_is_finite(const cnn_real *x, size_t count);

#endif

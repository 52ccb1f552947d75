/* Elementwise kernels: plain loops that compilers vectorize. Sums keep the order of the rows, so every level of vector
 * instructions gives the same bits. */
#include "math/vector.h"

#include <string.h>

CNN_HOT void cnn_vector_add(cnn_real *restrict y, const cnn_real *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += x[i];
    }
}

CNN_HOT void cnn_vector_rectify(cnn_real *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = y[i] < 0 ? 0 : y[i];
    }
}

/* Four rows a turn: y is loaded and stored once for them. */
CNN_HOT void cnn_vector_sum_rows(cnn_real *restrict y, const cnn_real *restrict x, size_t rows, size_t columns,
                                 int keep)
{
    if (!keep) {
        memset(y, 0, columns * sizeof *y);
    }
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const cnn_real *restrict a = x + r * columns;
        const cnn_real *restrict b = a + columns;
        const cnn_real *restrict c = b + columns;
        const cnn_real *restrict d = c + columns;
        for (size_t i = 0; i < columns; i++) {
            y[i] = (((y[i] + a[i]) + b[i]) + c[i]) + d[i];
        }
    }
    for (; r < rows; r++) {
        const cnn_real *restrict a = x + r * columns;
        for (size_t i = 0; i < columns; i++) {
            y[i] += a[i];
        }
    }
}

CNN_HOT int cnn_vector_is_finite(const cnn_real *x, size_t count)
{
    int others = 0;
    for (size_t i = 0; i < count; i++) {
        others |= x[i] - x[i] != 0; /* infinity minus itself is NaN, and NaN differs from everything */
    }
    return !others;
}

/* Jacobi's method: rotations of two rows and columns at a time, each of which makes one pair of numbers off the
 * diagonal zero, in sweeps over all pairs (Golub and Van Loan, "Matrix computations", 8.5). Slow and exact: for sizes
 * of up to a few hundred, once a training. */
#include "math/eigen.h"

#include <math.h>
#include <stdbool.h>

/** Ten suffice, as numbers off the diagonal shrink quadratically; but beside the zeros on a singular matrix's diagonal
 * none is ever small enough, though beside its largest number all soon are. */
#define MOST_SWEEPS 60

/** Rows p and q of a matrix to c p - s q and s p + c q. */
static void rotate_rows(double *matrix, size_t size, size_t p, size_t q, double c, double s)
{
    double *a = matrix + p * size, *b = matrix + q * size;
    for (size_t i = 0; i < size; i++) {
        const double was = a[i];
        a[i] = c * was - s * b[i];
        b[i] = s * was + c * b[i];
    }
}

static void rotate_columns(double *matrix, size_t size, size_t p, size_t q, double c, double s)
{
    for (size_t i = 0; i < size; i++) {
        double *a = matrix + i * size + p, *b = matrix + i * size + q;
        const double was = *a;
        *a = c * was - s * *b;
        *b = s * was + c * *b;
    }
}

/** One sweep; whether anything was left to rotate. */
static bool sweep(double *matrix, size_t size, double *vectors)
{
    bool rotated = false;
    for (size_t p = 0; p < size; p++) {
        for (size_t q = p + 1; q < size; q++) {
            const double off = matrix[p * size + q], low = matrix[p * size + p], high = matrix[q * size + q];
            if (!(fabs(off) > 1e-15 * sqrt(fabs(low * high)))) {
                continue;
            }
            const double theta = (high - low) / (2 * off);
            const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
            const double c = 1 / sqrt(t * t + 1);
            rotate_rows(matrix, size, p, q, c, t * c);
            rotate_columns(matrix, size, p, q, c, t * c);
            rotate_rows(vectors, size, p, q, c, t * c);
            rotated = true;
        }
    }
    return rotated;
}

void cnn_eigen_symmetric(double *matrix, size_t size, double *vectors)
{
    for (size_t i = 0; i < size * size; i++) {
        vectors[i] = i % (size + 1) == 0 ? 1 : 0;
    }
    for (int i = 0; i < MOST_SWEEPS && sweep(matrix, size, vectors); i++) {
    }
}

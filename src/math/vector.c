/* Elementwise kernels: plain loops that compilers vectorize. Sums keep the order of the rows, so every level of vector
 * instructions gives the same bits. */
#include "math/vector.h"

#include <math.h>
#include <string.h>

void cnn_vector_add(cnn_real *restrict y, const cnn_real *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += x[i];
    }
}

void cnn_vector_rectify(cnn_real *y, size_t stride, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++, y += stride) {
        for (size_t i = 0; i < columns; i++) {
            y[i] = y[i] < 0 ? 0 : y[i];
        }
    }
}

/* Four rows a turn: y is loaded and stored once for them. */
void cnn_vector_sum_rows(cnn_real *restrict y, const cnn_real *restrict x, size_t rows, size_t columns, int keep)
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

static int is_finite(const cnn_real *x, size_t count)
{
    int others = 0;
    for (size_t i = 0; i < count; i++) {
        others |= x[i] - x[i] != 0; /* infinity minus itself is NaN, and NaN differs from everything */
    }
    return !others;
}

/* Sums side by side, as many as the widest vectors hold, so that each is taken in the same order at every level. */
static double sum_squares(const cnn_real *x, size_t count)
{
    enum { SUMS = 16 };
    double sums[SUMS] = {0};
    size_t i = 0;
    for (; i + SUMS <= count; i += SUMS) {
        for (size_t k = 0; k < SUMS; k++) {
            sums[k] += (double)x[i + k] * (double)x[i + k];
        }
    }
    for (size_t k = 0; i + k < count; k++) {
        sums[k] += (double)x[i + k] * (double)x[i + k];
    }
    double sum = 0;
    for (size_t k = 0; k < SUMS; k++) {
        sum += sums[k];
    }
    return sum;
}

static void add_signs(cnn_real *restrict y, cnn_real factor, const cnn_real *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += x[i] > 0 ? factor : x[i] < 0 ? -factor : 0;
    }
}

static void scale(cnn_real *y, cnn_real factor, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] *= factor;
    }
}

static void blend(cnn_real *restrict y, cnn_real keep, const cnn_real *restrict x, cnn_real factor, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = keep * y[i] + factor * x[i];
    }
}

static void sgd(const cnn_sgd_step *step, cnn_real *restrict w, cnn_real *restrict v, const cnn_real *restrict g,
                size_t count)
{
    const cnn_real rate = step->rate, momentum = step->momentum, decay = step->decay;
    const cnn_real ahead = step->nesterov ? momentum : 1, plain = step->nesterov ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        const cnn_real gradient = g[i] + decay * w[i];
        v[i] = momentum * v[i] + gradient;
        w[i] -= rate * (plain * gradient + ahead * v[i]);
    }
}

static CNN_INLINE cnn_real root(cnn_real x)
{
#ifdef CNN_REAL_IS_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

static void adamw(const cnn_adam_step *step, cnn_real *restrict w, cnn_real *restrict m, cnn_real *restrict s,
                  const cnn_real *restrict g, size_t count)
{
    const cnn_real b1 = step->beta1, b2 = step->beta2, rate = step->rate, correction = step->correction;
    const cnn_real epsilon = step->epsilon, keep = step->keep;
    for (size_t i = 0; i < count; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        s[i] = b2 * s[i] + (1 - b2) * g[i] * g[i];
        w[i] = keep * w[i] - rate * m[i] / (root(correction * s[i]) + epsilon);
    }
}

static void adam(const cnn_adam_step *step, cnn_real *restrict w, cnn_real *restrict m, cnn_real *restrict s,
                 const cnn_real *restrict g, size_t count)
{
    const cnn_real b1 = step->beta1, b2 = step->beta2, rate = step->rate, correction = step->correction;
    const cnn_real epsilon = step->epsilon, decay = step->decay;
    for (size_t i = 0; i < count; i++) {
        const cnn_real gradient = g[i] + decay * w[i];
        m[i] = b1 * m[i] + (1 - b1) * gradient;
        s[i] = b2 * s[i] + (1 - b2) * gradient * gradient;
        w[i] -= rate * m[i] / (root(correction * s[i]) + epsilon);
    }
}

static void rmsprop(const cnn_rmsprop_step *step, cnn_real *restrict w, cnn_real *restrict s,
                    const cnn_real *restrict g, size_t count)
{
    const cnn_real beta = step->beta, rate = step->rate, epsilon = step->epsilon, decay = step->decay;
    for (size_t i = 0; i < count; i++) {
        const cnn_real gradient = g[i] + decay * w[i];
        s[i] = beta * s[i] + (1 - beta) * gradient * gradient;
        w[i] -= rate * gradient / (root(s[i]) + epsilon);
    }
}

static void follow(cnn_real *restrict y, cnn_real share, const cnn_real *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        y[i] += share * (x[i] - y[i]);
    }
}

static void lookahead(cnn_real share, cnn_real *restrict slow, cnn_real *restrict fast, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slow[i] += share * (fast[i] - slow[i]);
        fast[i] = slow[i];
    }
}

extern const cnn_vector_kernels CNN_VARIANT(cnn_vector_kernels);

const cnn_vector_kernels CNN_VARIANT(cnn_vector_kernels) = {
    .add = cnn_vector_add,
    .sum_rows = cnn_vector_sum_rows,
    .is_finite = is_finite,
    .moments = cnn_vector_moments,
    .sum_squares = sum_squares,
    .scale = scale,
    .add_signs = add_signs,
    .blend = blend,
    .sgd = sgd,
    .adamw = adamw,
    .adam = adam,
    .rmsprop = rmsprop,
    .follow = follow,
    .lookahead = lookahead,
};

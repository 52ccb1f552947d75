/* Elementwise kernels over contiguous arrays, for each instruction set level. Arrays of one call do not overlap unless
 * they are the same. */
#ifndef CNN_MATH_VECTOR_H
#define CNN_MATH_VECTOR_H

#include "base/isa.h"
#include "base/real.h"

#include <stddef.h>

/* For kernels, which call those of their own level; what is compiled once takes them from the table below. */
#define cnn_vector_add CNN_VARIANT(cnn_vector_add)
#define cnn_vector_sum_rows CNN_VARIANT(cnn_vector_sum_rows)
#define cnn_vector_rectify CNN_VARIANT(cnn_vector_rectify)
#define cnn_vector_moments CNN_VARIANT(cnn_vector_moments)

/** y[i] += x[i] */
void cnn_vector_add(cnn_real *restrict y, const cnn_real *restrict x, size_t count);
/** y[r][i] = y[r][i] < 0 ? 0 : y[r][i], rows being `stride` apart: NaN stays. */
void cnn_vector_rectify(cnn_real *y, size_t stride, size_t rows, size_t columns);
/** y[i] = keep * y[i] + sum over r of x[r][i]; keep is 0 (y is not read) or 1. In the order of the rows. */
void cnn_vector_sum_rows(cnn_real *restrict y, const cnn_real *restrict x, size_t rows, size_t columns, int keep);

/** Sums over an array's values, and how many of them are 0, and how many at or beyond one of two bounds. */
typedef struct cnn_moments {
    double sum, squares, zeros, saturated;
} cnn_moments;

/** The moments of x[rows][columns], the bounds being the lower and the upper one, infinite where there is none. Sets
 * live[c] to 1 where column c is not 0 in every row, and leaves it else. moments.c. */
void cnn_vector_moments(const cnn_real *x, size_t rows, size_t columns, const cnn_real bounds[2], cnn_moments *moments,
                        unsigned char *live);

/** A step of stochastic gradient descent with momentum over `count` parameters w, gradients g and momenta v. */
typedef struct cnn_sgd_step {
    cnn_real rate, momentum, decay;
    bool nesterov;
} cnn_sgd_step;

/** A step of Adam: `rate` and `correction` have the corrections of the first steps' bias. Weights decay through the
 * gradient by `decay`, or (AdamW) apart from it: `keep` is the share of them that is left. */
typedef struct cnn_adam_step {
    cnn_real beta1, beta2, rate, correction, epsilon, keep, decay;
} cnn_adam_step;

/** A step of RMSProp. */
typedef struct cnn_rmsprop_step {
    cnn_real beta, rate, epsilon, decay;
} cnn_rmsprop_step;

/** The kernels of one level, for code that is compiled once. */
typedef struct cnn_vector_kernels {
    void (*add)(cnn_real *restrict y, const cnn_real *restrict x, size_t count);
    void (*sum_rows)(cnn_real *restrict y, const cnn_real *restrict x, size_t rows, size_t columns, int keep);
    /** Whether all values are finite. */
    int (*is_finite)(const cnn_real *x, size_t count);
    void (*moments)(const cnn_real *x, size_t rows, size_t columns, const cnn_real bounds[2], cnn_moments *moments,
                    unsigned char *live);
    /** The sum of x[i]^2, in double and in an order that depends on the count alone. */
    double (*sum_squares)(const cnn_real *x, size_t count);
    /** y[i] *= factor */
    void (*scale)(cnn_real *y, cnn_real factor, size_t count);
    /** y[i] += factor * sign(x[i]), the sign of 0 being 0 */
    void (*add_signs)(cnn_real *restrict y, cnn_real factor, const cnn_real *restrict x, size_t count);
    /** y[i] = keep * y[i] + factor * x[i] */
    void (*blend)(cnn_real *restrict y, cnn_real keep, const cnn_real *restrict x, cnn_real factor, size_t count);
    /** gradient = g + decay * w; v = momentum * v + gradient; w -= rate * v, or with nesterov
     * rate * (gradient + momentum * v) */
    void (*sgd)(const cnn_sgd_step *step, cnn_real *restrict w, cnn_real *restrict v, const cnn_real *restrict g,
                size_t count);
    /** m = beta1 * m + (1 - beta1) * g; s = beta2 * s + (1 - beta2) * g^2;
     * w = keep * w - rate * m / (sqrt(correction * s) + epsilon) */
    void (*adamw)(const cnn_adam_step *step, cnn_real *restrict w, cnn_real *restrict m, cnn_real *restrict s,
                  const cnn_real *restrict g, size_t count);
    /** The same of gradient = g + decay * w in place of g, and with w in place of keep * w */
    void (*adam)(const cnn_adam_step *step, cnn_real *restrict w, cnn_real *restrict m, cnn_real *restrict s,
                 const cnn_real *restrict g, size_t count);
    /** gradient = g + decay * w; s = beta * s + (1 - beta) * gradient^2; w -= rate * gradient / (sqrt(s) + epsilon) */
    void (*rmsprop)(const cnn_rmsprop_step *step, cnn_real *restrict w, cnn_real *restrict s,
                    const cnn_real *restrict g, size_t count);
    /** y[i] += share * (x[i] - y[i]): where they are equal, y stays to the bit */
    void (*follow)(cnn_real *restrict y, cnn_real share, const cnn_real *restrict x, size_t count);
    /** slow += share * (fast - slow); fast = slow */
    void (*lookahead)(cnn_real share, cnn_real *restrict slow, cnn_real *restrict fast, size_t count);
} cnn_vector_kernels;

const cnn_vector_kernels *cnn_vector_kernels_of(cnn_isa isa);

#endif

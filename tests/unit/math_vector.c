/* The vector kernels of every level that this processor runs, on all small sizes, so that every remainder of a
 * vectorized loop is met. They are compared bit by bit with the plain order, which is part of their contract. */
#include "math/vector.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 37, ROWS = 11 };

/** The kernels that main() is about to test. */
static const cnn_vector_kernels *kernels;

static cnn_real sample(size_t i)
{
    return (cnn_real)(sin((double)i * 12.9898) * 43.7585);
}

static void fill(cnn_real *x, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = sample(from + i);
    }
}

static void adds(void **state)
{
    (void)state;
    cnn_real x[COLUMNS];
    cnn_real y[COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill(x, COLUMNS, 100);
        fill(y, COLUMNS + 1, 0);
        kernels->add(y, x, count);
        for (size_t i = 0; i <= COLUMNS; i++) {
            assert_true(y[i] == (i < count ? sample(i) + x[i] : sample(i)));
        }
    }
}

static void sums_rows_in_order(void **state)
{
    (void)state;
    cnn_real x[ROWS * COLUMNS];
    cnn_real y[COLUMNS];
    cnn_real expected[COLUMNS];
    fill(x, ROWS * COLUMNS, 0);
    for (size_t rows = 0; rows <= ROWS; rows++) {
        for (size_t columns = 1; columns <= COLUMNS; columns++) {
            for (int keep = 0; keep < 2; keep++) {
                for (size_t i = 0; i < columns; i++) {
                    y[i] = keep ? sample(5000 + i) : (cnn_real)NAN;
                    expected[i] = keep ? y[i] : 0;
                    for (size_t r = 0; r < rows; r++) {
                        expected[i] += x[r * columns + i];
                    }
                }
                kernels->sum_rows(y, x, rows, columns, keep);
                assert_memory_equal(y, expected, columns * sizeof *y);
            }
        }
    }
}

static void finds_what_is_not_finite(void **state)
{
    (void)state;
    cnn_real x[COLUMNS];
    const cnn_real others[] = {(cnn_real)NAN, (cnn_real)INFINITY, (cnn_real)-INFINITY};
    fill(x, COLUMNS, 0);
    x[0] = (cnn_real)3.4e38;
    x[1] = (cnn_real)-1e-45;
    assert_true(kernels->is_finite(x, COLUMNS));
    assert_true(kernels->is_finite(x, 0));
    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t kind = 0; kind < 3; kind++) {
            const cnn_real kept = x[i];
            x[i] = others[kind];
            assert_false(kernels->is_finite(x, COLUMNS));
            assert_true(kernels->is_finite(x, i));
            x[i] = kept;
        }
    }
}

/** What one loop leaves in a step's arrays: w, then the optimizer's states, then the gradients. */
enum { W, M, S, G, ARRAYS };

static void fill_arrays(cnn_real a[ARRAYS][COLUMNS + 1])
{
    for (size_t i = 0; i < ARRAYS; i++) {
        fill(a[i], COLUMNS + 1, 1000 * i);
    }
    for (size_t i = 0; i <= COLUMNS; i++) { /* a mean of squares */
        a[S][i] *= a[S][i];
    }
}

static void steps_of_sgd(void **state)
{
    (void)state;
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        const cnn_sgd_step step = {(cnn_real)0.05, (cnn_real)0.9, (cnn_real)5e-4, count % 2};
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            const cnn_real gradient = expected[G][i] + step.decay * expected[W][i];
            const cnn_real v = step.momentum * expected[M][i] + gradient;
            expected[M][i] = v;
            expected[W][i] -= step.rate * (step.nesterov ? gradient + step.momentum * v : v);
        }
        kernels->sgd(&step, found[W], found[M], found[G], count);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void steps_of_adamw(void **state)
{
    (void)state;
    const cnn_adam_step step = {.beta1 = (cnn_real)0.9,
                                .beta2 = (cnn_real)0.999,
                                .rate = (cnn_real)0.01,
                                .correction = 1000,
                                .epsilon = (cnn_real)1e-8,
                                .keep = (cnn_real)0.9999};
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            const cnn_real g = expected[G][i];
            const cnn_real m = step.beta1 * expected[M][i] + (1 - step.beta1) * g;
            const cnn_real s = step.beta2 * expected[S][i] + (1 - step.beta2) * g * g;
            const cnn_real root = (cnn_real)sqrt((double)(step.correction * s));
            expected[M][i] = m;
            expected[S][i] = s;
            expected[W][i] = step.keep * expected[W][i] - step.rate * m / (root + step.epsilon);
        }
        kernels->adamw(&step, found[W], found[M], found[S], found[G], count);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void steps_of_adam(void **state)
{
    (void)state;
    const cnn_adam_step step = {.beta1 = (cnn_real)0.9,
                                .beta2 = (cnn_real)0.999,
                                .rate = (cnn_real)0.01,
                                .correction = 1000,
                                .epsilon = (cnn_real)1e-8,
                                .keep = (cnn_real)0.5, /* not read */
                                .decay = (cnn_real)5e-4};
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            const cnn_real g = expected[G][i] + step.decay * expected[W][i];
            const cnn_real m = step.beta1 * expected[M][i] + (1 - step.beta1) * g;
            const cnn_real s = step.beta2 * expected[S][i] + (1 - step.beta2) * g * g;
            const cnn_real root = (cnn_real)sqrt((double)(step.correction * s));
            expected[M][i] = m;
            expected[S][i] = s;
            expected[W][i] -= step.rate * m / (root + step.epsilon);
        }
        kernels->adam(&step, found[W], found[M], found[S], found[G], count);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void steps_of_rmsprop(void **state)
{
    (void)state;
    const cnn_rmsprop_step step = {(cnn_real)0.9, (cnn_real)0.01, (cnn_real)1e-8, (cnn_real)5e-4};
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            const cnn_real g = expected[G][i] + step.decay * expected[W][i];
            const cnn_real s = step.beta * expected[S][i] + (1 - step.beta) * g * g;
            expected[S][i] = s;
            expected[W][i] -= step.rate * g / ((cnn_real)sqrt((double)s) + step.epsilon);
        }
        kernels->rmsprop(&step, found[W], found[S], found[G], count);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void following_goes_a_share_of_the_way(void **state)
{
    (void)state;
    const cnn_real share = (cnn_real)0.001;
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            expected[S][i] += share * (expected[W][i] - expected[S][i]);
        }
        kernels->follow(found[S], share, found[W], count);
        assert_memory_equal(found, expected, sizeof found);
        memcpy(found[S], found[W], sizeof found[S]);
        kernels->follow(found[S], share, found[W], count);
        assert_memory_equal(found[S], found[W], sizeof found[S]);
    }
}

static void scales_blends_and_looks_ahead(void **state)
{
    (void)state;
    const cnn_real keep = (cnn_real)0.9, factor = (cnn_real)-0.3;
    cnn_real found[ARRAYS][COLUMNS + 1], expected[ARRAYS][COLUMNS + 1];
    for (size_t count = 0; count <= COLUMNS; count++) {
        fill_arrays(found);
        fill_arrays(expected);
        for (size_t i = 0; i < count; i++) {
            expected[W][i] = keep * expected[W][i] + factor * expected[M][i];
            expected[G][i] *= factor;
            expected[S][i] += keep * (expected[M][i] - expected[S][i]);
            expected[M][i] = expected[S][i];
        }
        kernels->blend(found[W], keep, found[M], factor, count);
        kernels->scale(found[G], factor, count);
        kernels->lookahead(keep, found[S], found[M], count);
        assert_memory_equal(found, expected, sizeof found);
    }
}

/** Sixteen sums, then these in their order. */
static void sums_squares_in_double(void **state)
{
    (void)state;
    cnn_real x[COLUMNS];
    fill(x, COLUMNS, 0);
    x[3] = (cnn_real)3e30; /* its square is no float */
    for (size_t count = 0; count <= COLUMNS; count++) {
        double sums[16] = {0}, expected = 0;
        for (size_t i = 0; i < count; i++) {
            sums[i % 16] += (double)x[i] * (double)x[i];
        }
        for (size_t k = 0; k < 16; k++) {
            expected += sums[k];
        }
        assert_true(kernels->sum_squares(x, count) == expected);
    }
}

static void rectifying_keeps_nan(void **state)
{
    (void)state;
    cnn_real y[] = {1, -1, 0, (cnn_real)-INFINITY, (cnn_real)INFINITY, (cnn_real)NAN, -1};
    cnn_vector_rectify(y, 3, 2, 3); /* not the last one */
    const cnn_real expected[] = {1, 0, 0, 0, (cnn_real)INFINITY};
    for (int i = 0; i < 5; i++) {
        assert_true(y[i] == expected[i]);
    }
    assert_true(isnan(y[5]));
    assert_true(y[6] < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds),
        cmocka_unit_test(sums_rows_in_order),
        cmocka_unit_test(finds_what_is_not_finite),
        cmocka_unit_test(steps_of_sgd),
        cmocka_unit_test(steps_of_adamw),
        cmocka_unit_test(steps_of_adam),
        cmocka_unit_test(steps_of_rmsprop),
        cmocka_unit_test(following_goes_a_share_of_the_way),
        cmocka_unit_test(scales_blends_and_looks_ahead),
        cmocka_unit_test(sums_squares_in_double),
        cmocka_unit_test(rectifying_keeps_nan),
    };
    int failed = 0;
    for (int i = 0; i < CNN_ISA_COUNT; i++) {
        if (cnn_isa_is_available((cnn_isa)i)) {
            kernels = cnn_vector_kernels_of((cnn_isa)i);
            failed += cmocka_run_group_tests_name(cnn_isa_name((cnn_isa)i), tests, NULL, NULL);
        }
    }
    return failed;
}

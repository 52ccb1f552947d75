/* The vector kernels on all small sizes, so that every remainder of a vectorized loop is met. Sums are compared bit by
 * bit with the plain order, which is part of their contract. */
#include "math/vector.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 37, ROWS = 11 };

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
        cnn_vector_add(y, x, count);
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
                cnn_vector_sum_rows(y, x, rows, columns, keep);
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
    assert_true(cnn_vector_is_finite(x, COLUMNS));
    assert_true(cnn_vector_is_finite(x, 0));
    for (size_t i = 0; i < COLUMNS; i++) {
        for (size_t kind = 0; kind < 3; kind++) {
            const cnn_real kept = x[i];
            x[i] = others[kind];
            assert_false(cnn_vector_is_finite(x, COLUMNS));
            assert_true(cnn_vector_is_finite(x, i));
            x[i] = kept;
        }
    }
}

static void rectifying_keeps_nan(void **state)
{
    (void)state;
    cnn_real y[] = {1, -1, 0, (cnn_real)-INFINITY, (cnn_real)INFINITY, (cnn_real)NAN, -1};
    cnn_vector_rectify(y, 6); /* not the last one */
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
        cmocka_unit_test(rectifying_keeps_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

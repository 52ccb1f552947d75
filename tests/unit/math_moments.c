/* The kernels that sum up what an array is like, of every level that this processor runs, bit by bit against the plain
 * order that moments.c promises: a sum a column (or a sixteenth number), these added in their order. */
#include "math/vector.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 37, ROWS = 5, PARTIAL = 16 };

static cnn_real sample(size_t i)
{
    return i % 3 == 0 ? 0 : (cnn_real)(sin((double)i * 12.9898) * 43.7585);
}

static const cnn_vector_kernels *const *available(int *count)
{
    static const cnn_vector_kernels *kernels[CNN_ISA_COUNT];
    *count = 0;
    for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
        if (cnn_isa_is_available((cnn_isa)isa)) {
            kernels[(*count)++] = cnn_vector_kernels_of((cnn_isa)isa);
        }
    }
    return kernels;
}

static cnn_moments expect(const cnn_real *x, size_t rows, size_t columns, const cnn_real bounds[2])
{
    cnn_moments all = {0};
    for (size_t c = 0; c < columns; c++) {
        double sum = 0, squares = 0;
        for (size_t r = 0; r < rows; r++) {
            const cnn_real value = x[r * columns + c];
            sum += (double)value;
            squares += (double)value * (double)value;
            all.zeros += value == 0;
            all.saturated += value <= bounds[0] || value >= bounds[1];
        }
        all.sum += sum;
        all.squares += squares;
    }
    return all;
}

static void moments_are_summed_by_column(void **state)
{
    (void)state;
    static const cnn_real bounds[][2] = {{-20, 20}, {-INFINITY, 10}, {-INFINITY, INFINITY}};
    cnn_real x[ROWS * COLUMNS];
    int levels;
    const cnn_vector_kernels *const *kernels = available(&levels);
    for (int level = 0; level < levels; level++) {
        for (size_t rows = 1; rows <= ROWS; rows++) {
            for (size_t columns = 1; columns <= COLUMNS; columns++) {
                cnn_moments moments;
                unsigned char live[COLUMNS + 1] = {0};
                for (size_t i = 0; i < rows * columns; i++) {
                    x[i] = sample(i + columns);
                }
                live[0] = 1; /* stays */
                kernels[level]->moments(x, rows, columns, bounds[columns % 3], &moments, live);
                const cnn_moments expected = expect(x, rows, columns, bounds[columns % 3]);
                assert_memory_equal(&moments, &expected, sizeof moments);
                for (size_t c = 1; c <= COLUMNS; c++) {
                    int lives = 0;
                    for (size_t r = 0; r < rows && c < columns; r++) {
                        lives |= x[r * columns + c] != 0;
                    }
                    assert_int_equal(live[c], lives);
                }
                assert_int_equal(live[0], 1);
            }
        }
    }
}

static void what_is_not_a_number_shows(void **state)
{
    (void)state;
    const cnn_real x[] = {1, NAN, -0.0f, INFINITY}, bounds[] = {-INFINITY, INFINITY};
    int levels;
    const cnn_vector_kernels *const *kernels = available(&levels);
    for (int level = 0; level < levels; level++) {
        cnn_moments moments;
        unsigned char live[4] = {0};
        kernels[level]->moments(x, 1, 4, bounds, &moments, live);
        assert_true(isnan(moments.sum) && isnan(moments.squares));
        assert_true(moments.zeros == 1);
        assert_memory_equal(live, ((unsigned char[]){1, 1, 0, 1}), 4);
    }
}

static void squares_are_summed_in_sixteen_parts(void **state)
{
    (void)state;
    cnn_real x[3 * COLUMNS];
    int levels;
    const cnn_vector_kernels *const *kernels = available(&levels);
    for (size_t i = 0; i < 3 * COLUMNS; i++) {
        x[i] = sample(i);
    }
    for (int level = 0; level < levels; level++) {
        for (size_t count = 0; count <= 3 * COLUMNS; count++) {
            double parts[PARTIAL] = {0}, sum = 0;
            for (size_t i = 0; i < count; i++) {
                parts[i % PARTIAL] += (double)x[i] * (double)x[i];
            }
            for (size_t p = 0; p < PARTIAL; p++) {
                sum += parts[p];
            }
            assert_true(kernels[level]->sum_squares(x, count) == sum);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_summed_by_column),
        cmocka_unit_test(what_is_not_a_number_shows),
        cmocka_unit_test(squares_are_summed_in_sixteen_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

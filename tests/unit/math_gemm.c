/* Products against the plain triple loop: every pair of transpositions, vectors among them, with gaps between rows. */
#include "base/random.h"
#include "math/gemm.h"
#include "unit/unit.h"

#include <cblas.h>
#include <math.h>

enum { LONGEST = 24, STRIDE = LONGEST + 3 };

typedef struct operand {
    cnn_real data[LONGEST * STRIDE];
    cnn_factor factor;
} operand;

static cnn_real draw(cnn_random *random)
{
    return (cnn_real)(2 * cnn_random_uniform(random) - 1);
}

/** A factor that stands for `rows` x `columns`. */
static void make(operand *o, int rows, int columns, cnn_transpose transpose, cnn_random *random)
{
    for (int i = 0; i < LONGEST * STRIDE; i++) {
        o->data[i] = draw(random);
    }
    const int stored_rows = transpose == CNN_TRANSPOSED ? columns : rows;
    const int stored_columns = transpose == CNN_TRANSPOSED ? rows : columns;
    const int gap = (int)cnn_random_below(random, 4);
    o->factor = (cnn_factor){{o->data, stored_rows, stored_columns, stored_columns + gap}, transpose};
}

static double at(const operand *o, int row, int column)
{
    const cnn_matrix *m = &o->factor.matrix;
    return o->factor.transpose == CNN_TRANSPOSED ? m->data[column * m->stride + row]
                                                 : m->data[row * m->stride + column];
}

static void check(int m, int n, int k, cnn_random *random)
{
    static operand a;
    static operand b;
    static cnn_real c[LONGEST * STRIDE];
    static cnn_real before[LONGEST * STRIDE];
    make(&a, m, k, (cnn_transpose)cnn_random_below(random, 2), random);
    make(&b, k, n, (cnn_transpose)cnn_random_below(random, 2), random);
    const int stride = n + (int)cnn_random_below(random, 4);
    const int keeps = (int)cnn_random_below(random, 3);
    const cnn_real keep = keeps == 2 ? (cnn_real)0.5 : (cnn_real)keeps;
    for (int i = 0; i < LONGEST * STRIDE; i++) {
        before[i] = c[i] = keep == 0 ? (cnn_real)NAN : draw(random); /* keep 0 reads nothing */
    }
    cnn_gemm(a.factor, b.factor, (cnn_product){c, stride, keep});
    for (int i = 0; i < LONGEST * STRIDE; i++) {
        const int row = i / stride;
        const int column = i % stride;
        if (row >= m || column >= n) {
            assert_memory_equal(&c[i], &before[i], sizeof c[i]); /* gaps and what lies behind stay */
            continue;
        }
        double sum = keep == 0 ? 0 : (double)keep * before[i];
        for (int j = 0; j < k; j++) {
            sum += at(&a, row, j) * at(&b, j, column);
        }
        assert_true(fabs(sum - c[i]) < 1e-5);
    }
}

static void agrees_with_the_definition(void **state)
{
    (void)state;
    cnn_random random = cnn_random_at(1, CNN_RANDOM_ORDER, 0, 0);
    for (int i = 0; i < 2000; i++) {
        const int m = 1 + (int)cnn_random_below(&random, LONGEST);
        const int n = 1 + (int)cnn_random_below(&random, LONGEST);
        const int k = 1 + (int)cnn_random_below(&random, LONGEST);
        check(i % 4 == 1 ? 1 : m, i % 4 == 2 ? 1 : n, i % 8 == 3 ? 1 : k, &random);
    }
    check(1, 1, 1, &random);
}

/** Products large enough to be cut into pieces, the last one narrow, against the same in one. */
static void pieces_are_the_whole(void **state)
{
    (void)state;
    enum { ROWS = 70, COLUMNS = 273, INNER = 1200, C_STRIDE = COLUMNS + 5 };
    static cnn_real a[ROWS * INNER], b[INNER * COLUMNS], whole[ROWS * C_STRIDE], pieces[ROWS * C_STRIDE];
    cnn_random random = cnn_random_at(2, CNN_RANDOM_ORDER, 0, 0);
    for (int i = 0; i < ROWS * INNER; i++) {
        a[i] = draw(&random);
    }
    for (int i = 0; i < INNER * COLUMNS; i++) {
        b[i] = draw(&random);
    }
    for (int inner = 1; inner <= INNER; inner = inner < 3 ? inner + 1 : 20 * inner) {
        const cnn_matrix left = {a, ROWS, inner, INNER}, right = {b, inner, COLUMNS, COLUMNS};
        for (int keep = 0; keep < 2; keep++) {
            for (int i = 0; i < ROWS * C_STRIDE; i++) {
                whole[i] = pieces[i] = draw(&random);
            }
            cnn_gemm((cnn_factor){left, CNN_PLAIN}, (cnn_factor){right, CNN_PLAIN},
                     (cnn_product){whole, C_STRIDE, (cnn_real)keep});
            cnn_gemm_near(left, right, (cnn_product){pieces, C_STRIDE, (cnn_real)keep});
            for (int i = 0; i < ROWS * C_STRIDE; i++) {
                assert_true(fabs((double)(whole[i] - pieces[i])) < 1e-3);
            }
        }
    }
}

static void leaves_empty_products_out(void **state)
{
    (void)state;
    cnn_real a[4] = {1, 1, 1, 1};
    cnn_real c[4] = {5, 5, 5, 5};
    const cnn_factor full = {{a, 2, 2, 2}, CNN_PLAIN};
    const cnn_factor no_columns = {{a, 2, 0, 2}, CNN_PLAIN};
    const cnn_factor no_rows = {{a, 0, 2, 2}, CNN_PLAIN};
    cnn_gemm(full, no_columns, (cnn_product){c, 2, 0});
    cnn_gemm(no_rows, full, (cnn_product){c, 2, 0});
    cnn_gemm(no_columns, no_rows, (cnn_product){c, 2, 0});
    for (int i = 0; i < 4; i++) {
        assert_true(c[i] == 5);
    }
}

static void borrows_and_returns_the_threads(void **state)
{
    (void)state;
    cnn_error error;
    int former = 0;
    openblas_set_num_threads(2);
    const int available = openblas_get_num_threads();
    if (cnn_blas_borrow(&former, &error) != CNN_OK) {
        assert_int_equal(error.status, CNN_PLATFORM); /* the OpenMP build */
        return;
    }
    assert_int_equal(former, available);
    assert_int_equal(openblas_get_num_threads(), 1);
    cnn_blas_return(former);
    assert_int_equal(openblas_get_num_threads(), available);
    assert_int_equal(cnn_blas_single_thread(NULL), CNN_OK);
    assert_int_equal(openblas_get_num_threads(), 1);
}

static void knows_faster_kernels(void **state)
{
    (void)state;
    assert_null(cnn_blas_kernels_beyond("Prescott", CNN_ISA_baseline));
#ifdef CNN_ISA_X86_64
    assert_string_equal(cnn_blas_kernels_beyond("Prescott", CNN_ISA_v3), "Haswell");
    assert_string_equal(cnn_blas_kernels_beyond("Prescott", CNN_ISA_v4), "SkylakeX");
    assert_null(cnn_blas_kernels_beyond("Haswell", CNN_ISA_v4));
    assert_null(cnn_blas_kernels_beyond("Zen", CNN_ISA_v3));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition), cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(leaves_empty_products_out),  cmocka_unit_test(borrows_and_returns_the_threads),
        cmocka_unit_test(knows_faster_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

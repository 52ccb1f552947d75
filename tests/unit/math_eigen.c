/* Eigenvectors: V^T diag(values) V gives the matrix back, rows of V are orthonormal, and known matrices have their
 * known values, repeated ones and zero included. */
#include "base/random.h"
#include "math/eigen.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { MOST = 40 };

static void check(const double *matrix, size_t n)
{
    static double work[MOST * MOST], vectors[MOST * MOST];
    memcpy(work, matrix, n * n * sizeof *work);
    cnn_eigen_symmetric(work, n, vectors);
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++) {
            double dot = 0, sum = 0;
            for (size_t k = 0; k < n; k++) {
                dot += vectors[a * n + k] * vectors[b * n + k];
                sum += vectors[k * n + a] * work[k * n + k] * vectors[k * n + b];
            }
            assert_true(fabs(dot - (a == b)) < 1e-12);
            assert_true(fabs(sum - matrix[a * n + b]) < 1e-11 * (double)n);
        }
    }
}

static void random_matrices_come_back(void **state)
{
    (void)state;
    static double matrix[MOST * MOST];
    for (size_t n = 1; n <= MOST; n += 3) {
        cnn_random random = cnn_random_at(n, CNN_RANDOM_ORDER, 0, 0);
        for (size_t a = 0; a < n; a++) {
            for (size_t b = 0; b <= a; b++) {
                matrix[a * n + b] = matrix[b * n + a] = cnn_random_normal(&random);
            }
        }
        check(matrix, n);
    }
}

/** As of patches of grey pictures in colour: of few directions, three times over. */
static void singular_matrices_come_back(void **state)
{
    (void)state;
    enum { SIZE = 39, RANK = 5 };
    static double matrix[SIZE * SIZE];
    for (uint32_t r = 0; r < RANK; r++) {
        double x[SIZE];
        cnn_random random = cnn_random_at(7, CNN_RANDOM_ORDER, r, 0);
        for (int i = 0; i < SIZE; i++) {
            x[i] = i % 3 == 0 ? cnn_random_normal(&random) : x[i - 1];
        }
        for (int i = 0; i < SIZE * SIZE; i++) {
            matrix[i] += x[i / SIZE] * x[i % SIZE];
        }
    }
    check(matrix, SIZE);
}

static void special_matrices(void **state)
{
    (void)state;
    static const double ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const double diagonal[9] = {2, 0, 0, 0, 2, 0, 0, 0, -1};
    static const double zero[9] = {0};
    check(ones, 3);
    check(diagonal, 3);
    check(zero, 3);
    double work[9], vectors[9];
    memcpy(work, ones, sizeof work);
    cnn_eigen_symmetric(work, 3, vectors);
    double largest = 0, sum = 0;
    for (int i = 0; i < 3; i++) {
        largest = fmax(largest, work[4 * i]);
        sum += fabs(work[4 * i]);
    }
    assert_true(fabs(largest - 3) < 1e-14 && fabs(sum - 3) < 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_matrices_come_back),
        cmocka_unit_test(singular_matrices_come_back),
        cmocka_unit_test(special_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

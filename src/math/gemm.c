/* Matrix products through OpenBLAS's CBLAS interface, and the control of its process-wide thread count. */
#include "math/gemm.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#ifdef CNN_REAL_IS_DOUBLE
#define BLAS_GEMM cblas_dgemm
#define BLAS_GEMV cblas_dgemv
#else
#define BLAS_GEMM cblas_sgemm
#define BLAS_GEMV cblas_sgemv
#endif

/** openblas_get_parallel() of a build whose threads are OpenMP's. */
#define OPENBLAS_OPENMP 2

static CBLAS_TRANSPOSE blas_transpose(cnn_transpose transpose)
{
    return transpose == CNN_TRANSPOSED ? CblasTrans : CblasNoTrans;
}

static int rows(const cnn_factor *factor)
{
    return factor->transpose == CNN_TRANSPOSED ? factor->matrix.columns : factor->matrix.rows;
}

static int columns(const cnn_factor *factor)
{
    return factor->transpose == CNN_TRANSPOSED ? factor->matrix.rows : factor->matrix.columns;
}

/** out = factor vector + keep * out, or with the factor transposed once more. */
static void multiply_vector(const cnn_factor *factor, bool turned, const cnn_real *vector, int vector_step,
                            const cnn_product *out, int out_step)
{
    const bool transposed = (factor->transpose == CNN_TRANSPOSED) != turned;
    BLAS_GEMV(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, factor->matrix.rows, factor->matrix.columns, 1,
              factor->matrix.data, factor->matrix.stride, vector, vector_step, out->keep, out->data, out_step);
}

void cnn_gemm(cnn_factor a, cnn_factor b, cnn_product c)
{
    const int m = rows(&a);
    const int n = columns(&b);
    const int k = columns(&a);
    if (m <= 0 || n <= 0 || k <= 0) {
        return;
    }
    /* sgemm copies its factors into blocks first, which never pays where each number is used once: sgemv took a third
     * to a fifth of its time at every size tried (1 x 500 x 800: 20 us, not 84 to 120). */
    if (n == 1) {
        multiply_vector(&a, false, b.matrix.data, b.transpose == CNN_PLAIN ? b.matrix.stride : 1, &c, c.stride);
    } else if (m == 1) {
        multiply_vector(&b, true, a.matrix.data, a.transpose == CNN_PLAIN ? 1 : a.matrix.stride, &c, 1);
    } else {
        BLAS_GEMM(CblasRowMajor, blas_transpose(a.transpose), blas_transpose(b.transpose), m, n, k, 1, a.matrix.data,
                  a.matrix.stride, b.matrix.data, b.matrix.stride, c.keep, c.data, c.stride);
    }
}

/** c = a b + keep * c in pieces of c's columns. */
static void multiply_near(cnn_matrix a, cnn_matrix b, cnn_product c)
{
    for (int first = 0; first < b.columns; first += CNN_GEMM_WIDE) {
        const int count = b.columns - first < CNN_GEMM_WIDE ? b.columns - first : CNN_GEMM_WIDE;
        const cnn_matrix part = {b.data + first, b.rows, count, b.stride};
        cnn_gemm((cnn_factor){a, CNN_PLAIN}, (cnn_factor){part, CNN_PLAIN},
                 (cnn_product){c.data + first, c.stride, c.keep});
    }
}

void cnn_gemm_near(cnn_matrix a, cnn_matrix b, cnn_product c)
{
    const int fitting = CNN_GEMM_SMALL / CNN_GEMM_WIDE / a.rows / 16 * 16, most = fitting > 16 ? fitting : 16;
    const int pieces = 1 + (a.columns - 1) / most, depth = (a.columns + pieces - 1) / pieces;
    for (int first = 0; first < a.columns; first += depth) {
        const int count = a.columns - first < depth ? a.columns - first : depth;
        multiply_near((cnn_matrix){a.data + first, a.rows, count, a.stride},
                      (cnn_matrix){b.data + (size_t)first * (size_t)b.stride, count, b.columns, b.stride}, c);
        c.keep = 1;
    }
}

cnn_status cnn_blas_borrow(int *former, cnn_error *error)
{
    const int threads = openblas_get_num_threads();
    if (threads != 1) {
        if (openblas_get_parallel() == OPENBLAS_OPENMP) {
            return cnn_fail(error, CNN_PLATFORM,
                            "this OpenBLAS is an OpenMP build, which cannot be told to use one thread: set "
                            "OMP_NUM_THREADS=1, or install the pthread build (libopenblas0-pthread)");
        }
        openblas_set_num_threads(1);
    }
    *former = threads;
    return CNN_OK;
}

void cnn_blas_return(int former)
{
    if (former != openblas_get_num_threads()) {
        openblas_set_num_threads(former);
    }
}

cnn_status cnn_blas_single_thread(cnn_error *error)
{
    int former;
    return cnn_blas_borrow(&former, error);
}

const char *cnn_blas_kernels_beyond(const char *chosen, cnn_isa best)
{
#ifdef CNN_ISA_X86_64
    /* What OpenBLAS falls back to: 0.3.21 does on Intel's Emerald Rapids, where sgemm then ran at 13 GFLOP/s, with
     * Haswell's kernels at 57 and with SkylakeX's at 87. No processor with AVX2 has them for its own. */
    if (strcmp(chosen, "Prescott") == 0 && best != CNN_ISA_baseline) {
        return best == CNN_ISA_v4 ? "SkylakeX" : "Haswell";
    }
#else
    (void)chosen;
    (void)best;
#endif
    return NULL;
}

const char *cnn_blas_faster_kernels(void)
{
    const char *kernels = cnn_blas_kernels_beyond(openblas_get_corename(), cnn_isa_best());
    return getenv("OPENBLAS_CORETYPE") ? NULL : kernels;
}

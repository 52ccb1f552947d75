/* The one door to BLAS: row-major matrix products. */
#ifndef CNN_MATH_GEMM_H
#define CNN_MATH_GEMM_H

#include "base/isa.h"
#include "base/real.h"
#include "base/status.h"

/** A row-major matrix of `rows` x `columns`, rows `stride` elements apart. */
typedef struct cnn_matrix {
    const cnn_real *data;
    int rows, columns, stride;
} cnn_matrix;

typedef enum cnn_transpose { CNN_PLAIN, CNN_TRANSPOSED } cnn_transpose;

/** A factor of a product: the matrix, or its transpose. */
typedef struct cnn_factor {
    cnn_matrix matrix;
    cnn_transpose transpose;
} cnn_factor;

/** Where a product goes: c = a b + keep * c. `keep` 0 reads nothing of c. */
typedef struct cnn_product {
    cnn_real *data;
    int stride;
    cnn_real keep;
} cnn_product;

/** c = a b + keep * c; the sizes come from the factors, which must agree. Empty products are left out. */
void cnn_gemm(cnn_factor a, cnn_factor b, cnn_product c);

/* What OpenBLAS (0.3.21) has on processors with AVX-512: kernels for matrices of up to CNN_GEMM_SMALL multiplications
 * that read the factors where they are. With neither transposed these come near the peak, where copying kernels leave
 * a fifth: 64 x 128 x 128 at 198 GFLOP/s, not 160. Their blocks are CNN_GEMM_WIDE columns: pieces of 48 or 96 are a
 * fifth slower, and of 32 a twentieth to a third, also where the sums must be cut for 64 (9 x 256 x 2304 in 59 us, not
 * 92). */
#define CNN_GEMM_SMALL 1000000
#define CNN_GEMM_WIDE 64

/** The same, for factors that fit in the caches and may have been used just before: in pieces of c's columns, and of
 * the sums where these are long, for those kernels. Sizes are at least 1. */
void cnn_gemm_near(cnn_matrix a, cnn_matrix b, cnn_product c);

/** Sets OpenBLAS's process-wide thread count to 1 and gives the former one in *former, or fails with CNN_PLATFORM. */
cnn_status cnn_blas_borrow(int *former, cnn_error *error);
void cnn_blas_return(int former);

/** cnn_blas_faster_kernels() where OpenBLAS itself chose the kernels `chosen`; `best` is the processor's level. */
const char *cnn_blas_kernels_beyond(const char *chosen, cnn_isa best);

#endif

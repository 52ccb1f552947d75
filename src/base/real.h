/* The scalar type of all computing: float, or double in the tests' own build (CNN_REAL_IS_DOUBLE), which checks
 * gradients by finite differences to 1e-7. */
#ifndef CNN_BASE_REAL_H
#define CNN_BASE_REAL_H

#ifdef CNN_REAL_IS_DOUBLE
typedef double cnn_real;
#else
typedef float cnn_real;
#endif

/* CNN_INLINE marks parts of kernels that must be compiled into them, so that constant arguments unfold their loops. */
#if defined(__GNUC__)
#define CNN_INLINE inline __attribute__((always_inline))
#else
#define CNN_INLINE inline
#endif

#endif

/* The scalar type of all computing: float, or double in the tests' own build (CNN_REAL_IS_DOUBLE), which checks
 * gradients by finite differences to 1e-7. */
#ifndef CNN_BASE_REAL_H
#define CNN_BASE_REAL_H

#ifdef CNN_REAL_IS_DOUBLE
typedef double cnn_real;
#else
typedef float cnn_real;
#endif

/* CNN_HOT marks the functions that hold hot loops: one binary carries them for each level of x86-64, and the dynamic
 * linker picks. Sanitizers run before its resolvers may, so their builds keep the baseline. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(CNN_BASELINE_ONLY)
#define CNN_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CNN_HOT
#endif

/* CNN_INLINE marks parts of such functions that must be compiled with them, once for each level. */
#if defined(__GNUC__)
#define CNN_INLINE inline __attribute__((always_inline))
#else
#define CNN_INLINE inline
#endif

#endif

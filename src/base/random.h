/* Random numbers as a function of (seed, purpose, a, b): any place of the sequence is reached at once, so results
 * depend neither on order nor on threads. Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. */
#ifndef CNN_BASE_RANDOM_H
#define CNN_BASE_RANDOM_H

#include <stdint.h>

/** What a stream is for: streams with different purposes are independent. */
typedef enum cnn_random_purpose {
    CNN_RANDOM_INITIALIZE, /* a: tensor's index, b: 0 */
    CNN_RANDOM_SPLIT,      /* a: 0, b: 0: which images are held back for validation */
    CNN_RANDOM_ORDER,      /* a: epoch, b: 0: the order of the images */
    CNN_RANDOM_AUGMENT,    /* a: epoch, b: image's index in the data set */
    CNN_RANDOM_DROPOUT,    /* a: layer's index, b: number of the image since training began */
    CNN_RANDOM_MIXUP,      /* a: epoch, b: image's index in the data set */
    CNN_RANDOM_FLIP        /* a: 0, b: image's index in the data set: what alternating flips begin with */
} cnn_random_purpose;

/** A position in one stream. Copying it forks it. */
typedef struct cnn_random {
    uint32_t key[2];
    uint32_t counter[4]; /* block, a, b's halves; the purpose is mixed into the key */
    uint32_t block[4];
    int used; /* words of `block` already given */
} cnn_random;

cnn_random cnn_random_at(uint64_t seed, cnn_random_purpose purpose, uint32_t a, uint64_t b);
uint32_t cnn_random_word(cnn_random *random);
/** Uniform in [0, 1), a multiple of 2^-32. */
double cnn_random_uniform(cnn_random *random);
/** Uniform in 0 .. bound - 1, without bias; bound > 0. */
uint32_t cnn_random_below(cnn_random *random, uint32_t bound);
/** Standard normal (Box-Muller; one value a call, so that the position stays a plain count). */
double cnn_random_normal(cnn_random *random);
/** Beta(alpha, alpha), in 0 .. 1; alpha > 0. */
double cnn_random_beta(cnn_random *random, double alpha);

#endif

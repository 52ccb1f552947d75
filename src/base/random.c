/* Philox4x32-10: ten rounds of multiplying, swapping and xoring turn (counter, key) into four random words. */
#include "base/random.h"

#include <math.h>
#include <string.h>

static void generate(cnn_random *random)
{
    uint32_t k0 = random->key[0];
    uint32_t k1 = random->key[1];
    uint32_t c[4];
    memcpy(c, random->counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c[0];
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c[2];
        c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k0;
        c[1] = (uint32_t)p1;
        c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    memcpy(random->block, c, sizeof c);
    random->counter[0]++;
    random->used = 0;
}

cnn_random cnn_random_at(uint64_t seed, cnn_random_purpose purpose, uint32_t a, uint64_t b)
{
    /* The golden ratio's bits keep the keys of all small seeds and all purposes apart. */
    const uint64_t key = seed + (uint64_t)purpose * 0x9E3779B97F4A7C15u;
    return (cnn_random){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)}, .counter = {0, a, (uint32_t)b, (uint32_t)(b >> 32)}, .used = 4};
}

uint32_t cnn_random_word(cnn_random *random)
{
    if (random->used == 4) {
        generate(random);
    }
    return random->block[random->used++];
}

double cnn_random_uniform(cnn_random *random)
{
    return cnn_random_word(random) * 0x1p-32;
}

uint32_t cnn_random_below(cnn_random *random, uint32_t bound)
{
    /* Lemire, "Fast random integer generation in an interval", 2019: the products' high words are unbiased once the
     * first 2^32 mod bound low words are rejected. */
    const uint32_t rejected = (0u - bound) % bound;
    uint64_t product;
    do {
        product = (uint64_t)cnn_random_word(random) * bound;
    } while ((uint32_t)product < rejected);
    return (uint32_t)(product >> 32);
}

double cnn_random_normal(cnn_random *random)
{
    const double pi = 3.14159265358979323846;
    const double radius = sqrt(-2 * log((cnn_random_word(random) + 1.0) * 0x1p-32));
    return radius * cos(2 * pi * cnn_random_uniform(random));
}

/** The logarithm of a number of the gamma distribution: Marsaglia and Tsang, "A simple method for generating gamma
 * variables", 2000, which for shapes below 1 takes the next shape times a power of a uniform number. The power of a
 * small shape would be 0 as a number. */
static double log_gamma(cnn_random *random, double shape)
{
    const double power = shape < 1 ? log((cnn_random_word(random) + 1.0) * 0x1p-32) / shape : 0;
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
    double x, v, u;
    do {
        x = cnn_random_normal(random);
        v = 1 + x / sqrt(9 * d);
        v = v * v * v;
        u = (cnn_random_word(random) + 1.0) * 0x1p-32;
    } while (!(v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v)));
    return power + log(d * v);
}

double cnn_random_beta(cnn_random *random, double alpha)
{
    const double one = log_gamma(random, alpha), other = log_gamma(random, alpha);
    return 1 / (1 + exp(other - one)); /* one / (one + other) of the numbers themselves */
}

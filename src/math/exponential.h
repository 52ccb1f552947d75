/* The exponential function and what activations make of it, as parts of loops that compilers vectorize: without
 * branches, tables or calls, which libm's have. They are the same few additions and multiplications at every
 * instruction set level, so all levels give the same bits. NaN stays NaN. The double build takes libm's functions:
 * speed is nothing to it.
 *
 * exp(x) = 2^k exp(r) with k = round(x / ln 2), whose bits become an exponent, and a polynomial in r = x - k ln 2.
 * All coefficients are minimax fits (Remez) of relative error; what rounding adds, math_exponential measures. */
#ifndef CNN_MATH_EXPONENTIAL_H
#define CNN_MATH_EXPONENTIAL_H

#include "base/real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/** Phi(x), the share of the standard normal distribution below x, and its density there. */
typedef struct cnn_normal {
    cnn_real below, density;
} cnn_normal;

#ifdef CNN_REAL_IS_DOUBLE

static CNN_INLINE double cnn_exp(double x)
{
    return exp(x);
}

static CNN_INLINE double cnn_expm1(double x)
{
    return expm1(x);
}

static CNN_INLINE double cnn_log1p(double x)
{
    return log1p(x);
}

static CNN_INLINE cnn_normal cnn_normal_at(double x)
{
    return (cnn_normal){erfc(x * -0.70710678118654752440) / 2, exp(x * x / -2) * 0.39894228040143267794};
}

#else

/** x / ln 2 to the nearest integer k: `power` is k + CNN_POWER_BIAS, `rest` is r, within +-0.347. Adding 1.5 * 2^23
 * leaves no room for a fraction, so the sum's last bits are k. ln 2 is taken in two parts, the first of which has
 * few digits, so that k times it is exact. Of NaN, power is anything and rest is NaN. */
typedef struct cnn_power_rest {
    uint32_t power;
    float rest;
} cnn_power_rest;
#define CNN_POWER_BIAS 256
static CNN_INLINE cnn_power_rest cnn_split_power(float x)
{
    const float shift = 12582912.0f, shifted = x * 1.44269504f + shift, k = shifted - shift;
    uint32_t bits, zero;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&zero, &shift, sizeof zero);
    return (cnn_power_rest){bits - zero + CNN_POWER_BIAS, (x - k * 0.693359375f) - k * -2.12194440e-4f};
}

/** 2^(power - bias), of normal numbers. */
static CNN_INLINE float cnn_power(uint32_t power, uint32_t bias)
{
    const uint32_t bits = (power - bias + 127) << 23;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/** exp(r) - 1 for r within +-0.347. */
static CNN_INLINE float cnn_expm1_rest(float r)
{
    const float a = 1.39506302e-3f, b = 8.36896993e-3f, c = 4.16662037e-2f, d = 1.66665182e-1f, e = 5.0000001e-1f;
    return r + r * r * ((((a * r + b) * r + c) * r + d) * r + e);
}

/** exp(x), 1 ulp or so; infinity above 88.73, denormal below -87.3 and at last 0. The power of two is applied in two
 * halves, since it may be none of a normal number. */
static CNN_INLINE float cnn_exp(float x)
{
    const float low = -104.0f, high = 89.0f, least = x < low ? low : x, within = least > high ? high : least;
    const cnn_power_rest split = cnn_split_power(within);
    const uint32_t half = split.power >> 1;
    const float scaled = (1 + cnn_expm1_rest(split.rest)) * cnn_power(half, CNN_POWER_BIAS / 2);
    return scaled * cnn_power(split.power - half, CNN_POWER_BIAS / 2);
}

/** exp(x) - 1 for x up to 0 (and 88), to few ulp however near to 0. */
static CNN_INLINE float cnn_expm1(float x)
{
    const float low = -20.0f, within = x < low ? low : x; /* -1 to all digits from -17.4 down */
    const cnn_power_rest split = cnn_split_power(within);
    const float power = cnn_power(split.power, CNN_POWER_BIAS);
    return power * cnn_expm1_rest(split.rest) + (power - 1);
}

/** log(1 + x) for x in 0 .. 1, to few ulp however near to 0: 2 artanh(u) with u = x / (2 + x). */
static CNN_INLINE float cnn_log1p(float x)
{
    const float a = 2.80244601e-1f, b = 2.79991408e-1f, c = 4.00216991e-1f, d = 6.66664131e-1f;
    const float u = x / (2 + x), v = u * u;
    return 2 * u + u * v * (((a * v + b) * v + c) * v + d);
}

/** Phi(-z) = exp(-z^2 / 2) w P(t) with w = 1 / (z + 2.9) and t = (z - 2.9) w, for z from 0 on: 2e-7 off at most, and
 * at z = 6, where it is 1e-9, 1.2e-6 of itself. The other half is what is left of 1. */
static CNN_INLINE cnn_normal cnn_normal_at(float x)
{
    const float z = x < 0 ? -x : x, w = 1 / (z + 2.9f), t = (z - 2.9f) * w, e = cnn_exp(-0.5f * z * z);
    const float low = ((-3.20611274e-4f * t - 7.22147018e-4f) * t + 1.74128455e-3f) * t + 5.6607035e-3f;
    const float middle = ((low * t - 1.35619771e-2f) * t - 3.45250788e-2f) * t + 2.11311396e-1f;
    const float tail = e * (w * ((middle * t - 4.95965419e-1f) * t + 7.25277954e-1f));
    return (cnn_normal){(x < 0 ? 0.0f : 1.0f) + (x < 0 ? tail : -tail), e * 0.398942280f};
}

#endif

/** 1 / (1 + exp(-x)) */
static CNN_INLINE cnn_real cnn_sigmoid(cnn_real x)
{
    return 1 / (1 + cnn_exp(-x));
}

#endif

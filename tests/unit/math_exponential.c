/* The exponential function and its relatives against libm's in double: over all their range, and where it ends. In
 * units of the last place of a float. That other levels give the same bits, layers_isa shows. */
#include "math/exponential.h"
#include "unit/unit.h"

#include <float.h>
#include <math.h>

/** |found - expected| in units of the last place of the expected number as a float; denormals have the smallest. */
static double distance(float found, double expected)
{
    int exponent;
    frexp(expected, &exponent);
    const double unit = ldexp(1, (exponent > FLT_MIN_EXP ? exponent : FLT_MIN_EXP) - FLT_MANT_DIG);
    return fabs((double)found - expected) / unit;
}

/** Checks found(x) for numbers x from `least` to `most`, by steps of `step` and, `ratio` apart, closer and closer to
 * 0. */
static void check_range(const char *what, float (*found)(float x), double (*expected)(double x), double least,
                        double most, double limit)
{
    double worst = 0, at = 0;
    for (int spread = 0; spread < 2; spread++) {
        for (int i = 0; i <= 200000; i++) {
            const double part = i / 200000.0, end = i % 2 ? least : most;
            const float x = (float)(spread ? end * exp(-20 * part) : least + (most - least) * part);
            const double off = distance(found(x), expected((double)x));
            if (!(off <= worst)) {
                worst = off;
                at = (double)x;
            }
        }
    }
    if (!(worst <= limit)) {
        fail_msg("%s is %g units of the last place off at %g", what, worst, at);
    }
}

static float found_exp(float x)
{
    return cnn_exp(x);
}

static float found_expm1(float x)
{
    return cnn_expm1(x);
}

static float found_log1p(float x)
{
    return cnn_log1p(x);
}

static float found_below(float x)
{
    return cnn_normal_at(x).below;
}

static double expected_below(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

static float found_density(float x)
{
    return cnn_normal_at(x).density;
}

static double expected_density(double x)
{
    return exp(-x * x / 2) / sqrt(2 * acos(-1));
}

static void test_accuracy(void **state)
{
    (void)state;
    check_range("exp", found_exp, exp, -103, 88.7, 1.1);
    check_range("expm1", found_expm1, expm1, -30, 0, 1.1);
    check_range("log1p", found_log1p, log1p, 0, 1, 2.1);
    check_range("the normal distribution", found_below, expected_below, -3, 9, 8);
    check_range("its density", found_density, expected_density, -3, 3, 8);
    for (float x = -12; x < 12; x += 1.0f / 1024) {
        assert_true(fabs((double)cnn_normal_at(x).below - expected_below((double)x)) < 2e-7);
        assert_true(fabs((double)cnn_normal_at(x).density - expected_density((double)x)) < 1e-7);
    }
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(cnn_exp(0) == 1);
    assert_true(cnn_exp(88.72f) > 3.39e38f && isfinite(cnn_exp(88.72f)));
    assert_true(cnn_exp(88.73f) == INFINITY && cnn_exp(1e30f) == INFINITY && cnn_exp(INFINITY) == INFINITY);
    assert_true(cnn_exp(-100) > 0 && cnn_exp(-100) < FLT_MIN);
    assert_true(cnn_exp(-104) == 0 && cnn_exp(-1e30f) == 0 && cnn_exp(-INFINITY) == 0);
    assert_true(cnn_expm1(0) == 0);
    assert_true(cnn_expm1(-18) == -1 && cnn_expm1(-1e30f) == -1 && cnn_expm1(-INFINITY) == -1);
    assert_true(cnn_log1p(0) == 0);
    assert_true(cnn_normal_at(1e9f).below == 1 && cnn_normal_at(-1e9f).below == 0);
    assert_true(cnn_sigmoid(0) == 0.5f && cnn_sigmoid(INFINITY) == 1 && cnn_sigmoid(-INFINITY) == 0);
}

static void test_nan_stays(void **state)
{
    (void)state;
    assert_true(isnan(cnn_exp(NAN)) && isnan(cnn_expm1(NAN)) && isnan(cnn_log1p(NAN)) && isnan(cnn_sigmoid(NAN)));
    assert_true(isnan(cnn_normal_at(NAN).below) && isnan(cnn_normal_at(NAN).density));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_nan_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

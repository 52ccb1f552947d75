/* Ranges of axes, and the numbers at their ticks. */
#include "report/axis.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static cnn_axis settled(bool log, const double *values, int count, double margin)
{
    cnn_axis axis = cnn_axis_new(log);
    for (int i = 0; i < count; i++) {
        if (cnn_axis_shows(&axis, values[i])) {
            cnn_axis_add(&axis, values[i]);
        }
    }
    cnn_axis_settle(&axis, margin);
    return axis;
}

#define AXIS(log, margin, ...)                                                                                         \
    settled(log, (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double), margin)

/** The labels in their order with a space behind each, "|" for a line without; places must rise from 0 to 1. */
static void assert_ticks(cnn_axis axis, int most, const char *expected)
{
    static cnn_tick ticks[CNN_AXIS_TICKS];
    char all[CNN_AXIS_TICKS * (CNN_AXIS_LABEL + 1) + 1] = "";
    const int count = cnn_axis_ticks(&axis, most, ticks);
    for (int i = 0; i < count; i++) {
        assert_true(ticks[i].place >= 0 && ticks[i].place <= 1);
        assert_true(i == 0 || ticks[i].place > ticks[i - 1].place);
        strcat(strcat(all, ticks[i].label), ticks[i].label[0] == '\0' ? "|" : " ");
    }
    assert_string_equal(all, expected);
}

static void assert_range(cnn_axis axis, double low, double high)
{
    if (fabs(axis.low - low) > 1e-12 * fabs(low) || fabs(axis.high - high) > 1e-12 * fabs(high)) {
        fail_msg("%.17g to %.17g, not %.17g to %.17g", axis.low, axis.high, low, high);
    }
}

static void ranges_have_margins_that_do_not_cross_zero(void **state)
{
    (void)state;
    assert_range(AXIS(false, 0.1, 10, 20), 9, 21);
    assert_range(AXIS(false, 0.1, 0.5, 10.5), 0, 11.5);
    assert_range(AXIS(false, 0.1, -10.5, -0.5), -11.5, 0);
    assert_range(AXIS(false, 0.1, -10, 10), -12, 12);
    assert_range(AXIS(true, 0.1, 1, 100), -0.2, 2.2);
}

static void one_value_and_none_have_a_range_too(void **state)
{
    (void)state;
    assert_range(AXIS(false, 0.05, 5, 5), 4.5, 5.5);
    assert_range(AXIS(false, 0.05, -5), -5.5, -4.5);
    assert_range(AXIS(false, 0.05, 0), -1, 1);
    assert_range(AXIS(false, 0.05, 1e9, 1e9 + 10), 1e9 - 0.1 * (1e9 + 10), 1.1 * (1e9 + 10));
    assert_range(AXIS(true, 0.05, 10), 0.85, 1.15);
    assert_range(AXIS(false, 0.05, NAN, INFINITY, -INFINITY, 2e300), 0, 1);
    assert_range(AXIS(true, 0.05, 0, -1, NAN), 0, 1);
}

static void values_have_their_place(void **state)
{
    (void)state;
    const cnn_axis plain = AXIS(false, 0, -2, 6), log = AXIS(true, 0, 0.01, 100);
    assert_true(cnn_axis_place(&plain, -2) == 0 && cnn_axis_place(&plain, 0) == 0.25 && cnn_axis_place(&plain, 6) == 1);
    assert_true(fabs(cnn_axis_place(&log, 1) - 0.5) < 1e-12 && fabs(cnn_axis_place(&log, 10) - 0.75) < 1e-12);
}

/** As if not all values were whole. */
static cnn_axis parted(cnn_axis axis)
{
    axis.whole = false;
    return axis;
}

static void steps_are_round(void **state)
{
    (void)state;
    assert_ticks(parted(AXIS(false, 0, 0, 1)), 5, "0 0.2 0.4 0.6 0.8 1.0 ");
    assert_ticks(parted(AXIS(false, 0, 0.91, 0.96)), 5, "0.91 0.92 0.93 0.94 0.95 0.96 ");
    assert_ticks(parted(AXIS(false, 0, -3, 1.2)), 5, "-3 -2 -1 0 1 ");
    assert_ticks(parted(AXIS(false, 0, -0.015, 0.005)), 4, "-0.015 -0.010 -0.005 0 0.005 ");
    assert_ticks(parted(AXIS(false, 0, 0, 60000)), 6, "0 10000 20000 30000 40000 50000 60000 ");
    assert_ticks(parted(AXIS(false, 0, 0, 2.5e6)), 5, "0 5e5 1e6 1.5e6 2e6 2.5e6 ");
    assert_ticks(parted(AXIS(false, 0, -1e-12, 3e-12)), 4, "-1e-12 0 1e-12 2e-12 3e-12 ");
    assert_ticks(parted(AXIS(false, 0, 1e12, 1.00001e12)), 2, "1e12 1.000005e12 1.00001e12 ");
    assert_ticks(parted(AXIS(false, 0, -1e300, 1e300)), 2, "-1e300 0 1e300 ");
}

static void whole_numbers_have_no_parts(void **state)
{
    (void)state;
    assert_ticks(AXIS(false, 0.02, 1, 2, 3), 10, "1 2 3 ");
    assert_ticks(AXIS(false, 0.02, 1), 10, "1 ");
    assert_ticks(AXIS(false, 0, 1, 2.5), 3, "1.0 1.5 2.0 2.5 ");
}

static void logarithms_are_labelled_by_their_range(void **state)
{
    (void)state;
    assert_ticks(AXIS(true, 0, 0.01, 1), 8, "0.01 0.02 ||0.05 ||||0.1 0.2 ||0.5 ||||1 ");
    assert_ticks(AXIS(true, 0, 0.001, 1), 8, "0.001 ||||||||0.01 ||||||||0.1 ||||||||1 ");
    assert_ticks(AXIS(true, 0, 1e-12, 1e12), 8, "1e-12 1e-8 1e-4 1e0 1e4 1e8 1e12 ");
    assert_ticks(AXIS(true, 0, 0.31, 0.62), 4, "0.4 0.5 0.6 ");
    assert_ticks(AXIS(true, 0, 3, 50), 8, "||5 ||||10 20 ||50 ");
}

/** Any two values give ticks that are not too many, and at least one; with sanitizers, no overflow either. */
static void all_ranges_have_ticks(void **state)
{
    (void)state;
    static cnn_tick ticks[CNN_AXIS_TICKS];
    const double factors[] = {-9.7, -1, 0, 1, 1.0000001, 1.001, 3.3, 9.99999999};
    const int powers[] = {-300, -290, -100, -12, -1, 0, 1, 6, 12, 100, 299};
    const size_t factor_count = sizeof factors / sizeof factors[0], power_count = sizeof powers / sizeof powers[0];
    for (size_t i = 0; i < factor_count * power_count; i++) {
        for (size_t j = 0; j < factor_count * power_count; j++) {
            const double a = factors[i % factor_count] * pow(10, powers[i / factor_count]);
            const double b = factors[j % factor_count] * pow(10, powers[j / factor_count]);
            for (int log = 0; log < 2; log++) {
                const cnn_axis axis = AXIS(log != 0, 0.05, a, b);
                const int count = cnn_axis_ticks(&axis, 8, ticks);
                assert_true(axis.low < axis.high && count >= 1 && count < CNN_AXIS_TICKS);
                for (int k = 0; k < count; k++) {
                    assert_true(ticks[k].place >= 0 && ticks[k].place <= 1);
                    assert_true(strlen(ticks[k].label) < 16);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_have_margins_that_do_not_cross_zero),
        cmocka_unit_test(one_value_and_none_have_a_range_too),
        cmocka_unit_test(values_have_their_place),
        cmocka_unit_test(steps_are_round),
        cmocka_unit_test(whole_numbers_have_no_parts),
        cmocka_unit_test(logarithms_are_labelled_by_their_range),
        cmocka_unit_test(all_ranges_have_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ranges and ticks. A tick is a whole number times a power of ten, and is written from these, so that labels are exact
 * and no locale matters. Steps are 1, 2 or 5 times a power of ten. */
#include "report/axis.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Smaller magnitudes, and differences, are as good as zero: the powers of ten that they would need are none. */
#define SMALLEST 1e-290
/** A range that is a smaller part of its values is drawn as if they were one. */
#define LEAST_SPAN 1e-6
/** Beyond these powers of ten labels are written as "1e6". */
#define LEAST_PLAIN (-5)
#define MOST_PLAIN 5
/** A log axis of as many powers of ten has lines between them as well. */
#define MOST_FINE 6
/** For limits that a rounding has moved. */
#define SLACK 1e-9

cnn_axis cnn_axis_new(bool log)
{
    return (cnn_axis){.log = log, .whole = true, .low = INFINITY, .high = -INFINITY};
}

bool cnn_axis_shows(const cnn_axis *axis, double value)
{
    return isfinite(value) && fabs(value) <= CNN_AXIS_LARGEST && (!axis->log || value >= SMALLEST);
}

static double along(const cnn_axis *axis, double value)
{
    return axis->log ? log10(value) : value;
}

void cnn_axis_add(cnn_axis *axis, double value)
{
    const double at = along(axis, value);
    axis->low = fmin(axis->low, at);
    axis->high = fmax(axis->high, at);
    axis->whole = axis->whole && value == floor(value);
}

void cnn_axis_settle(cnn_axis *axis, double margin)
{
    if (axis->low > axis->high) {
        axis->low = 0;
        axis->high = 1;
        return;
    }
    const double low = axis->low, high = axis->high, span = high - low, size = fmax(fabs(low), fabs(high));
    double free = margin * span;
    if (axis->log) {
        free = span > LEAST_SPAN ? free : 0.15;
    } else if (span <= LEAST_SPAN * size || span <= SMALLEST) {
        free = size > SMALLEST ? 0.1 * size : 1;
    }
    axis->low = low - free;
    axis->high = high + free;
    if (!axis->log && low >= 0 && axis->low < 0 && high > 0) {
        axis->low = 0;
    }
    if (!axis->log && high <= 0 && axis->high > 0 && low < 0) {
        axis->high = 0;
    }
}

double cnn_axis_place(const cnn_axis *axis, double value)
{
    return (along(axis, value) - axis->low) / (axis->high - axis->low);
}

/* ---- labels */

/** A number: digits * 10^power. */
typedef struct decimal {
    int64_t digits;
    int power;
} decimal;

static double value_of(decimal number)
{
    const double scale = pow(10, abs(number.power));
    return number.power < 0 ? (double)number.digits / scale : (double)number.digits * scale;
}

/** The power of ten of a number's first digit. */
static int magnitude(decimal number)
{
    int power = number.power;
    for (int64_t left = number.digits / 10; left != 0; left /= 10) {
        power++;
    }
    return power;
}

/** "-12.5", where `number` has a magnitude from LEAST_PLAIN to MOST_PLAIN, give or take a digit. */
static void write_plain(decimal number, char *out)
{
    char digits[CNN_AXIS_LABEL];
    const int length = snprintf(digits, sizeof digits, "%0*" PRId64, number.power < 0 ? 1 - number.power : 1,
                                number.digits < 0 ? -number.digits : number.digits);
    const int whole = number.power < 0 ? length + number.power : length;
    const char *const sign = number.digits < 0 ? "-" : "";
    if (number.power < 0) {
        snprintf(out, CNN_AXIS_LABEL, "%s%.*s.%.12s", sign, whole, digits, digits + whole);
    } else {
        snprintf(out, CNN_AXIS_LABEL, "%s%.12s%.*s", sign, digits, number.digits == 0 ? 0 : number.power,
                 "000000000000");
    }
}

/** "-1.25e7", without zeros at the end of its digits. */
static void write_scientific(decimal number, char *out)
{
    char digits[CNN_AXIS_LABEL];
    const int power = magnitude(number);
    int64_t rest = number.digits < 0 ? -number.digits : number.digits;
    while (rest != 0 && rest % 10 == 0) {
        rest /= 10;
    }
    snprintf(digits, sizeof digits, "%" PRId64, rest);
    snprintf(out, CNN_AXIS_LABEL, "%s%.1s%s%.12se%d", number.digits < 0 ? "-" : "", digits, rest >= 10 ? "." : "",
             digits + 1, power);
}

/** Labels the first `count` ticks, all in one way; those with `digits` 0 on a log axis stay empty. */
static void write_labels(const cnn_axis *axis, const decimal *numbers, int count, cnn_tick *ticks)
{
    bool plain = true;
    for (int i = 0; i < count; i++) {
        plain =
            plain && (numbers[i].digits == 0 || magnitude(numbers[i]) <= MOST_PLAIN) && numbers[i].power >= LEAST_PLAIN;
    }
    for (int i = 0; i < count; i++) {
        if (numbers[i].digits == 0) {
            snprintf(ticks[i].label, CNN_AXIS_LABEL, "%s", axis->log ? "" : "0");
        } else if (plain) {
            write_plain(numbers[i], ticks[i].label);
        } else {
            write_scientific(numbers[i], ticks[i].label);
        }
    }
}

/* ---- ticks */

/** The least step that cuts `span` into at most `most` parts. */
static decimal choose_step(double span, int most, bool whole)
{
    static const int digits[] = {1, 2, 5};
    const double least = span / most;
    decimal step = {1, (int)floor(log10(least))};
    for (int i = 0; i < 3 && value_of(step) < least * (1 - SLACK); i++) {
        step = i + 1 < 3 ? (decimal){digits[i + 1], step.power} : (decimal){1, step.power + 1};
    }
    return whole && step.power < 0 ? (decimal){1, 0} : step;
}

/** Ticks at equal distances of their values from `low` to `high`. */
static int step_ticks(const cnn_axis *axis, double low, double high, int most, cnn_tick *ticks)
{
    decimal numbers[CNN_AXIS_TICKS];
    const decimal step = choose_step(high - low, most, axis->whole && !axis->log);
    const int64_t first = (int64_t)ceil(low / value_of(step) - SLACK);
    const int64_t last = (int64_t)floor(high / value_of(step) + SLACK);
    int count = 0;
    for (int64_t i = first; i <= last && count < CNN_AXIS_TICKS; i++, count++) {
        numbers[count] = (decimal){i * step.digits, step.power};
        ticks[count].place = fmin(fmax(cnn_axis_place(axis, value_of(numbers[count])), 0), 1);
    }
    write_labels(axis, numbers, count, ticks);
    return count;
}

/** Whether a log axis has a tick at digit * 10^power, and with a label. */
typedef struct log_choice {
    int stride; /* of the labelled powers */
    bool fives; /* 2 and 5 times a power are labelled, too */
    bool fine;  /* the other digits have lines */
} log_choice;

static int log_ticks(const cnn_axis *axis, log_choice choice, cnn_tick *ticks)
{
    decimal numbers[CNN_AXIS_TICKS];
    int count = 0;
    for (int power = (int)floor(axis->low); power <= (int)floor(axis->high); power++) {
        for (int digit = 1; digit <= 9 && count < CNN_AXIS_TICKS; digit++) {
            const double at = power + log10(digit);
            const bool labelled = digit == 1 ? power % choice.stride == 0 : choice.fives && (digit == 2 || digit == 5);
            if (at >= axis->low - SLACK && at <= axis->high + SLACK && (labelled || choice.fine)) {
                ticks[count].place = fmin(fmax((at - axis->low) / (axis->high - axis->low), 0), 1);
                numbers[count++] = (decimal){labelled ? digit : 0, power};
            }
        }
    }
    write_labels(axis, numbers, count, ticks);
    return count;
}

int cnn_axis_ticks(const cnn_axis *axis, int most, cnn_tick ticks[CNN_AXIS_TICKS])
{
    if (!axis->log) {
        return step_ticks(axis, axis->low, axis->high, most, ticks);
    }
    const int powers = (int)(floor(axis->high + SLACK) - ceil(axis->low - SLACK)) + 1;
    if (axis->high - axis->low < 1) {
        return step_ticks(axis, pow(10, axis->low), pow(10, axis->high), most, ticks);
    }
    const bool fives = powers <= 3 && 3 * powers <= most + 2;
    return log_ticks(axis, (log_choice){1 + (powers - 1) / most, fives, powers <= MOST_FINE}, ticks);
}

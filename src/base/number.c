/* Numbers to and from text, independently of the locale. The grammar is checked here, because strtod also takes white
 * space, hexadecimal, "inf" and "nan". */
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/** The longest number that is looked at: 17 digits say all, but a person may write more. */
#define NUMBER_INPUT 127

static size_t count_digits(const char *text, size_t length, size_t at)
{
    size_t digits = 0;
    while (at + digits < length && text[at + digits] >= '0' && text[at + digits] <= '9') {
        digits++;
    }
    return digits;
}

static bool is_sign(const char *text, size_t length, size_t at)
{
    return at < length && (text[at] == '+' || text[at] == '-');
}

bool cnn_parse_integer(const char *text, size_t length, int64_t *value)
{
    const size_t first = is_sign(text, length, 0) ? 1 : 0;
    const bool negative = first == 1 && text[0] == '-';
    if (first == length || first + count_digits(text, length, first) != length) {
        return false;
    }
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t sum = 0;
    for (size_t i = first; i < length; i++) {
        const uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (limit - digit) / 10) {
            return false;
        }
        sum = 10 * sum + digit;
    }
    *value = !negative ? (int64_t)sum : sum == 0 ? 0 : -(int64_t)(sum - 1) - 1;
    return true;
}

/** [sign] digits [. digits] [e [sign] digits], with a digit before or after the point. */
static bool is_number(const char *text, size_t length)
{
    size_t at = is_sign(text, length, 0) ? 1 : 0;
    size_t digits = count_digits(text, length, at);
    at += digits;
    if (at < length && text[at] == '.') {
        const size_t fraction = count_digits(text, length, at + 1);
        digits += fraction;
        at += 1 + fraction;
    }
    if (digits == 0) {
        return false;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at += is_sign(text, length, at + 1) ? 2 : 1;
        const size_t exponent = count_digits(text, length, at);
        if (exponent == 0) {
            return false;
        }
        at += exponent;
    }
    return at == length;
}

bool cnn_parse_number(const char *text, size_t length, double *value)
{
    if (length > NUMBER_INPUT || !is_number(text, length)) {
        return false;
    }
    char copy[NUMBER_INPUT + 1];
    memcpy(copy, text, length);
    copy[length] = '\0';
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        return false;
    }
    const locale_t former = uselocale(c_locale);
    const double number = strtod(copy, NULL);
    uselocale(former);
    freelocale(c_locale);
    if (!isfinite(number)) {
        return false;
    }
    *value = number;
    return true;
}

static void format(char out[CNN_NUMBER_LENGTH], const char *pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    cnn_format_list(out, CNN_NUMBER_LENGTH, pattern, arguments);
    va_end(arguments);
}

void cnn_format_number(double value, char out[CNN_NUMBER_LENGTH])
{
    if (fabs(value) < 1e15 && value == floor(value)) {
        format(out, "%.0f", value); /* "100": %g's shortest is "1e+02" */
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        format(out, "%.*g", digits, value);
        if (cnn_parse_number(out, strlen(out), &back) && back == value) {
            return;
        }
    }
}

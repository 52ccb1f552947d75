/* Numbers and text as people read them: see format.h. */
#include "format.h"

#include <inttypes.h>
#include <string.h>

const char *cnn_format_count(int64_t value, char out[CNN_FORMAT_LENGTH])
{
    char digits[CNN_FORMAT_LENGTH];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    const int sign = value < 0;
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > sign && (length - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *cnn_format_things(int64_t count, const char *thing, char out[CNN_FORMAT_LENGTH])
{
    snprintf(out, CNN_FORMAT_LENGTH, "%s %s%s", cnn_format_count(count, CNN_FORMAT_ROOM), thing, count == 1 ? "" : "s");
    return out;
}

static long whole_seconds(double seconds)
{
    const double limit = 1e9;
    return (long)((seconds < limit ? seconds : limit) + 0.5);
}

const char *cnn_format_clock(double seconds, char out[CNN_FORMAT_LENGTH])
{
    const long whole = whole_seconds(seconds);
    if (whole < 3600) {
        snprintf(out, CNN_FORMAT_LENGTH, "%ld:%02ld", whole / 60, whole % 60);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "%ld:%02ld:%02ld", whole / 3600, whole % 3600 / 60, whole % 60);
    }
    return out;
}

const char *cnn_format_duration(double seconds, char out[CNN_FORMAT_LENGTH])
{
    const long whole = whole_seconds(seconds);
    if (seconds < 9.95) {
        snprintf(out, CNN_FORMAT_LENGTH, "%.1f s", seconds);
    } else if (whole < 60) {
        snprintf(out, CNN_FORMAT_LENGTH, "%ld s", whole);
    } else if (whole < 3600) {
        snprintf(out, CNN_FORMAT_LENGTH, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "%ld h %ld min", whole / 3600, whole % 3600 / 60);
    }
    return out;
}

const char *cnn_format_bytes(int64_t bytes, char out[CNN_FORMAT_LENGTH])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(out, CNN_FORMAT_LENGTH, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

const char *cnn_format_shape(cnn_shape shape, char out[CNN_FORMAT_LENGTH])
{
    snprintf(out, CNN_FORMAT_LENGTH, "%dx%dx%d", shape.height, shape.width, shape.channels);
    return out;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

int cnn_format_width(const char *text)
{
    int width = 0;
    for (; *text; text++) {
        width += !continues(*text);
    }
    return width;
}

size_t cnn_format_prefix(const char *text, int width)
{
    size_t length = 0;
    for (int columns = 0; text[length]; length++) {
        columns += !continues(text[length]);
        if (columns > width) {
            break;
        }
    }
    return length;
}

void cnn_format_shell(FILE *stream, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:=,+@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, stream);
        return;
    }
    fputc('\'', stream);
    for (; *word; word++) {
        if (*word == '\'') {
            fputs("'\\''", stream);
        } else {
            fputc(*word, stream);
        }
    }
    fputc('\'', stream);
}

/* Failures: status texts, and the one place where an error message is made. Messages may quote files and arguments of
 * any content, so everything that could break a line, a terminal or a JSON string is replaced here. */
#include "base/status.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

const char *cnn_status_text(cnn_status status)
{
    switch (status) {
#define STATUS_CASE(name, meaning)                                                                                     \
    case CNN_##name:                                                                                                   \
        return meaning;
        CNN_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

/** Copies `in` to `out` of `size` bytes as one line of valid UTF-8, cut at a whole character. */
static void copy_line(char *out, size_t size, const char *in)
{
    size_t used = 0;
    size_t rest = strlen(in);
    while (rest > 0) {
        size_t length = cnn_utf8_length(in, rest);
        const unsigned char *c = (const unsigned char *)in;
        const bool control = c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && length == 2 && c[1] < 0xa0);
        const char *piece = length == 0 || control ? "?" : in;
        const size_t piece_length = piece == in ? length : 1;
        length = length == 0 ? 1 : length;
        if (used + piece_length >= size) {
            break;
        }
        memcpy(out + used, piece, piece_length);
        used += piece_length;
        in += length;
        rest -= length;
    }
    out[used] = '\0';
}

cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    char line[sizeof error->message + 4]; /* a character that is cut here does not get into the message */
    va_list arguments;
    va_start(arguments, format);
    cnn_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    error->status = status;
    copy_line(error->message, sizeof error->message, line);
    return status;
}

cnn_status cnn_fail_memory(cnn_error *error)
{
    return cnn_fail(error, CNN_MEMORY, "out of memory");
}

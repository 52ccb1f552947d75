/* Failures: status texts, and the one place where an error message is made. Messages may quote files and arguments of
 * any content, so everything that could break a line, a terminal or a JSON string is replaced here. */
#include "base/status.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

/** Room for a path as long as they can be, and what is said of it. */
#define LONGEST_LINE 6000
#define CUT "..."

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

/** Makes `text` one line of valid UTF-8. */
static void make_line(char *text)
{
    size_t rest = strlen(text);
    char *out = text;
    for (const char *in = text; rest > 0;) {
        const size_t length = cnn_utf8_length(in, rest), taken = length == 0 ? 1 : length;
        const unsigned char *c = (const unsigned char *)in;
        if (length == 0 || c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && length == 2 && c[1] < 0xa0)) {
            *out++ = '?';
        } else {
            memmove(out, in, length);
            out += length;
        }
        in += taken;
        rest -= taken;
    }
    *out = '\0';
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/** Copies a line to `out` of `size` bytes. Of one that is too long characters in the middle, where paths are, give way
 * to "...": what failed stands before them, and why behind. */
static void copy_line(char *out, size_t size, const char *line)
{
    const size_t length = strlen(line);
    if (length < size) {
        memcpy(out, line, length + 1);
        return;
    }
    size_t head = (size - sizeof CUT) / 2, tail = length - (size - sizeof CUT - head);
    while (!begins_character(line[head])) {
        head--;
    }
    while (!begins_character(line[tail])) {
        tail++;
    }
    memcpy(out, line, head);
    memcpy(out + head, CUT, sizeof CUT - 1);
    memcpy(out + head + sizeof CUT - 1, line + tail, length - tail + 1);
}

cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    char line[LONGEST_LINE];
    va_list arguments;
    va_start(arguments, format);
    cnn_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    make_line(line);
    error->status = status;
    copy_line(error->message, sizeof error->message, line);
    return status;
}

cnn_status cnn_fail_memory(cnn_error *error)
{
    return cnn_fail(error, CNN_MEMORY, "out of memory");
}

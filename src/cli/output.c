/* Results to stdout, everything else to stderr: see output.h. */
#include "output.h"

#include "format.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* errno of the first write to stdout that failed, 0: none. */
static int write_failure;

void cnn_output_begin(void)
{
    /* In the wrong direction, so that using them still fails. */
    static const int directions[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF && open("/dev/null", directions[descriptor]) == -1) {
            exit(CNN_EXIT_FAILED);
        }
    }
    struct sigaction ignore = {0};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, NULL);
}

static void note_failure(bool failed)
{
    if (failed && !write_failure) {
        write_failure = errno ? errno : EIO;
    }
}

void cnn_output_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_failure(vprintf(format, arguments) < 0);
    va_end(arguments);
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

static void print_span(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        note_failure(putchar(is_control(text[i]) ? '?' : text[i]) == EOF);
    }
}

void cnn_output_cell(const char *text, int width)
{
    print_span(text, cnn_format_prefix(text, width));
    cnn_output_print("%*s", width > cnn_format_width(text) ? width - cnn_format_width(text) : 0, "");
}

void cnn_output_text(const char *text)
{
    print_span(text, strlen(text));
}

static int write_json(const char *bytes, size_t size, void *context)
{
    (void)context;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -1;
}

void cnn_output_json(json_t *object)
{
    errno = object ? 0 : ENOMEM;
    note_failure(!object || json_dump_callback(object, write_json, NULL, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0 ||
                 putchar('\n') == EOF || fflush(stdout) == EOF);
    json_decref(object);
}

bool cnn_output_failed(void)
{
    return write_failure != 0;
}

cnn_exit cnn_output_finish(cnn_exit code)
{
    note_failure(fflush(stdout) == EOF);
    if (!write_failure) {
        return code;
    }
    if (write_failure != EPIPE) {
        cnn_complain("cannot write to standard output: %s", strerror(write_failure));
    }
    return code == CNN_EXIT_DONE ? CNN_EXIT_FAILED : code;
}

char *cnn_text_finish(FILE *stream, char **text)
{
    const bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) {
        free(*text);
        *text = NULL;
    }
    return *text;
}

void cnn_complain(const char *format, ...)
{
    char line[6000]; /* a path as long as they can be, and what is said of it */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *at = line; *at; at++) {
        if (is_control(*at)) {
            *at = '?';
        }
    }
    fprintf(stderr, "cnn: %s\n", line);
}

cnn_exit cnn_complain_error(const cnn_error *error)
{
    cnn_complain("%s", error->message);
    return CNN_EXIT_FAILED;
}

cnn_exit cnn_complain_memory(void)
{
    cnn_complain("out of memory");
    return CNN_EXIT_FAILED;
}

void cnn_tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

json_t *cnn_json_text(const char *text)
{
    json_t *string = json_string(text);
    char *ascii = string ? NULL : malloc(strlen(text) + 1);
    if (!ascii) {
        return string;
    }
    size_t length = 0;
    for (; text[length]; length++) {
        ascii[length] = (char)((unsigned char)text[length] < 0x80 ? text[length] : '?');
    }
    ascii[length] = '\0';
    string = json_string(ascii);
    free(ascii);
    return string;
}

json_t *cnn_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Text that grows, and numbers to and from text independently of the locale. */
#ifndef CNN_BASE_TEXT_H
#define CNN_BASE_TEXT_H

#include "base/status.h"

#include <stdarg.h>

/** A terminated string that grows. Zero-initialized it is empty. After an allocation failed, `failed` is set and later
 * appends do nothing, so that one check at the end suffices. */
typedef struct cnn_text {
    char *data; /* NULL while empty */
    size_t length, capacity;
    bool failed;
} cnn_text;

void cnn_text_append(cnn_text *text, const char *piece);
void cnn_text_append_span(cnn_text *text, const char *piece, size_t length);
/** printf with the C locale's number formats. */
void cnn_text_appendf(cnn_text *text, const char *format, ...) CNN_PRINTF(2, 3);
/** The string, the caller's to cnn_free(), and an empty text; NULL and CNN_MEMORY when an append had failed. */
char *cnn_text_take(cnn_text *text, cnn_error *error);
void cnn_text_clear(cnn_text *text);

/** vsnprintf with the C locale's number formats. */
int cnn_format_list(char *out, size_t size, const char *format, va_list arguments) CNN_PRINTF(3, 0);

/** The bytes of the UTF-8 character that `text` of `length` bytes begins with, 0 where it begins with none. */
size_t cnn_utf8_length(const char *text, size_t length);

/** What the system says about an errno: "No such file or directory", in any locale and thread. */
const char *cnn_errno_text(int number);

/** For "did you mean": whether `word` of `length` bytes is a likelier misspelling of `candidate` than of `nearest`, the
 * best so far; with a NULL `nearest`, whether it is likely at all. */
bool cnn_is_nearer(const char *word, size_t length, const char *candidate, const char *nearest);

/** The whole of `length` bytes as a number; false for anything else (white space, overflow, "inf", "nan", hex). */
bool cnn_parse_integer(const char *text, size_t length, int64_t *value);
bool cnn_parse_number(const char *text, size_t length, double *value);

#define CNN_NUMBER_LENGTH 32
/** The shortest decimal that reads back as `value`, which is finite: "0.1", 5e-4 "0.0005", 1e20 "1e+20". */
void cnn_format_number(double value, char out[CNN_NUMBER_LENGTH]);

#endif

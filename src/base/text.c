/* Text that grows, formatted in the C locale. */
#include "base/text.h"

#include "base/memory.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cnn_format_list(char *out, size_t size, const char *format, va_list arguments)
{
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t former = uselocale(c_locale);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the callers started it */
    const int length = vsnprintf(out, size, format, arguments);
    uselocale(former);
    if (c_locale != (locale_t)0) {
        freelocale(c_locale);
    }
    if (length < 0 && size > 0) {
        out[0] = '\0';
    }
    return length;
}

/** Makes room for `extra` more bytes and the terminator. */
static bool reserve(cnn_text *text, size_t extra)
{
    size_t needed;
    if (text->failed || !cnn_add_size(text->length, extra, &needed) || !cnn_add_size(needed, 1, &needed)) {
        text->failed = true;
        return false;
    }
    if (needed <= text->capacity) {
        return true;
    }
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : 2 * capacity;
    }
    char *data = cnn_resize(text->data, text->capacity, capacity, 1);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void cnn_text_append_span(cnn_text *text, const char *piece, size_t length)
{
    if (length == 0 || !reserve(text, length)) {
        return;
    }
    memcpy(text->data + text->length, piece, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void cnn_text_append(cnn_text *text, const char *piece)
{
    cnn_text_append_span(text, piece, strlen(piece));
}

void cnn_text_appendf(cnn_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = cnn_format_list(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
        return;
    }
    if (!reserve(text, (size_t)length)) {
        return;
    }
    va_start(arguments, format);
    cnn_format_list(text->data + text->length, text->capacity - text->length, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

char *cnn_text_take(cnn_text *text, cnn_error *error)
{
    char *data = reserve(text, 0) ? text->data : NULL;
    if (data == NULL) {
        cnn_text_clear(text);
        cnn_fail_memory(error);
        return NULL;
    }
    *text = (cnn_text){0};
    return data;
}

void cnn_text_clear(cnn_text *text)
{
    cnn_free(text->data);
    *text = (cnn_text){0};
}

size_t cnn_utf8_length(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (length == 0 || c[0] < 0x80) {
        return length == 0 ? 0 : 1;
    }
    const size_t need = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || length < need) {
        return 0;
    }
    for (size_t i = 1; i < need; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    const bool surrogate = c[0] == 0xed && c[1] > 0x9f;
    const bool beyond = c[0] == 0xf4 && c[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : need;
}

const char *cnn_errno_text(int number)
{
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const char *text = c_locale == (locale_t)0 ? "system error" : strerror_l(number, c_locale);
    if (c_locale != (locale_t)0) {
        freelocale(c_locale);
    }
    return text;
}

#define WORD_LENGTH 31

/** Levenshtein's distance of two words of at most WORD_LENGTH bytes. */
static int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int row[WORD_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 0; i < a_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < b_length; j++) {
            const int replaced = diagonal + (a[i] != b[j]);
            const int shorter = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_length];
}

bool cnn_is_nearer(const char *word, size_t length, const char *candidate, const char *nearest)
{
    const size_t candidate_length = strlen(candidate);
    if (length > WORD_LENGTH || candidate_length > WORD_LENGTH) {
        return false;
    }
    const int near = distance(word, length, candidate, candidate_length);
    if (nearest != NULL) {
        return near < distance(word, length, nearest, strlen(nearest));
    }
    return near <= 1 + (int)length / 4 && near < (int)candidate_length;
}

/* A small model's file for the tests of the format, and ways to tamper with it. */
#ifndef CNN_TESTS_MODELFILE_H
#define CNN_TESTS_MODELFILE_H

#include "net/model.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct file {
    unsigned char *bytes;
    size_t size;
} file;

static const char recipe_text[] = "input 3x3x1\nconv filters=2 kernel=3\nbatchnorm\nglobalavgpool\ndense units=2\n";

static inline cnn_model *make_model(const char *recipe_text_or_null)
{
    cnn_recipe *recipe =
        cnn_recipe_parse(recipe_text_or_null != NULL ? recipe_text_or_null : recipe_text, "test", NULL);
    assert_non_null(recipe);
    cnn_model *model = cnn_model_new(recipe, 5, NULL);
    assert_non_null(model);
    cnn_recipe_free(recipe);
    return model;
}

static inline file encode(const cnn_model *model)
{
    file result = {0};
    assert_int_equal(cnn_model_encode(model, NULL, 0, &result.bytes, &result.size, NULL), CNN_OK);
    return result;
}

static inline file make_file(void)
{
    cnn_model *model = make_model(NULL);
    const file result = encode(model);
    cnn_model_free(model);
    return result;
}

static inline size_t header_size(const file *f)
{
    size_t size = 0;
    for (int i = 7; i >= 0; i--) {
        size = size << 8 | f->bytes[i];
    }
    return size;
}

static inline void set_header_size(unsigned char *bytes, uint64_t size)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(size >> 8 * i);
    }
}

/** CRC-32 bit by bit, as ISO 3309 defines it. */
static inline uint32_t crc32_of(const unsigned char *bytes, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

/** Where `text` begins in the header. */
static inline unsigned char *find(const file *f, const char *text)
{
    const size_t length = strlen(text);
    for (size_t at = 8; at + length <= 8 + header_size(f); at++) {
        if (memcmp(f->bytes + at, text, length) == 0) {
            return f->bytes + at;
        }
    }
    return NULL;
}

/** Makes the checksum right, where there is one. */
static inline void seal(file *f)
{
    unsigned char *digits = find(f, "\"crc32\":\"");
    if (digits != NULL) {
        char crc[9];
        digits += 9;
        memcpy(digits, "00000000", 8);
        snprintf(crc, sizeof crc, "%08x", (unsigned)crc32_of(f->bytes, f->size));
        memcpy(digits, crc, 8);
    }
}

/** A sealed copy with `from` replaced by `to` in the header. */
static inline file edit(const file *f, const char *from, const char *to)
{
    const unsigned char *place = find(f, from);
    assert_non_null(place);
    const size_t before = (size_t)(place - f->bytes), from_size = strlen(from), to_size = strlen(to);
    file result = {malloc(f->size + to_size), f->size - from_size + to_size};
    memcpy(result.bytes, f->bytes, before);
    memcpy(result.bytes + before, to, to_size);
    memcpy(result.bytes + before + to_size, place + from_size, f->size - before - from_size);
    set_header_size(result.bytes, header_size(f) - from_size + to_size);
    seal(&result);
    return result;
}

/** Decodes a copy that ends where its memory ends, so that sanitizers see reads beyond it. */
static inline cnn_model *decode(const unsigned char *bytes, size_t size, cnn_error *error)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    error->message[0] = '\0';
    cnn_model *model = cnn_model_decode(copy, size, "some.model", NULL, 0, error);
    free(copy);
    return model;
}

/** It is refused, with one line that begins with the file's name and holds `reason`. */
static inline void assert_refused(const unsigned char *bytes, size_t size, const char *reason)
{
    cnn_error error;
    cnn_model *model = decode(bytes, size, &error);
    if (model != NULL || strstr(error.message, reason) == NULL) {
        fail_msg("expected '%s', found %s '%s'", reason, model != NULL ? "a model" : "the message", error.message);
    }
    assert_int_equal(error.status, CNN_FORMAT);
    assert_int_equal(strncmp(error.message, "some.model: ", 12), 0);
    assert_null(strchr(error.message, '\n'));
}

#endif

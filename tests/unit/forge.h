/* Model files in memory, and ways to tamper with them so that their checksum is right again. */
#ifndef CNN_TESTS_FORGE_H
#define CNN_TESTS_FORGE_H

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct file {
    unsigned char *bytes;
    size_t size;
} file;

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

/** A sealed copy with `size` bytes in the place of `former_size` at `at`. */
static inline file splice(const file *f, size_t at, size_t former_size, const char *bytes, size_t size)
{
    file result = {malloc(f->size - former_size + size), f->size - former_size + size};
    const size_t rest = at + former_size;
    memcpy(result.bytes, f->bytes, at);
    memcpy(result.bytes + at, bytes, size);
    memcpy(result.bytes + at + size, f->bytes + rest, f->size - rest);
    if (at < 8 + header_size(f)) {
        set_header_size(result.bytes, header_size(f) - former_size + size);
    }
    seal(&result);
    return result;
}

/** A sealed copy with `from` replaced by `to` in the header. */
static inline file edit(const file *f, const char *from, const char *to)
{
    const unsigned char *place = find(f, from);
    assert_non_null(place);
    return splice(f, (size_t)(place - f->bytes), strlen(from), to, strlen(to));
}

#endif

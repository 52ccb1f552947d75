/* Numbers of fixed byte order, read from bounded memory. */
#include "base/bytes.h"

#include <string.h>

const unsigned char *cnn_read_span(cnn_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return NULL;
    }
    const unsigned char *span = reader->bytes + reader->at;
    reader->at += size;
    return span;
}

uint32_t cnn_read_u32_big(cnn_reader *reader)
{
    const unsigned char *b = cnn_read_span(reader, 4);
    return b == NULL ? 0 : (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint32_t cnn_number_at(cnn_byte_span span, size_t at, size_t width)
{
    uint32_t value = 0;
    if (at > span.size || span.size - at < width) {
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | span.bytes[at + (span.is_big_endian ? i : width - 1 - i)];
    }
    return value;
}

static uint32_t u32_little(const unsigned char *b)
{
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static void put_u32_little(unsigned char *b, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        b[i] = (unsigned char)(value >> (8 * i));
    }
}

uint64_t cnn_read_u64_little(cnn_reader *reader)
{
    const unsigned char *b = cnn_read_span(reader, 8);
    return b == NULL ? 0 : (uint64_t)u32_little(b + 4) << 32 | u32_little(b);
}

void cnn_write_u64_little(unsigned char out[8], uint64_t value)
{
    put_u32_little(out, (uint32_t)value);
    put_u32_little(out + 4, (uint32_t)(value >> 32));
}

void cnn_write_floats_little(unsigned char *out, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        put_u32_little(out + 4 * i, bits);
    }
}

void cnn_read_floats_little(float *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = u32_little(bytes + 4 * i);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* A bounded reader: no read goes past the end; the first that would sets `failed` and gives zero from then on. */
#ifndef CNN_BASE_BYTES_H
#define CNN_BASE_BYTES_H

#include "cnn.h"

typedef struct cnn_reader {
    const unsigned char *bytes;
    size_t size, at;
    bool failed;
} cnn_reader;

uint32_t cnn_read_u32_big(cnn_reader *reader);
uint64_t cnn_read_u64_little(cnn_reader *reader);
/** The next `size` bytes, or NULL. */
const unsigned char *cnn_read_span(cnn_reader *reader, size_t size);

/** A span of bytes whose numbers are of one byte order. */
typedef struct cnn_byte_span {
    const unsigned char *bytes;
    size_t size;
    bool is_big_endian;
} cnn_byte_span;

/** The unsigned number of `width` bytes, at most 4, at `at`; 0 outside the span. */
uint32_t cnn_number_at(cnn_byte_span span, size_t at, size_t width);

void cnn_write_u64_little(unsigned char out[8], uint64_t value);
/** Float32 to and from little-endian bytes, on any machine. */
void cnn_write_floats_little(unsigned char *out, const float *values, size_t count);
void cnn_read_floats_little(float *out, const unsigned char *bytes, size_t count);

#endif

/* The bounded reader never leaves its bytes, and numbers have the byte order that files have. */
#include "base/bytes.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void reads_in_order(void **state)
{
    (void)state;
    const unsigned char bytes[] = {1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 0xff, 'x', 'y'};
    cnn_reader reader = {.bytes = bytes, .size = sizeof bytes};
    assert_true(cnn_read_u32_big(&reader) == 0x01020304);
    assert_true(cnn_read_u64_little(&reader) == 0xff07060504030201);
    assert_memory_equal(cnn_read_span(&reader, 2), "xy", 2);
    assert_non_null(cnn_read_span(&reader, 0));
    assert_false(reader.failed);
}

/** Blocks of exactly `size` bytes, so that a sanitizer sees the first read beyond. */
static void stops_at_the_end(void **state)
{
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        unsigned char *bytes = malloc(size + (size == 0));
        memset(bytes, 0xff, size + (size == 0));
        cnn_reader reader = {.bytes = bytes, .size = size};
        assert_true(cnn_read_u64_little(&reader) == 0 && reader.failed);
        assert_null(cnn_read_span(&reader, 0));
        reader = (cnn_reader){.bytes = bytes, .size = size};
        assert_null(cnn_read_span(&reader, SIZE_MAX));
        assert_true(reader.failed);
        reader = (cnn_reader){.bytes = bytes, .size = size};
        assert_int_equal(cnn_read_u32_big(&reader), size < 4 ? 0 : 0xffffffff);
        assert_int_equal(reader.failed, size < 4);
        free(bytes);
    }
}

static void writes_little_endian(void **state)
{
    (void)state;
    unsigned char out[12];
    cnn_write_u64_little(out, 0x0102030405060708);
    assert_memory_equal(out, ((const unsigned char[]){8, 7, 6, 5, 4, 3, 2, 1}), 8);
    const float values[3] = {1, -0.0f, INFINITY};
    cnn_write_floats_little(out, values, 3);
    assert_memory_equal(out, ((const unsigned char[]){0, 0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0x80, 0x7f}), 12);
    float back[3];
    cnn_read_floats_little(back, out, 3);
    assert_memory_equal(back, values, sizeof values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_order),
        cmocka_unit_test(stops_at_the_end),
        cmocka_unit_test(writes_little_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

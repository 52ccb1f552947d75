/* Written pictures, read again by the project's own decoder. */
#include "base/memory.h"
#include "image/image.h"
#include "image/png_write.h"
#include "unit/unit.h"

#include <string.h>

enum { WIDTH = 37, HEIGHT = 23, MOST = WIDTH * HEIGHT * 4 };

static uint8_t pixels[MOST + HEIGHT * 5];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 2654435761u >> 11);
    }
    return 0;
}

static void encode(const cnn_picture *picture, unsigned char **bytes, size_t *size)
{
    cnn_error error = {0};
    if (cnn_png_encode(picture, bytes, size, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
}

/** Rows may have bytes between them, which are not part of the picture. */
static void pictures_come_back_as_they_were(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 4; channels++) {
        const int stride = WIDTH * channels + 5;
        cnn_picture read = {.width = WIDTH, .height = HEIGHT};
        unsigned char *bytes;
        size_t size;
        encode(&(cnn_picture){pixels, WIDTH, HEIGHT, channels, stride}, &bytes, &size);
        assert_int_equal(cnn_stb_decode(bytes, size, "written", &read, NULL), CNN_OK);
        assert_int_equal(read.width, WIDTH);
        assert_int_equal(read.height, HEIGHT);
        assert_int_equal(read.channels, channels);
        for (ptrdiff_t y = 0; y < HEIGHT; y++) {
            assert_memory_equal(read.pixels + y * read.stride, pixels + y * stride, (size_t)(WIDTH * channels));
        }
        cnn_free(read.pixels);
        cnn_free(bytes);
    }
}

static void the_same_picture_gives_the_same_bytes(void **state)
{
    (void)state;
    const cnn_picture picture = {pixels, WIDTH, HEIGHT, 3, 3 * WIDTH};
    unsigned char *first, *second;
    size_t first_size, second_size;
    encode(&picture, &first, &first_size);
    encode(&picture, &second, &second_size);
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    cnn_free(first);
    cnn_free(second);
}

static void other_sizes_are_refused(void **state)
{
    (void)state;
    const cnn_picture wrong[] = {{pixels, 0, 1, 1, 1},
                                 {pixels, 1, -1, 1, 1},
                                 {pixels, CNN_IMAGE_SIDE + 1, 1, 1, 1},
                                 {pixels, 1, 1, 0, 1},
                                 {pixels, 1, 1, 5, 5}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cnn_error error = {0};
        unsigned char *bytes = pixels;
        size_t size = 7;
        assert_int_equal(cnn_png_encode(&wrong[i], &bytes, &size, &error), CNN_USAGE);
        assert_non_null(strstr(error.message, "cannot be written"));
        assert_true(bytes == pixels && size == 7);
    }
}

static void no_memory_is_said_so_and_nothing_leaks(void **state)
{
    (void)state;
    const cnn_picture picture = {pixels, WIDTH, HEIGHT, 3, 3 * WIDTH};
    cnn_status status = CNN_MEMORY;
    long allocation = 0;
    for (; status != CNN_OK; allocation++) {
        unsigned char *bytes = NULL;
        size_t size;
        cnn_alloc_fail_after(allocation, false);
        status = cnn_png_encode(&picture, &bytes, &size, NULL);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK ? bytes != NULL : status == CNN_MEMORY && bytes == NULL);
        cnn_free(bytes);
    }
    assert_true(allocation > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back_as_they_were),
        cmocka_unit_test(the_same_picture_gives_the_same_bytes),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(no_memory_is_said_so_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}

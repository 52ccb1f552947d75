/* Pictures of all kinds through cnn_image_fit(): what comes out, and what is said of files that are no pictures. */
/* cmocka.h needs the headers before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/memory.h"
#include "image/image.h"
#include "unit/picture.h"

#include <sys/stat.h>
#include <unistd.h>

static file picture;

static void fit(int height, int width, int channels, uint8_t *out)
{
    cnn_error error = {0};
    const cnn_shape shape = {height, width, channels};
    if (cnn_image_fit(picture.bytes, picture.size, "picture", shape, out, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
}

static void assert_near(const uint8_t *actual, const uint8_t *expected, size_t count, int tolerance)
{
    for (size_t i = 0; i < count; i++) {
        if (abs(actual[i] - expected[i]) > tolerance) {
            fail_msg("value %zu is %d, not %d", i, actual[i], expected[i]);
        }
    }
}

/* ---- kinds of pictures */

static const uint8_t rgb[2 * 3 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 10, 20, 30};

static void same_size_passes_unchanged(void **state)
{
    (void)state;
    uint8_t noise[28 * 28], out[28 * 28];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)(i * 2654435761u >> 7);
    }
    make_png(&picture, 28, 28, 1, noise);
    fit(28, 28, 1, out);
    assert_memory_equal(out, noise, sizeof out);
    make_png(&picture, 3, 2, 3, rgb);
    fit(2, 3, 3, out);
    assert_memory_equal(out, rgb, sizeof rgb);
    make_bmp(&picture, 3, 2, rgb);
    fit(2, 3, 3, out);
    assert_memory_equal(out, rgb, sizeof rgb);
    make_bmp(&picture, 3, -2, rgb);
    fit(2, 3, 3, out);
    assert_memory_equal(out, rgb, sizeof rgb);
}

static void colours_become_grey_by_luma(void **state)
{
    (void)state;
    const uint8_t expected[6] = {76, 150, 29, 255, 0, 18};
    uint8_t out[6];
    make_png(&picture, 3, 2, 3, rgb);
    fit(2, 3, 1, out);
    assert_memory_equal(out, expected, sizeof out);
}

static void grey_becomes_three_equal_channels(void **state)
{
    (void)state;
    const uint8_t grey[2] = {7, 200}, expected[6] = {7, 7, 7, 200, 200, 200};
    uint8_t out[6];
    make_png(&picture, 2, 1, 1, grey);
    fit(1, 2, 3, out);
    assert_memory_equal(out, expected, sizeof out);
}

static void sixteen_bits_keep_the_upper_eight(void **state)
{
    (void)state;
    const uint8_t deep[4] = {0x12, 0xFE, 0xFF, 0x01}, expected[2] = {0x12, 0xFF};
    uint8_t out[2];
    png_begin(&picture, 2, 1, 16, PNG_GREY);
    png_end(&picture, deep, 1, sizeof deep);
    fit(1, 2, 1, out);
    assert_memory_equal(out, expected, sizeof out);
}

static void one_bit_and_palettes_are_read(void **state)
{
    (void)state;
    const uint8_t row = 0xA0, expected_bits[3] = {255, 0, 255}, palette[6] = {1, 2, 3, 250, 251, 252};
    const uint8_t indices[2] = {1, 0}, expected[6] = {250, 251, 252, 1, 2, 3};
    uint8_t out[6];
    png_begin(&picture, 3, 1, 1, PNG_GREY);
    png_end(&picture, &row, 1, 1);
    fit(1, 3, 1, out);
    assert_memory_equal(out, expected_bits, sizeof expected_bits);
    png_begin(&picture, 2, 1, 8, PNG_PALETTE);
    png_chunk(&picture, "PLTE", palette, sizeof palette);
    png_end(&picture, indices, 1, sizeof indices);
    fit(1, 2, 3, out);
    assert_memory_equal(out, expected, sizeof expected);
}

static void transparent_parts_lie_on_white(void **state)
{
    (void)state;
    const uint8_t grey[6] = {0, 0, 0, 255, 100, 128}, expected_grey[3] = {255, 0, 177};
    const uint8_t colour[8] = {255, 0, 0, 0, 255, 0, 0, 255}, expected_colour[6] = {255, 255, 255, 255, 0, 0};
    const uint8_t palette[6] = {9, 9, 9, 0, 0, 0}, alpha[2] = {255, 0}, indices[2] = {0, 1};
    uint8_t out[6];
    make_png(&picture, 3, 1, 2, grey);
    fit(1, 3, 1, out);
    assert_memory_equal(out, expected_grey, sizeof expected_grey);
    make_png(&picture, 2, 1, 4, colour);
    fit(1, 2, 3, out);
    assert_memory_equal(out, expected_colour, sizeof expected_colour);
    png_begin(&picture, 2, 1, 8, PNG_PALETTE);
    png_chunk(&picture, "PLTE", palette, sizeof palette);
    png_chunk(&picture, "tRNS", alpha, sizeof alpha);
    png_end(&picture, indices, 1, sizeof indices);
    fit(1, 2, 1, out);
    assert_int_equal(out[0], 9);
    assert_int_equal(out[1], 255);
}

static void jpegs_are_read(void **state)
{
    (void)state;
    const uint8_t grey[2] = {3, 250}, luma_and_colour[3] = {76, 85, 255}; /* the second is red in YCbCr */
    uint8_t out[8 * 16 * 3], expected[8 * 16];
    make_jpeg(&picture, 2, 1, 1, grey);
    fit(8, 16, 1, out);
    for (int i = 0; i < 8 * 16; i++) {
        expected[i] = grey[i % 16 / 8];
    }
    assert_memory_equal(out, expected, sizeof expected);
    make_jpeg(&picture, 1, 1, 3, luma_and_colour);
    fit(1, 1, 3, out);
    assert_near(out, rgb, 3, 2);
}

/* The quarters "abcd" are top left, top right, bottom left, bottom right, of 40, 90, 140, 190. */
static void make_quarters(int columns, int rows, const char *quarters)
{
    uint8_t values[8];
    for (int i = 0; i < columns * rows; i++) {
        const int bottom = i / columns >= rows / 2, right = i % columns >= columns / 2;
        values[i] = (uint8_t)(40 + 50 * (quarters[2 * bottom + right] - 'a'));
    }
    make_jpeg(&picture, columns, rows, 1, values);
}

static void jpegs_are_turned_upright(void **state)
{
    (void)state;
    static const char *const stored[] = {"abcd", "badc", "dcba", "cdab", "acbd", "bdac", "dbca", "cadb"};
    uint8_t upright[16 * 32], out[16 * 32], small[4 * 8];
    make_quarters(4, 2, "abcd");
    fit(16, 32, 1, upright);
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int big_endian = 0; big_endian < 2; big_endian++) {
            const int turned = orientation >= 5;
            make_quarters(turned ? 2 : 4, turned ? 4 : 2, stored[orientation - 1]);
            add_orientation(&picture, orientation, big_endian);
            fit(16, 32, 1, out);
            assert_memory_equal(out, upright, sizeof out);
            fit(4, 8, 1, small);
            for (int quarter = 0; quarter < 4; quarter++) {
                const uint8_t expected = (uint8_t)(40 + 50 * quarter);
                assert_near(&small[quarter / 2 * 3 * 8 + quarter % 2 * 7], &expected, 1, 1);
            }
        }
    }
}

static void malformed_orientation_is_none(void **state)
{
    (void)state;
    uint8_t upright[16 * 32], out[16 * 32];
    make_quarters(4, 2, "abcd");
    fit(16, 32, 1, upright);
    add_orientation(&picture, 9, 1);
    fit(16, 32, 1, out);
    assert_memory_equal(out, upright, sizeof out);
    /* The directory lies outside the segment. */
    make_quarters(4, 2, "abcd");
    add_orientation(&picture, 3, 0);
    picture.bytes[16] = 0xF0;
    picture.bytes[19] = 0xFF;
    fit(16, 32, 1, out);
    assert_memory_equal(out, upright, sizeof out);
}

/* ---- fitting */

static void the_centre_is_kept(void **state)
{
    (void)state;
    uint8_t wide[10 * 30], high[30 * 10], expected[5 * 5], out[5 * 5];
    for (int i = 0; i < 300; i++) {
        wide[i] = i % 30 / 10 == 1 ? 200 : 10;
        high[i] = i / 100 == 1 ? 200 : 10;
    }
    memset(expected, 200, sizeof expected);
    make_png(&picture, 30, 10, 1, wide);
    fit(5, 5, 1, out);
    assert_memory_equal(out, expected, sizeof out);
    make_png(&picture, 10, 30, 1, high);
    fit(5, 5, 1, out);
    assert_memory_equal(out, expected, sizeof out);
}

static void reduction_does_not_alias(void **state)
{
    (void)state;
    static uint8_t board[128 * 128];
    uint8_t out[16 * 16];
    for (int i = 0; i < 128 * 128; i++) {
        board[i] = (i % 128 + i / 128) % 2 ? 255 : 0;
    }
    make_png(&picture, 128, 128, 1, board);
    fit(16, 16, 1, out);
    for (int y = 1; y < 15; y++) {
        for (int x = 1; x < 15; x++) {
            assert_in_range(out[16 * y + x], 126, 129);
        }
    }
}

static void one_colour_stays_it_at_any_size(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 40}, {300, 2}, {7, 5}, {128, 127}, {33, 32}};
    static uint8_t flat[128 * 128];
    uint8_t out[28 * 31];
    memset(flat, 77, sizeof flat);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make_png(&picture, sizes[i][0], sizes[i][1], 1, flat);
        fit(28, 31, 1, out);
        assert_memory_equal(out, flat, sizeof out);
    }
}

/* ---- what is refused */

/* Fails with `status`, words that contain `words`, and out untouched. */
static void assert_refused(const file *from, cnn_status status, const char *words)
{
    uint8_t out[4 * 4 * 3], before[sizeof out];
    cnn_error error = {0};
    memset(before, 0xA5, sizeof before);
    memcpy(out, before, sizeof out);
    unsigned char *exact = malloc(from->size + 1); /* so that a sanitizer sees reads past the end */
    memcpy(exact, from->bytes, from->size);
    exact = realloc(exact, from->size > 0 ? from->size : 1);
    const cnn_status actual = cnn_image_fit(exact, from->size, "photo.jpg", (cnn_shape){4, 4, 3}, out, &error);
    free(exact);
    assert_int_equal(actual, status);
    assert_int_equal(error.status, status);
    assert_memory_equal(out, before, sizeof out);
    if (strstr(error.message, words) == NULL || strncmp(error.message, "photo.jpg: ", 11) != 0) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
}

static void other_files_are_named_as_such(void **state)
{
    (void)state;
    picture.size = 0;
    assert_refused(&picture, CNN_FORMAT, "the file is empty");
    put(&picture, "This is a text.\n", 16);
    assert_refused(&picture, CNN_FORMAT, "not a JPEG, PNG or BMP picture");
    picture.size = 0;
    put(&picture, "GIF89a\1\0\1\0\0\0\0", 13);
    assert_refused(&picture, CNN_FORMAT, "not a JPEG, PNG or BMP picture");
}

static void cut_files_are_refused_at_every_length(void **state)
{
    (void)state;
    static file whole;
    static uint8_t pixels[20 * 20 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 2654435761u >> 9);
    }
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) {
            make_png(&whole, 20, 20, 3, pixels);
        } else if (kind == 1) {
            make_jpeg(&whole, 3, 3, 3, pixels);
        } else {
            make_bmp(&whole, 20, 20, pixels);
        }
        for (size_t size = 1; size < whole.size; size++) {
            picture = whole;
            picture.size = size;
            /* The last bytes of a PNG are the checksum of an empty chunk. */
            if (kind != 0 || size + 4 < whole.size) {
                assert_refused(&picture, CNN_FORMAT, "picture");
            }
        }
    }
}

static void sizes_are_limited_before_memory_is_taken(void **state)
{
    (void)state;
    const uint8_t pixel[3] = {0};
    png_begin(&picture, 40000, 2, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    assert_refused(&picture, CNN_FORMAT, "picture");
    png_begin(&picture, 32768, 32768, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    cnn_alloc_fail_after(0, true); /* would be CNN_MEMORY if any were asked for */
    assert_refused(&picture, CNN_FORMAT, "32768x32768 pixels are too many");
    png_begin(&picture, 32768, 4096, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    assert_refused(&picture, CNN_FORMAT, "bytes cannot hold 32768x4096 pixels");
    make_bmp(&picture, 1, 1, pixel);
    memset(picture.bytes + 22, 0x80, 4);
    assert_refused(&picture, CNN_FORMAT, "picture");
    make_bmp(&picture, 1, 0, pixel);
    assert_refused(&picture, CNN_FORMAT, "the picture has no pixels");
    cnn_alloc_fail_after(-1, false);
}

static void no_memory_is_said_so_and_nothing_leaks(void **state)
{
    (void)state;
    uint8_t pixels[9 * 9 * 3] = {0}, out[4 * 4];
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) {
            make_png(&picture, 9, 9, 3, pixels);
        } else if (kind == 1) {
            make_jpeg(&picture, 2, 2, 3, pixels);
        } else {
            make_bmp(&picture, 9, 9, pixels);
        }
        cnn_status status = CNN_MEMORY;
        long allocation = 0;
        for (; status != CNN_OK; allocation++) {
            cnn_alloc_fail_after(allocation, true);
            status = cnn_image_fit(picture.bytes, picture.size, "p", (cnn_shape){4, 4, 1}, out, NULL);
            cnn_alloc_fail_after(-1, false);
            assert_true(status == CNN_OK || status == CNN_MEMORY);
        }
        assert_true(allocation > 3);
    }
}

static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    static file whole;
    static uint8_t pixels[24 * 24 * 3];
    uint8_t out[8 * 8 * 3];
    uint32_t chance = 1;
    for (int round = 0; round < 900; round++) {
        if (round % 300 == 0) {
            for (size_t i = 0; i < sizeof pixels; i++) {
                pixels[i] = (uint8_t)(i * 2654435761u >> 11);
            }
            if (round == 0) {
                make_png(&whole, 24, 24, 3, pixels);
            } else if (round == 300) {
                make_jpeg(&whole, 3, 3, 3, pixels);
                add_orientation(&whole, 6, 1);
            } else {
                make_bmp(&whole, 24, 24, pixels);
            }
        }
        picture = whole;
        for (int change = 0; change <= round % 4; change++) {
            chance = chance * 1664525u + 1013904223u;
            const size_t reach = round % 2 ? picture.size : 120;
            picture.bytes[(chance >> 8) % reach] = (unsigned char)(chance >> 24);
        }
        cnn_image_fit(picture.bytes, picture.size, "p", (cnn_shape){8, 8, 3}, out, NULL);
    }
}

/* ---- files */

static void files_are_read_and_missing_ones_named(void **state)
{
    (void)state;
    const uint8_t grey[4] = {1, 2, 3, 4};
    char folder[] = "/tmp/cnn-image-XXXXXX", path[64];
    uint8_t out[4];
    cnn_error error = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.png", folder);
    make_png(&picture, 2, 2, 1, grey);
    FILE *to = fopen(path, "wb");
    assert_int_equal(fwrite(picture.bytes, 1, picture.size, to), picture.size);
    fclose(to);
    assert_int_equal(cnn_image_fit_file(path, (cnn_shape){2, 2, 1}, out, &error), CNN_OK);
    assert_memory_equal(out, grey, sizeof out);
    unlink(path);
    assert_int_equal(cnn_image_fit_file(path, (cnn_shape){2, 2, 1}, out, &error), CNN_IO);
    assert_non_null(strstr(error.message, path));
    assert_int_equal(cnn_image_fit_file(folder, (cnn_shape){2, 2, 1}, out, &error), CNN_IO);
    assert_non_null(strstr(error.message, folder));
    rmdir(folder);
}

static void suffixes_are_known_in_any_case(void **state)
{
    (void)state;
    assert_true(cnn_image_has_suffix("a.jpg") && cnn_image_has_suffix("x/b.JPEG") && cnn_image_has_suffix("c.Png") &&
                cnn_image_has_suffix("d.bmp"));
    assert_false(cnn_image_has_suffix("a.gif") || cnn_image_has_suffix("jpg") || cnn_image_has_suffix(".png") ||
                 cnn_image_has_suffix("a.jpg.txt") || cnn_image_has_suffix(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_size_passes_unchanged),
        cmocka_unit_test(colours_become_grey_by_luma),
        cmocka_unit_test(grey_becomes_three_equal_channels),
        cmocka_unit_test(sixteen_bits_keep_the_upper_eight),
        cmocka_unit_test(one_bit_and_palettes_are_read),
        cmocka_unit_test(transparent_parts_lie_on_white),
        cmocka_unit_test(jpegs_are_read),
        cmocka_unit_test(jpegs_are_turned_upright),
        cmocka_unit_test(malformed_orientation_is_none),
        cmocka_unit_test(the_centre_is_kept),
        cmocka_unit_test(reduction_does_not_alias),
        cmocka_unit_test(one_colour_stays_it_at_any_size),
        cmocka_unit_test(other_files_are_named_as_such),
        cmocka_unit_test(cut_files_are_refused_at_every_length),
        cmocka_unit_test(sizes_are_limited_before_memory_is_taken),
        cmocka_unit_test(no_memory_is_said_so_and_nothing_leaks),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(files_are_read_and_missing_ones_named),
        cmocka_unit_test(suffixes_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pictures of all kinds through cnn_image_fit(): what comes out. */
#include "image/image.h"
#include "unit/picture.h"
#include "unit/unit.h"

static file picture;

static void fit(int height, int width, int channels, uint8_t *out)
{
    cnn_error error = {0};
    const cnn_image_form form = {.shape = {height, width, channels}};
    if (cnn_image_fit(picture.bytes, picture.size, "picture", form, out, &error) != CNN_OK) {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

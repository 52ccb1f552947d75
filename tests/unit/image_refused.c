/* What is said of files that are no pictures, are damaged, too large or missing; and that they do no harm. */
#include "base/memory.h"
#include "image/image.h"
#include "unit/picture.h"
#include "unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

static file picture;

/** Fails with `status`, words that contain `words`, and out untouched. */
static void assert_refused(const file *from, cnn_status status, const char *words)
{
    uint8_t out[4 * 4 * 3], before[sizeof out];
    cnn_error error = {0};
    memset(before, 0xA5, sizeof before);
    memcpy(out, before, sizeof out);
    unsigned char *exact = malloc(from->size > 0 ? from->size : 1); /* so that a sanitizer sees reads past the end */
    memcpy(exact, from->bytes, from->size);
    const cnn_status actual =
        cnn_image_fit(exact, from->size, "photo.jpg", (cnn_image_form){.shape = {4, 4, 3}}, out, &error);
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
            assert_refused(&picture, CNN_FORMAT, "picture");
        }
    }
}

/** Where a JPEG's segment with this marker has its content. */
static unsigned char *find_segment(unsigned char marker)
{
    for (size_t i = 2; i + 4 < picture.size; i++) {
        if (picture.bytes[i] == 0xFF && picture.bytes[i + 1] == marker) {
            return &picture.bytes[i + 4];
        }
    }
    fail_msg("no segment %02x", marker);
    return NULL;
}

static void jpeg_tables_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const uint8_t values[3] = {100, 120, 140};
    const char *const words = "damaged or of a rare kind";
    make_jpeg(&picture, 1, 1, 3, values);
    find_segment(0xC4)[1 + 11] = 250; /* 262 codes */
    assert_refused(&picture, CNN_FORMAT, words);
    make_jpeg(&picture, 1, 1, 3, values);
    find_segment(0xC4)[1 + 16 + 3] = 16; /* a number of 16 bits */
    assert_refused(&picture, CNN_FORMAT, words);
    make_jpeg(&picture, 1, 1, 3, values);
    find_segment(0xC0)[7] = 0x31; /* sampled 3 to 2 */
    find_segment(0xC0)[10] = 0x21;
    assert_refused(&picture, CNN_FORMAT, words);
    make_jpeg(&picture, 1, 1, 3, values);
    find_segment(0xC0)[7] = 0x01;
    assert_refused(&picture, CNN_FORMAT, words);
}

static void sizes_are_limited_before_memory_is_taken(void **state)
{
    (void)state;
    const uint8_t pixel[3] = {0};
    png_begin(&picture, 40000, 2, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    assert_refused(&picture, CNN_FORMAT, "40000x2 pixels are too many");
    png_begin(&picture, 32768, 32768, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    cnn_alloc_fail_after(0, true); /* would be CNN_MEMORY if any were asked for */
    assert_refused(&picture, CNN_FORMAT, "32768x32768 pixels are too many");
    png_begin(&picture, 32768, 4096, 8, PNG_GREY);
    png_end(&picture, pixel, 1, 1);
    assert_refused(&picture, CNN_FORMAT, "bytes cannot hold 32768x4096 pixels");
    make_bmp(&picture, 1, 1, pixel);
    memset(picture.bytes + 22, 0x80, 4);
    assert_refused(&picture, CNN_FORMAT, "1x2139062144 pixels are too many");
    make_bmp(&picture, 1, 0, pixel);
    assert_refused(&picture, CNN_FORMAT, "the picture has no pixels");
    cnn_alloc_fail_after(-1, false);
}

/** A PNG of 4x4 pixels whose data unpacks to 64 MB of zeros. */
static void make_bomb(void)
{
    static unsigned char zeros[1 << 16], packed[1 << 16];
    png_begin(&picture, 4, 4, 8, PNG_GREY);
    z_stream z = {.next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit(&z, 9), Z_OK);
    for (int i = 0; i < 800; i++) {
        z.next_in = zeros;
        z.avail_in = sizeof zeros;
        assert_int_equal(deflate(&z, i == 799 ? Z_FINISH : Z_NO_FLUSH), i == 799 ? Z_STREAM_END : Z_OK);
    }
    png_chunk(&picture, "IDAT", packed, z.total_out);
    deflateEnd(&z);
    png_chunk(&picture, "IEND", NULL, 0);
}

static void promised_lengths_and_bombs_take_no_memory(void **state)
{
    (void)state;
    const uint8_t pixel[1] = {0};
    make_bomb();
    assert_refused(&picture, CNN_FORMAT, "unpacks to more than its size");
    png_begin(&picture, 1, 1, 8, PNG_GREY);
    const size_t length = picture.size;
    png_end(&picture, pixel, 1, 1);
    memset(picture.bytes + length, 0x3F, 4); /* of the pixels' chunk: 1 GB */
    assert_refused(&picture, CNN_FORMAT, "the picture is cut short");
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
            status = cnn_image_fit(picture.bytes, picture.size, "p", (cnn_image_form){.shape = {4, 4, 1}}, out, NULL);
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
        cnn_image_fit(picture.bytes, picture.size, "p", (cnn_image_form){.shape = {8, 8, 3}}, out, NULL);
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
    assert_int_equal(cnn_image_fit_file(path, (cnn_image_form){.shape = {2, 2, 1}}, out, &error), CNN_OK);
    assert_memory_equal(out, grey, sizeof out);
    unlink(path);
    assert_int_equal(cnn_image_fit_file(path, (cnn_image_form){.shape = {2, 2, 1}}, out, &error), CNN_IO);
    assert_non_null(strstr(error.message, path));
    assert_int_equal(cnn_image_fit_file(folder, (cnn_image_form){.shape = {2, 2, 1}}, out, &error), CNN_IO);
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
        cmocka_unit_test(other_files_are_named_as_such),
        cmocka_unit_test(cut_files_are_refused_at_every_length),
        cmocka_unit_test(jpeg_tables_that_do_not_fit_are_refused),
        cmocka_unit_test(sizes_are_limited_before_memory_is_taken),
        cmocka_unit_test(promised_lengths_and_bombs_take_no_memory),
        cmocka_unit_test(no_memory_is_said_so_and_nothing_leaks),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(files_are_read_and_missing_ones_named),
        cmocka_unit_test(suffixes_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

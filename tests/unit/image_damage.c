/* Damage to pictures: every bit of a PNG, sizes that lie, files that unpack to far more than they hold, and Exif
 * data of any content. What is refused before it is decoded takes no memory. */
#include "image/image.h"
#include "unit/peak.h"
#include "unit/picture.h"

enum { SIDE = 16, MOST = 3 * SIDE * SIDE };

static file picture;

/** Tries the picture; the memory that it took goes to *peak. */
static cnn_status fit(int side, int channels, uint8_t *out, size_t *peak, cnn_error *error)
{
    unsigned char *exact = malloc(picture.size); /* so that a sanitizer sees reads past the end */
    memcpy(exact, picture.bytes, picture.size);
    const cnn_image_form form = {.shape = {side, side, channels}};
    const long begin = peak_begin();
    const cnn_status status = cnn_image_fit(exact, picture.size, "photo", form, out, error);
    *peak = peak_since(begin);
    free(exact);
    return status;
}

/** Refused with a line that begins with the name and holds `words`, within `most` bytes, `out` as it was. */
static void refuse(const char *words, size_t most)
{
    uint8_t out[MOST], before[MOST];
    size_t peak;
    cnn_error error = {0};
    memset(out, 0xA5, sizeof out);
    memset(before, 0xA5, sizeof before);
    assert_int_equal(fit(SIDE, 3, out, &peak, &error), CNN_FORMAT);
    if (strstr(error.message, words) == NULL || strncmp(error.message, "photo: ", 7) != 0 || peak > most) {
        fail_msg("\"%s\" lacks \"%s\", or %zu bytes of memory are more than %zu", error.message, words, peak, most);
    }
    assert_null(strchr(error.message, '\n'));
    assert_memory_equal(out, before, sizeof out);
}

static void fill(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pixels[i] = (uint8_t)(i * 2654435761u >> 9);
    }
}

/* ---- PNG */

static void every_bit_of_a_png_counts(void **state)
{
    (void)state;
    uint8_t pixels[6 * 6 * 4];
    fill(pixels, sizeof pixels);
    for (int channels = 1; channels <= 4; channels++) {
        make_png(&picture, 6, 6, channels, pixels);
        for (size_t bit = 0; bit < 8 * picture.size; bit++) {
            picture.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            refuse("", 1024);
            picture.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        while (--picture.size > 0) {
            refuse("", 1024);
        }
    }
}

static const uint32_t sizes[] = {0,     1,          16,         32767,      32768,      32769,     65535,
                                 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000001, 0x55555556};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static const char *why(uint64_t width, uint64_t height)
{
    return width == 0 || height == 0                                              ? "the picture has no pixels"
           : width > 32768 || height > 32768 || width * height > CNN_IMAGE_PIXELS ? "pixels are too many, at most"
                                                                                  : "pixels";
}

/** All pairs of sizes but those that the data has, which is of one pixel. */
static void sizes_of_pngs_are_checked_before_memory_is_taken(void **state)
{
    (void)state;
    for (int w = 0; w < SIZES; w++) {
        for (int h = 0; h < SIZES; h++) {
            if ((uint64_t)sizes[w] * sizes[h] > 1 << 16 || sizes[w] == 0 || sizes[h] == 0) {
                png_begin(&picture, (int)sizes[w], (int)sizes[h], 16, PNG_RGBA);
                png_end(&picture, "abcdefgh", 1, 8);
                refuse(why(sizes[w], sizes[h]), 1024);
            }
        }
    }
}

static void sizes_of_jpegs_are_checked_before_memory_is_taken(void **state)
{
    (void)state;
    const uint8_t grey[1] = {100};
    for (int w = 0; w < SIZES; w++) {
        for (int h = 0; h < SIZES; h++) {
            if (sizes[w] < 65536 && sizes[h] < 65536 && (sizes[w] * sizes[h] > 1 << 17 || sizes[w] * sizes[h] == 0)) {
                make_jpeg(&picture, 1, 1, 1, grey);
                unsigned char *frame = picture.bytes + 2 + 2 + 67 + 2 + 2 + 1;
                for (int i = 0; i < 2; i++) {
                    frame[i] = (unsigned char)(sizes[h] >> 8 * (1 - i));
                    frame[2 + i] = (unsigned char)(sizes[w] >> 8 * (1 - i));
                }
                refuse(why(sizes[w], sizes[h]), 1024);
            }
        }
    }
}

/** A PNG whose header says what its data, megabytes of zeros packed, are not. */
static void make_bomb(int width, int height, int depth, int type, int megabytes)
{
    static unsigned char zeros[1 << 20], packed[1 << 16];
    png_begin(&picture, width, height, depth, type);
    z_stream z = {.next_out = packed, .avail_out = sizeof packed};
    assert_int_equal(deflateInit(&z, 9), Z_OK);
    for (int i = 0; i < megabytes; i++) {
        z.next_in = zeros;
        z.avail_in = sizeof zeros;
        const int last = i + 1 == megabytes;
        assert_int_equal(deflate(&z, last ? Z_FINISH : Z_NO_FLUSH), last ? Z_STREAM_END : Z_OK);
    }
    png_chunk(&picture, "PLTE", "abc", 3);
    png_chunk(&picture, "IDAT", packed, z.total_out);
    deflateEnd(&z);
    png_chunk(&picture, "IEND", NULL, 0);
}

/** What a picture takes grows with its size, 40 bytes a pixel, not with what it unpacks to. */
static void bombs_are_refused(void **state)
{
    (void)state;
    for (int side = 1; side <= 256; side *= 16) {
        const size_t most = ((size_t)3 << 16) + (1 << 18) + 40 * (size_t)(side + 32) * (size_t)(side + 32);
        make_bomb(side, side, 8, PNG_GREY, 16);
        refuse("it unpacks to more than its size", most);
        make_bomb(side, side, 16, PNG_RGBA, 16);
        refuse("it unpacks to more than its size", most);
    }
    make_bomb(32768, 4096, 16, PNG_RGBA, 16); /* the size has 1 GB, which 16 KB cannot hold, the data 16 MB */
    refuse("bytes cannot hold 32768x4096 pixels", 1024);
    make_bomb(32768, 32768, 1, PNG_PALETTE, 16);
    refuse("32768x32768 pixels are too many", 1024);
}

/* ---- Exif */

enum { EXIF_AT = 2 + 4 + 6, EXIF_SIZE = 8 + 2 + 2 * 12 + 4 };

/** A JPEG of two halves, bright and dark, which shows whether it was turned upside down; with an orientation. */
static void make_halves(int orientation, int big_endian)
{
    const uint8_t halves[2] = {250, 10};
    make_jpeg(&picture, 1, 2, 1, halves);
    add_orientation(&picture, orientation, big_endian);
}

/** Shown, with its bright half up or down. */
static bool is_upright(void)
{
    uint8_t out[SIDE * SIDE];
    size_t peak;
    cnn_error error = {0};
    if (fit(SIDE, 1, out, &peak, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(peak < (1 << 18));
    return out[0] > out[SIDE * SIDE - 1];
}

/** Every byte of Exif data as every value, and every length of it: shown, one way or the other; and the same way where
 * the byte is beyond what is read. */
static void any_exif_data_does_no_harm(void **state)
{
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        for (int at = 0; at < EXIF_SIZE; at++) {
            for (int value = 0; value < 256; value++) {
                make_halves(3, big_endian);
                picture.bytes[EXIF_AT + at] = (unsigned char)value;
                const bool upright = is_upright();
                assert_true(at < EXIF_SIZE - 4 || !upright);
            }
        }
        for (int length = 2; length < 2 + 6 + EXIF_SIZE; length++) { /* the segment ends, other bytes follow */
            make_halves(3, big_endian);
            memmove(picture.bytes + 4 + length, picture.bytes + EXIF_AT + EXIF_SIZE,
                    picture.size - EXIF_AT - EXIF_SIZE);
            picture.size -= (size_t)(EXIF_AT + EXIF_SIZE - 4 - length);
            picture.bytes[5] = (unsigned char)length;
            assert_true(is_upright() || length >= 2 + 6 + EXIF_SIZE - 4 - 2);
        }
    }
}

static void number(unsigned long value, size_t at, int width, int big_endian)
{
    for (int i = 0; i < width; i++) {
        const int shift = 8 * (big_endian ? width - 1 - i : i);
        picture.bytes[EXIF_AT + at + (size_t)i] = (unsigned char)(value >> shift);
    }
}

/** Directories beyond the segment, in the header and in themselves, of any length; the next directory is this one. */
static void hostile_directories_do_no_harm(void **state)
{
    (void)state;
    static const unsigned long offsets[] = {
        0,      1,          2,          7,          9,          EXIF_SIZE - 1, EXIF_SIZE, EXIF_SIZE + 1,
        0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF4, 0xFFFFFFFE, 0xFFFFFFFF};
    static const unsigned long counts[] = {0, 1, 3, 0x7FFF, 0x8000, 0xFFFF};
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
            make_halves(3, big_endian);
            number(offsets[i], 4, 4, big_endian);
            assert_true(is_upright());
            make_halves(3, big_endian);
            number(offsets[i], EXIF_SIZE - 4, 4, big_endian); /* the next directory */
            assert_false(is_upright());
        }
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            make_halves(3, big_endian);
            number(counts[i], 8, 2, big_endian);
            number(8, EXIF_SIZE - 4, 4, big_endian);
            assert_int_equal(is_upright(), counts[i] < 2);
        }
        make_halves(9, big_endian);
        assert_true(is_upright());
        make_halves(0, big_endian);
        assert_true(is_upright());
    }
}

/** Metadata of another kind before, and a second orientation behind, which does not count. */
static void the_first_exif_segment_counts(void **state)
{
    (void)state;
    static file whole;
    make_halves(1, 0);
    add_orientation(&picture, 3, 1);
    whole.size = 0;
    put(&whole, "\xFF\xD8\xFF\xE1\0\x10http://ns.a.co\xFF\xE2\0\x04zz", 26);
    put(&whole, picture.bytes + 2, picture.size - 2);
    picture = whole;
    assert_false(is_upright());
}

/** The same data in a PNG's chunk, before the pixels or behind them. */
static void pngs_are_turned_upright_too(void **state)
{
    (void)state;
    static file exif;
    uint8_t halves[4] = {250, 250, 10, 10};
    for (int orientation = 1; orientation <= 3; orientation += 2) {
        for (int behind = 0; behind < 2; behind++) {
            make_halves(orientation, behind);
            exif.size = 0;
            put(&exif, picture.bytes + EXIF_AT, EXIF_SIZE);
            png_begin(&picture, 2, 2, 8, PNG_GREY);
            if (!behind) {
                png_chunk(&picture, "eXIf", exif.bytes, exif.size);
            }
            png_end(&picture, halves, 2, 2);
            if (behind) {
                picture.size -= 12;
                png_chunk(&picture, "eXIf", exif.bytes, exif.size);
                png_chunk(&picture, "IEND", NULL, 0);
            }
            assert_int_equal(is_upright(), orientation == 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_a_png_counts),
        cmocka_unit_test(sizes_of_pngs_are_checked_before_memory_is_taken),
        cmocka_unit_test(sizes_of_jpegs_are_checked_before_memory_is_taken),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(any_exif_data_does_no_harm),
        cmocka_unit_test(hostile_directories_do_no_harm),
        cmocka_unit_test(the_first_exif_segment_counts),
        cmocka_unit_test(pngs_are_turned_upright_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every kind of PNG that libpng writes, against the definition of its pixels, and kinds of JPEG: shown right or
 * refused. */
#include "base/file.h"
#include "base/memory.h"
#include "image/image.h"
#include "unit/picture.h"
#include "unit/unit.h"

#include <png.h>

enum { SIDE = 40, MOST = SIDE * SIDE };

static file picture;

static cnn_status fit(int height, int width, int channels, uint8_t *out, cnn_error *error)
{
    const cnn_image_form form = {.shape = {height, width, channels}};
    return cnn_image_fit(picture.bytes, picture.size, "picture", form, out, error);
}

/* ---- PNG */

typedef struct kind {
    int type, depth;
    bool interlaced, transparent;
    int width, height;
} kind;

static unsigned samples[MOST][4];
static png_color palette[256];
static unsigned char alphas[256];

static unsigned draw(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 16;
}

static int channels_of(int type)
{
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    return channels[type];
}

static void append(png_structp png, png_bytep bytes, size_t size)
{
    put(png_get_io_ptr(png), bytes, size);
}

/** The samples as the file's rows: bits packed from the highest on, 16 bits high byte first. */
static void pack_row(const kind *k, int y, unsigned char *row)
{
    const int channels = channels_of(k->type);
    size_t bit = 0;
    memset(row, 0, 8 * SIDE);
    for (int x = 0; x < k->width; x++) {
        for (int c = 0; c < channels; c++, bit += (size_t)k->depth) {
            const unsigned sample = samples[y * k->width + x][c];
            if (k->depth == 16) {
                row[bit / 8] = (unsigned char)(sample >> 8);
                row[bit / 8 + 1] = (unsigned char)sample;
            } else {
                row[bit / 8] |= (unsigned char)(sample << (8 - (size_t)k->depth - bit % 8));
            }
        }
    }
}

/** Draws the samples, and writes them by libpng. Where transparency is asked for, the first pixel's colour has it, or
 * the first half of a palette. */
static void write_png(const kind *k)
{
    static unsigned char rows[SIDE][8 * SIDE];
    unsigned char *pointers[SIDE];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    picture.size = 0;
    png_set_write_fn(png, &picture, append, NULL);
    png_set_IHDR(png, info, (png_uint_32)k->width, (png_uint_32)k->height, k->depth, k->type, k->interlaced, 0, 0);
    for (int i = 0; i < k->width * k->height; i++) {
        for (int c = 0; c < 4; c++) {
            samples[i][c] = (draw() << 8 ^ draw()) & ((1u << k->depth) - 1);
        }
    }
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(png_byte)draw(), (png_byte)draw(), (png_byte)draw()};
        alphas[i] = (unsigned char)(i < 1 << k->depth >> 1 && k->transparent ? draw() : 255);
    }
    if (k->type == PNG_PALETTE) {
        png_set_PLTE(png, info, palette, 1 << k->depth);
    }
    if (k->transparent) {
        const unsigned *const first = samples[0];
        const png_color_16 key = {0, (png_uint_16)first[0], (png_uint_16)first[1], (png_uint_16)first[2],
                                  (png_uint_16)first[0]};
        png_set_tRNS(png, info, alphas, 1 << k->depth >> 1, &key);
    }
    for (int y = 0; y < k->height; y++) {
        pack_row(k, y, pointers[y] = rows[y]);
    }
    png_write_info(png, info);
    png_write_image(png, pointers);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

static unsigned eight_bits(const kind *k, unsigned sample)
{
    return k->depth == 16 ? sample >> 8 : sample * 255 / ((1u << k->depth) - 1);
}

/** Pixel `i` by definition: 8 bits a channel, on white, grey or in colour. */
static void define_pixel(const kind *k, int i, int channels, uint8_t *out)
{
    const unsigned *const s = samples[i];
    const bool is_colour = (k->type & 2) != 0;
    unsigned alpha = 255, value[3];
    for (int c = 0; c < 3; c++) {
        value[c] = eight_bits(k, s[is_colour ? c : 0]);
    }
    if (k->type == PNG_PALETTE) {
        value[0] = palette[s[0]].red;
        value[1] = palette[s[0]].green;
        value[2] = palette[s[0]].blue;
        alpha = alphas[s[0]];
    } else if ((k->type & 4) != 0) {
        alpha = eight_bits(k, s[is_colour ? 3 : 1]);
    } else if (k->transparent && memcmp(s, samples[0], (is_colour ? 3 : 1) * sizeof *s) == 0) {
        alpha = 0;
    }
    for (int c = 0; c < 3; c++) {
        value[c] = (value[c] * alpha + 255 * (255 - alpha) + 127) / 255;
    }
    if (channels == 1) {
        out[0] = (uint8_t)((299 * value[0] + 587 * value[1] + 114 * value[2] + 500) / 1000);
    }
    for (int c = 0; channels == 3 && c < 3; c++) {
        out[c] = (uint8_t)value[c];
    }
}

static void check_png(const kind *k)
{
    static uint8_t out[3 * MOST];
    write_png(k);
    for (int channels = 1; channels <= 3; channels += 2) {
        cnn_error error = {0};
        if (fit(k->height, k->width, channels, out, &error) != CNN_OK) {
            fail_msg("type %d, %d bits, %s: %s", k->type, k->depth, k->interlaced ? "interlaced" : "in rows",
                     error.message);
        }
        for (int i = 0; i < k->width * k->height; i++) {
            uint8_t expected[3];
            define_pixel(k, i, channels, expected);
            if (memcmp(expected, out + channels * i, (size_t)channels) != 0) {
                fail_msg("type %d, %d bits, %s, transparent %d, %dx%d: pixel %d is %d, not %d", k->type, k->depth,
                         k->interlaced ? "interlaced" : "in rows", k->transparent, k->width, k->height, i,
                         out[channels * i], expected[0]);
            }
        }
    }
}

static void every_kind_of_png_is_shown_right(void **state)
{
    (void)state;
    static const int depths[7][6] = {[PNG_GREY] = {1, 2, 4, 8, 16},
                                     [PNG_RGB] = {8, 16},
                                     [PNG_PALETTE] = {1, 2, 4, 8},
                                     [PNG_GREY_ALPHA] = {8, 16},
                                     [PNG_RGBA] = {8, 16}};
    static const int sizes[][2] = {{1, 1}, {2, 5}, {8, 8}, {9, 3}, {33, 31}, {40, 40}};
    int kinds = 0;
    for (int type = 0; type < 7; type++) {
        for (const int *depth = depths[type]; *depth != 0; depth++) {
            for (int way = 0; way < (type < 4 ? 4 : 2); way++) {
                for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
                    check_png(&(kind){type, *depth, way & 1, way & 2, sizes[s][0], sizes[s][1]});
                }
                kinds++;
            }
        }
    }
    assert_int_equal(kinds, 11 * 4 + 4 * 2);
}

/** What a palette lacks is black, the same each time; with transparency nothing, on white. */
static void colours_beyond_the_palette_are_black(void **state)
{
    (void)state;
    const uint8_t colours[6] = {200, 200, 200, 100, 100, 100}, opaque[1] = {255}, indices[4] = {1, 2, 255, 77};
    const uint8_t black[4] = {100, 0, 0, 0}, white[4] = {100, 255, 255, 255};
    for (int transparent = 0; transparent < 2; transparent++) {
        uint8_t out[4];
        png_begin(&picture, 4, 1, 8, PNG_PALETTE);
        png_chunk(&picture, "PLTE", colours, sizeof colours);
        if (transparent) {
            png_chunk(&picture, "tRNS", opaque, sizeof opaque);
        }
        png_end(&picture, indices, 1, sizeof indices);
        assert_int_equal(fit(1, 4, 1, out, NULL), CNN_OK);
        assert_memory_equal(out, transparent ? white : black, sizeof out);
    }
}

static void assert_refused(const char *words)
{
    uint8_t out[3] = {7, 7, 7};
    cnn_error error = {0};
    assert_int_equal(fit(1, 1, 3, out, &error), CNN_FORMAT);
    if (strstr(error.message, words) == NULL || strncmp(error.message, "picture: ", 9) != 0 || out[0] != 7) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
}

static void rare_pngs_are_refused(void **state)
{
    (void)state;
    static const char *const foreign[] = {"CgBI", "ABCD", "IDAT", "IEND", "PLTE"};
    static file whole;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        make_png(&whole, 1, 1, 3, "abc");
        picture.size = 0;
        put(&picture, whole.bytes, 8);
        png_chunk(&picture, foreign[i], "\x50\0\x20\2", 4); /* before the header, as Apple's variant has it */
        put(&picture, whole.bytes + 8, whole.size - 8);
        assert_refused("of a rare kind: convert it to PNG");
    }
    static const int types[][2] = {{PNG_RGB, 4}, {PNG_PALETTE, 16}, {1, 8},       {5, 8},
                                   {7, 8},       {PNG_GREY, 3},     {PNG_GREY, 0}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        png_begin(&picture, 1, 1, types[i][1], types[i][0]);
        png_chunk(&picture, "PLTE", "abc", 3);
        png_end(&picture, "abcdefgh", 1, 8);
        assert_refused("of a rare kind: convert it to PNG");
    }
}

/* ---- JPEG */

enum { WIDTH = 21, HEIGHT = 19, PIXELS = WIDTH * HEIGHT };

/** The bytes of golden/pictures/NAME, to be freed. */
static unsigned char *read_golden(const char *name, size_t *size)
{
    char path[512];
    unsigned char *bytes;
    snprintf(path, sizeof path, CNN_TESTS "/golden/pictures/%s", name);
    assert_int_equal(cnn_file_read(path, 1 << 14, &bytes, size, NULL), CNN_OK);
    return bytes;
}

/** Makes golden/pictures/NAME the picture. */
static void use_golden(const char *name)
{
    size_t size;
    unsigned char *bytes = read_golden(name, &size);
    picture.size = 0;
    put(&picture, bytes, size);
    cnn_free(bytes);
}

/** As libjpeg shows them, but for rounding; losslessly recoded ones to the bit as the first. */
static void jpegs_of_all_codings_are_shown_right(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"baseline.jpg", "baseline.ppm"},
                                           {"progressive.jpg", "baseline.ppm"},
                                           {"restart.jpg", "baseline.ppm"},
                                           {"rgb.jpg", "rgb.ppm"}};
    static uint8_t out[4][3 * PIXELS];
    for (int i = 0; i < 4; i++) {
        size_t size;
        unsigned char *expected = read_golden(names[i][1], &size);
        use_golden(names[i][0]);
        assert_int_equal(fit(HEIGHT, WIDTH, 3, out[i], NULL), CNN_OK);
        for (size_t p = 0; p < sizeof out[i]; p++) {
            const int exact = expected[size - sizeof out[i] + p];
            if (abs(out[i][p] - exact) > 4) {
                fail_msg("%s: value %zu is %d, not %d", names[i][0], p, out[i][p], exact);
            }
        }
        cnn_free(expected);
    }
    assert_memory_equal(out[1], out[0], sizeof out[0]);
    assert_memory_equal(out[2], out[0], sizeof out[0]);
    use_golden("arithmetic.jpg");
    assert_refused("of a rare kind: convert it to PNG");
}

/** Puts Adobe's segment behind the JPEG's first marker. */
static void add_adobe(int transform)
{
    static file whole;
    whole.size = 0;
    put(&whole,
        "\xFF\xD8\xFF\xEE\0\x0E"
        "Adobe\0\x64\0\0\0\0",
        17);
    put_big(&whole, (unsigned long)transform, 1);
    put(&whole, picture.bytes + 2, picture.size - 2);
    picture = whole;
}

/** Four colours by Adobe's rule, inverted: red is what is left of cyan and of black. The second kind has them as YCbCr
 * of the inverted three. Without the rule's name they are refused. */
static void jpegs_of_four_colours_are_shown_right(void **state)
{
    (void)state;
    const uint8_t inks[4] = {200, 100, 50, 128}; /* 255: no ink */
    uint8_t out[3];
    make_jpeg(&picture, 1, 1, 4, inks);
    assert_refused("of a rare kind: convert it to PNG");
    add_adobe(0);
    assert_int_equal(fit(1, 1, 3, out, NULL), CNN_OK);
    for (int c = 0; c < 3; c++) {
        assert_in_range(out[c], inks[c] * inks[3] / 255 - 2, inks[c] * inks[3] / 255 + 2);
    }
    const uint8_t luma[4] = {100, 128, 128, 128}; /* grey 100, so that 155 is left */
    make_jpeg(&picture, 1, 1, 4, luma);
    add_adobe(2);
    assert_int_equal(fit(1, 1, 3, out, NULL), CNN_OK);
    for (int c = 0; c < 3; c++) {
        assert_in_range(out[c], 155 * 128 / 255 - 2, 155 * 128 / 255 + 2);
    }
    make_jpeg(&picture, 1, 1, 4, luma);
    add_adobe(1);
    assert_refused("of a rare kind: convert it to PNG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_png_is_shown_right),
        cmocka_unit_test(colours_beyond_the_palette_are_black),
        cmocka_unit_test(rare_pngs_are_refused),
        cmocka_unit_test(jpegs_of_all_codings_are_shown_right),
        cmocka_unit_test(jpegs_of_four_colours_are_shown_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every kind of BMP that is shown, against the definition of its pixels, and those that are refused. */
#include "image/image.h"
#include "unit/picture.h"
#include "unit/unit.h"

#define WORDS(...) ((const uint32_t[4]){__VA_ARGS__})

enum { WIDTH = 11, HEIGHT = 5, PIXELS = WIDTH * HEIGHT, FILE_HEADER = 14 };

/** A file's header; pixels and palette are drawn. */
typedef struct bmp {
    uint32_t header; /* its size: 12, 40, 56, 108 or 124 */
    int bits;
    uint32_t compression;
    int colours;           /* of the palette */
    const uint32_t *masks; /* red, green, blue, alpha; NULL: none are written, or zeros where the header has them */
    bool from_top;
    int32_t gap; /* further bytes before the pixels, or fewer */
} bmp;

static file picture;
static uint32_t values[PIXELS]; /* as they are stored */
static unsigned char palette[256][3];

static uint32_t draw(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state >> 16;
}

static void put_header(const bmp *b, uint32_t offset, int width, int height)
{
    const bool is_old = b->header == 12;
    picture.size = 0;
    put(&picture, "BM", 2);
    put_little(&picture, 0, 8);
    put_little(&picture, offset, 4);
    put_little(&picture, b->header, 4);
    put_little(&picture, (unsigned long)width, is_old ? 2 : 4);
    put_little(&picture, (unsigned long)(b->from_top ? -height : height), is_old ? 2 : 4);
    put_little(&picture, 1, 2);
    put_little(&picture, (unsigned long)b->bits, 2);
    if (!is_old) {
        put_little(&picture, b->compression, 4);
        put_little(&picture, 0, 8);
        put_little(&picture, 0, 4);
        put_little(&picture, (unsigned long)b->colours, 4);
        put_little(&picture, 0, 4);
    }
    const int masks = b->header >= 56 ? 4 : b->masks != NULL ? 3 : 0;
    for (int i = 0; i < masks; i++) {
        put_little(&picture, b->masks != NULL ? b->masks[i] : 0, 4);
    }
    while (picture.size < FILE_HEADER + b->header) {
        put_little(&picture, 0, 1);
    }
}

static void put_row(int depth, const uint32_t *row)
{
    unsigned char bytes[4 * WIDTH + 4] = {0};
    for (int x = 0; x < WIDTH; x++) {
        for (int byte = 0; byte < depth / 8; byte++) {
            bytes[x * depth / 8 + byte] = (unsigned char)(row[x] >> 8 * byte);
        }
        if (depth < 8) {
            bytes[x * depth / 8] |= (unsigned char)(row[x] << (8 - depth - x * depth % 8));
        }
    }
    put(&picture, bytes, (size_t)((WIDTH * depth + 31) / 32 * 4));
}

static void make(const bmp *b)
{
    const uint32_t masks = b->header == 40 && b->masks != NULL ? 12 : 0;
    put_header(b, FILE_HEADER + b->header + masks + (uint32_t)(4 * b->colours + b->gap), WIDTH, HEIGHT);
    for (int i = 0; i < b->colours; i++) {
        for (int c = 0; c < 3; c++) {
            palette[i][c] = (unsigned char)draw();
            put(&picture, &palette[i][c], 1);
        }
        put_little(&picture, 0, 1);
    }
    for (int i = 0; i < b->gap; i++) {
        put_little(&picture, 0, 1);
    }
    for (int i = 0; i < PIXELS; i++) {
        values[i] = draw() << 16 ^ draw();
        values[i] = b->colours > 0 ? values[i] % (uint32_t)b->colours : values[i] & (uint32_t)((1ull << b->bits) - 1);
    }
    for (int y = 0; y < HEIGHT; y++) {
        put_row(b->bits, values + WIDTH * (b->from_top ? y : HEIGHT - 1 - y));
    }
}

/** The part of `value` under `mask`, as 8 bits. */
static int masked(uint32_t value, uint32_t mask)
{
    int shift = 0;
    while ((mask >> shift & 1) == 0) {
        shift++;
    }
    const uint64_t most = mask >> shift;
    return (int)(((uint64_t)((value & mask) >> shift) * 255 + most / 2) / most);
}

/** Shown as defined: colours of the palette or the masks, within a unit for those of less than 8 bits, on white. */
static void check(const bmp *b)
{
    static const uint32_t usual[4] = {0xFF0000, 0xFF00, 0xFF, 0}, usual_15[4] = {0x7C00, 0x3E0, 0x1F, 0};
    const uint32_t *masks = b->compression == 3 ? b->masks : b->bits == 16 ? usual_15 : usual;
    uint8_t out[3 * PIXELS];
    cnn_error error = {0};
    make(b);
    const cnn_image_form form = {.shape = {HEIGHT, WIDTH, 3}};
    if (cnn_image_fit(picture.bytes, picture.size, "picture", form, out, &error) != CNN_OK) {
        fail_msg("header %u, %d bits: %s", b->header, b->bits, error.message);
    }
    for (int i = 0; i < 3 * PIXELS; i++) {
        const uint32_t value = values[i / 3], alpha_mask = b->bits == 32 && b->compression == 0 ? 0xFF000000 : masks[3];
        int expected = b->colours > 0 ? palette[value][2 - i % 3] : masked(value, masks[i % 3]);
        const int alpha = b->colours == 0 && alpha_mask != 0 && b->bits != 24 ? masked(value, alpha_mask) : 255;
        expected = (expected * alpha + 255 * (255 - alpha) + 127) / 255;
        if (abs(out[i] - expected) > (b->bits == 16)) {
            fail_msg("header %u, %d bits, compression %u: value %d is %d, not %d", b->header, b->bits, b->compression,
                     i, out[i], expected);
        }
    }
}

static void every_kind_of_bmp_is_shown_right(void **state)
{
    (void)state;
    static const uint32_t headers[] = {40, 108, 124};
    const uint32_t *const masks_16[] = {WORDS(0xF800, 0x7E0, 0x1F, 0), WORDS(0x7C00, 0x3E0, 0x1F, 0),
                                        WORDS(0xF, 0xF0, 0xF00, 0xF000)};
    const uint32_t *const masks_32[] = {WORDS(0xFF0000, 0xFF00, 0xFF, 0), WORDS(0xFF000000, 0xFF0000, 0xFF00, 0xFF),
                                        WORDS(0xFF, 0xFF00, 0xFF0000, 0xFF000000)};
    for (int from_top = 0; from_top < 2; from_top++) {
        for (int h = 0; h < 3; h++) {
            for (int colours = 1; colours <= 256; colours++) {
                for (int depth = 1; depth <= 8; depth += depth == 1 ? 3 : 4) {
                    if (colours <= 1 << depth) {
                        check(&(bmp){headers[h], depth, 0, colours, NULL, from_top, 0});
                    }
                }
            }
            check(&(bmp){headers[h], 16, 0, 0, NULL, from_top, 0});
            check(&(bmp){headers[h], 24, 0, 0, NULL, from_top, 0});
            check(&(bmp){headers[h], 32, 0, 0, NULL, from_top, 0});
            for (int m = 0; m < 3; m++) {
                if (headers[h] > 40 || masks_16[m][3] == 0) { /* the first header has no mask for alpha */
                    check(&(bmp){headers[h], 16, 3, 0, masks_16[m], from_top, 0});
                }
                if (headers[h] > 40 || masks_32[m][3] == 0) {
                    check(&(bmp){headers[h], 32, 3, 0, masks_32[m], from_top, 0});
                }
            }
        }
    }
    check(&(bmp){12, 24, 0, 0, NULL, false, 0});
    check(&(bmp){40, 8, 0, 3, NULL, false, 4 * 100}); /* a gap behind the palette */
}

/** 32 bits whose fourth byte is 0 everywhere have no alpha. */
static void a_fourth_byte_of_zeros_is_no_alpha(void **state)
{
    (void)state;
    uint8_t out[3 * PIXELS];
    make(&(bmp){40, 32, 0, 0, NULL, true, 0});
    for (size_t i = 54 + 3; i < picture.size; i += 4) {
        picture.bytes[i] = 0;
    }
    assert_int_equal(
        cnn_image_fit(picture.bytes, picture.size, "p", (cnn_image_form){.shape = {HEIGHT, WIDTH, 3}}, out, NULL),
        CNN_OK);
    for (int i = 0; i < 3 * PIXELS; i++) {
        assert_int_equal(out[i], picture.bytes[54 + i / 3 * 4 + 2 - i % 3]);
    }
}

static void refuse(const char *words)
{
    uint8_t out[3];
    cnn_error error = {0};
    unsigned char *exact = malloc(picture.size); /* so that a sanitizer sees reads past the end */
    memcpy(exact, picture.bytes, picture.size);
    assert_int_equal(cnn_image_fit(exact, picture.size, "picture", (cnn_image_form){.shape = {1, 1, 3}}, out, &error),
                     CNN_FORMAT);
    free(exact);
    if (strstr(error.message, words) == NULL || strncmp(error.message, "picture: ", 9) != 0) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
}

static void rare_kinds_are_refused(void **state)
{
    (void)state;
    const bmp rare[] = {
        {40, 2, 0, 4, NULL, false, 0},                                  /* as Windows CE had them */
        {40, 8, 1, 256, NULL, false, 0},                                /* run lengths */
        {40, 4, 2, 16, NULL, false, 0},                                 /* run lengths */
        {40, 24, 4, 0, NULL, false, 0},                                 /* a JPEG within */
        {40, 24, 5, 0, NULL, false, 0},                                 /* a PNG within */
        {40, 24, 3, 0, WORDS(0xFF0000, 0xFF00, 0xFF, 0), false, 0},     /* masks for what needs none */
        {40, 32, 3, 0, WORDS(0, 0, 0, 0), false, 0},                    /* no masks */
        {40, 32, 3, 0, WORDS(0xFFF00000, 0xFFC00, 0x3FF, 0), false, 0}, /* 12 and 10 bits a colour */
        {12, 8, 0, 256, NULL, false, -256},                             /* a palette of 3 bytes a colour */
        {12, 1, 0, 2, NULL, false, -2},
        {64, 24, 0, 0, NULL, false, 0},  /* of OS/2 */
        {40, 8, 0, 0, NULL, false, 0},   /* no palette */
        {40, 8, 0, 0, NULL, false, -8},  /* pixels within the header */
        {40, 1, 0, 0, NULL, false, -54}, /* pixels from the file's first byte on */
        {40, 8, 0, 256, NULL, false, 4}, /* a palette of 257 colours */
        {40, 24, 0, 0, NULL, false, 4},  /* a gap without a palette */
        {40, 0, 0, 0, NULL, false, 0},
        {40, 33, 0, 0, NULL, false, 0},
    };
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++) {
        make(&rare[i]);
        refuse("damaged or of a rare kind: convert it to PNG");
    }
}

/** Widths and heights that are none, too large, or more than the file's bytes. */
static void sizes_are_checked(void **state)
{
    (void)state;
    static const int64_t sizes[] = {0, 1, -1, 2, 32768, 32769, 65536, INT32_MAX, INT32_MIN, -32768, 0x55555556};
    static const int depths[] = {1, 4, 8, 16, 24, 32};
    for (int d = 0; d < 6; d++) {
        for (int w = 0; w < 11; w++) {
            for (int h = 0; h < 11; h++) {
                const bmp kind = {40, depths[d], 0, depths[d] < 16 ? 2 : 0, NULL, false, 0};
                make(&kind);
                const uint32_t size[2] = {(uint32_t)sizes[w], (uint32_t)sizes[h]};
                const uint32_t height = sizes[h] < 0 ? 0u - size[1] : size[1];
                for (int i = 0; i < 8; i++) {
                    picture.bytes[18 + i] = (unsigned char)(size[i / 4] >> 8 * (i % 4));
                }
                if (size[0] >= 1 && size[0] <= 2 && height >= 1 && height <= 2) {
                    continue;
                }
                refuse(size[0] == 0 || height == 0             ? "has no pixels"
                       : size[0] > 32768 || height > 32768     ? "pixels are too many, at most"
                       : (uint64_t)size[0] * height > 1u << 27 ? "pixels are too many, at most"
                                                               : "bytes cannot hold");
            }
        }
    }
}

static void cut_files_of_every_kind_are_refused(void **state)
{
    (void)state;
    static const uint32_t headers[] = {12, 40, 108, 124};
    for (int h = 0; h < 4; h++) {
        for (int depth = headers[h] == 12 ? 24 : 1; depth <= 32; depth += depth == 1 ? 3 : depth == 4 ? 4 : 8) {
            make(&(bmp){headers[h], depth, 0, depth < 16 ? 2 : 0, NULL, false, 0});
            while (--picture.size > 2) {
                refuse("cut short");
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_bmp_is_shown_right),
        cmocka_unit_test(a_fourth_byte_of_zeros_is_no_alpha),
        cmocka_unit_test(rare_kinds_are_refused),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(cut_files_of_every_kind_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

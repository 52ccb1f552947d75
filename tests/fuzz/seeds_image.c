/* Seeds of pictures: every kind of PNG, BMP and JPEG that is decoded, a few pixels of each. PNG data is stored, not
 * packed, so that changes of its bytes are changes of its rows. */
#include "seeds.h"
#include "unit/picture.h"

/** A picture behind the bytes that choose the output: choices, height - 1, width - 1. */
static void write_picture(const file *picture, unsigned char choices)
{
    static int number;
    const unsigned char form[3] = {choices, 11, 9};
    seeds_write("image", "made", number++, (const cnn_piece[]){{form, sizeof form}, {picture->bytes, picture->size}},
                2);
}

/** Bytes for pixels, which repeat themselves late. */
static const unsigned char *noise(void)
{
    static unsigned char bytes[4096];
    unsigned state = 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(state >> 24);
    }
    return bytes;
}

/** IDAT and IEND; each row begins with its filter. */
static void end_stored(file *out, int rows, size_t row_size)
{
    static unsigned char raw[1 << 14], packed[1 << 15];
    uLongf size = sizeof packed;
    for (int y = 0; y < rows; y++) {
        memcpy(raw + (size_t)y * (row_size + 1), noise() + y, row_size + 1);
        raw[(size_t)y * (row_size + 1)] = (unsigned char)(y % 5);
    }
    assert(compress2(packed, &size, raw, (size_t)rows * (row_size + 1), 0) == Z_OK);
    png_chunk(out, "IDAT", packed, size);
    png_chunk(out, "IEND", NULL, 0);
}

static void write_png(int depth, int type, int interlaced)
{
    static const int channels[] = {1, 0, 3, 1, 2, 0, 4};
    static file out;
    png_begin(&out, 7, 6, depth, type);
    out.bytes[28] = (unsigned char)interlaced;
    if (type == PNG_PALETTE) {
        png_chunk(&out, "PLTE", noise(), 3u << depth);
        png_chunk(&out, "tRNS", "\x80\xff\x00", depth > 1 ? 3 : 1);
    } else if (type == PNG_GREY || type == PNG_RGB) {
        png_chunk(&out, "tRNS", "\0\1\0\2\0\3", type == PNG_GREY ? 2 : 6);
    }
    const size_t row = (7u * (size_t)(depth * channels[type]) + 7) / 8;
    end_stored(&out, interlaced ? 15 : 6, row);
    write_picture(&out, type == PNG_RGB);
}

static void write_pngs(void)
{
    static const int types[] = {PNG_GREY, PNG_RGB, PNG_PALETTE, PNG_GREY_ALPHA, PNG_RGBA};
    for (int i = 0; i < 5; i++) {
        write_png(8, types[i], 0);
    }
    write_png(1, PNG_GREY, 0);
    write_png(2, PNG_PALETTE, 0);
    write_png(4, PNG_GREY, 1);
    write_png(16, PNG_RGBA, 0);
    write_png(16, PNG_GREY, 1);
    write_png(8, PNG_PALETTE, 1);
    static file packed;
    make_png(&packed, 10, 12, 1, noise());
    write_picture(&packed, 2);
    make_png(&packed, 300, 4, 1, noise());
    write_picture(&packed, 2);
}

/** Strokes of a pen, apart from each other, on a page with a speck. */
static void write_digit(void)
{
    enum { SIDE = 64 };
    static unsigned char page[SIDE][SIDE];
    static file out;
    memset(page, 230, sizeof page);
    for (int i = 0; i < 30; i++) {
        page[16][16 + i] = page[17][16 + i] = 20;
        page[22 + i][46 - i / 2] = page[22 + i][45 - i / 2] = 40;
    }
    page[5][5] = 0;
    make_png(&out, SIDE, SIDE, 1, page);
    write_picture(&out, 2);
}

/** A BMP of 5x4 pixels with a header of `header` bytes, a palette where it has few colours, and masks where it asks for
 * them. */
static void write_bmp(unsigned header, unsigned bits, unsigned compression)
{
    static file out;
    const size_t palette = bits <= 8 ? (header == 12 ? 3u : 4u) << bits : 0;
    const size_t masks = compression == 3 && header == 40 ? 12 : 0;
    out.size = 0;
    put(&out, "BM", 2);
    put_little(&out, 0, 8);
    put_little(&out, 14 + header + palette + masks, 4);
    put_little(&out, header, 4);
    put_little(&out, 5, header == 12 ? 2 : 4);
    put_little(&out, 4, header == 12 ? 2 : 4);
    put_little(&out, 1, 2);
    put_little(&out, bits, 2);
    if (header > 12) {
        put_little(&out, compression, 4);
        put_little(&out, 0, 4);
        put(&out, noise(), 16);
        for (int i = 0; i < 4 && header > 40; i++) {
            put_little(&out, 0xffu << 8 * i, 4);
        }
        put(&out, noise(), header > 56 ? header - 56 : 0);
    }
    put(&out, bits == 16 ? "\0\x7c\0\0\xe0\3\0\0\x1f\0\0\0" : "\0\0\xff\0\0\xff\0\0\xff\0\0\0", masks);
    put(&out, noise(), palette + 4 * ((5 * bits + 31) / 32) * 4);
    write_picture(&out, 1);
}

/** Another frame marker, further scans before the end. */
static void make_progressive(file *out)
{
    static const unsigned char values[] = {10, 200, 90, 140};
    make_jpeg(out, 2, 2, 1, values);
    for (size_t at = 0; at + 1 < out->size; at++) {
        if (out->bytes[at] == 0xff && out->bytes[at + 1] == 0xc0) {
            out->bytes[at + 1] = 0xc2;
        } else if (out->bytes[at] == 0xff && out->bytes[at + 1] == 0xda) {
            out->bytes[at + 8] = 0; /* the last coefficient of the scan */
        }
    }
    static const unsigned char scans[] = "\xff\xda\0\x08\1\1\0\1\5\2\x08\xff\xda\0\x08\1\1\0\6\x3f\0\x0f"
                                         "\xff\xda\0\x08\1\1\0\1\5\x21\x0f\xff\xda\0\x08\1\1\0\0\0\x10\xff";
    out->size -= 2;
    put(out, scans, sizeof scans - 1);
    put(out, "\xff\xd9", 2);
}

/** The factors of the first component, in the frame header of 3 components that lies behind the quantization table. */
static void sample_twice(file *jpeg, unsigned char factors)
{
    jpeg->bytes[2 + 2 + 67 + 2 + 2 + 6 + 1 - 2] = factors;
}

static void write_jpegs(void)
{
    static file out;
    make_bmp(&out, 3, -3, noise());
    write_picture(&out, 1);
    make_jpeg(&out, 2, 1, 1, noise());
    write_picture(&out, 0);
    make_jpeg(&out, 3, 2, 1, noise());
    add_orientation(&out, 6, 1);
    write_picture(&out, 2);
    make_jpeg(&out, 2, 2, 3, noise());
    add_orientation(&out, 3, 0);
    write_picture(&out, 1);
    make_jpeg(&out, 4, 4, 3, noise());
    sample_twice(&out, 0x22);
    write_picture(&out, 1);
    make_progressive(&out);
    write_picture(&out, 0);
}

void seeds_images(void)
{
    static const unsigned bmps[][3] = {{40, 24, 0}, {12, 8, 0},  {40, 1, 0},   {40, 4, 0},
                                       {40, 32, 0}, {40, 16, 3}, {108, 32, 3}, {124, 16, 3}};
    write_pngs();
    write_digit();
    for (size_t i = 0; i < sizeof bmps / sizeof bmps[0]; i++) {
        write_bmp(bmps[i][0], bmps[i][1], bmps[i][2]);
    }
    write_jpegs();
}

/* Picture files built in memory for the tests: PNG of any kind, BMP, and JPEG of flat blocks. */
#ifndef CNN_TESTS_UNIT_PICTURE_H
#define CNN_TESTS_UNIT_PICTURE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

/** A file in memory. */
typedef struct file {
    unsigned char bytes[1 << 16];
    size_t size;
} file;

static void put(file *out, const void *bytes, size_t size)
{
    assert(size <= sizeof out->bytes - out->size);
    if (size > 0) {
        memcpy(out->bytes + out->size, bytes, size);
    }
    out->size += size;
}

/** `width` bytes of `value`, first the highest or first the lowest. */
static void put_big(file *out, unsigned long value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        const unsigned char byte = (unsigned char)(value >> 8 * i);
        put(out, &byte, 1);
    }
}

static void put_little(file *out, unsigned long value, int width)
{
    for (int i = 0; i < width; i++) {
        const unsigned char byte = (unsigned char)(value >> 8 * i);
        put(out, &byte, 1);
    }
}

static void png_chunk(file *out, const char *type, const void *content, size_t size)
{
    put_big(out, size, 4);
    const size_t start = out->size;
    put(out, type, 4);
    put(out, content, size);
    put_big(out, crc32(0, out->bytes + start, (uInt)(4 + size)), 4);
}

/* PNG colour types. */
enum { PNG_GREY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GREY_ALPHA = 4, PNG_RGBA = 6 };

static void png_begin(file *out, int width, int height, int depth, int type)
{
    file header = {.size = 0};
    put_big(&header, (unsigned long)width, 4);
    put_big(&header, (unsigned long)height, 4);
    put_big(&header, (unsigned long)depth, 1);
    put_big(&header, (unsigned long)type, 1);
    put_big(&header, 0, 3);
    out->size = 0;
    put(out, "\x89PNG\r\n\x1A\n", 8);
    png_chunk(out, "IHDR", header.bytes, header.size);
}

/** Ends the file with `height` rows of `row_size` bytes. */
static void png_end(file *out, const void *pixels, int height, size_t row_size)
{
    static unsigned char raw[1 << 17], packed[1 << 17];
    uLongf size = sizeof packed;
    size_t at = 0;
    assert((size_t)height * (row_size + 1) <= sizeof raw);
    for (int y = 0; y < height; y++) {
        raw[at++] = 0;
        memcpy(raw + at, (const unsigned char *)pixels + (size_t)y * row_size, row_size);
        at += row_size;
    }
    if (compress2(packed, &size, raw, at, 9) != Z_OK) {
        abort();
    }
    png_chunk(out, "IDAT", packed, size);
    png_chunk(out, "IEND", NULL, 0);
}

/** A whole PNG of 8 bits: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
static void make_png(file *out, int width, int height, int channels, const void *pixels)
{
    static const int types[] = {0, PNG_GREY, PNG_GREY_ALPHA, PNG_RGB, PNG_RGBA};
    png_begin(out, width, height, 8, types[channels]);
    png_end(out, pixels, height, (size_t)width * (size_t)channels);
}

/** A BMP of 24 bits; a negative height stores the rows from top to bottom. `pixels` are RGB, the top row first. */
static void make_bmp(file *out, int width, int height, const unsigned char *pixels)
{
    const int rows = abs(height), padding = (4 - 3 * width % 4) % 4;
    out->size = 0;
    put(out, "BM", 2);
    put_little(out, 54ul + (unsigned long)(rows * (3 * width + padding)), 4);
    put_little(out, 0, 4);
    put_little(out, 54, 4);
    put_little(out, 40, 4);
    put_little(out, (unsigned long)width, 4);
    put_little(out, (unsigned long)height, 4);
    put_little(out, 1, 2);
    put_little(out, 24, 2);
    for (int i = 0; i < 6; i++) {
        put_little(out, 0, 4);
    }
    for (int y = 0; y < rows; y++) {
        const unsigned char *row = pixels + 3 * width * (height < 0 ? y : rows - 1 - y);
        for (int x = 0; x < width; x++) {
            const unsigned char bgr[3] = {row[3 * x + 2], row[3 * x + 1], row[3 * x]};
            put(out, bgr, 3);
        }
        put(out, "\0\0\0", (size_t)padding);
    }
}

/* Bits on their way into a JPEG's scan. */
typedef struct bits {
    file *out;
    unsigned value, count;
} bits;

static void put_bits(bits *to, unsigned value, unsigned count)
{
    while (count-- > 0) {
        to->value = to->value << 1 | (value >> count & 1);
        if (++to->count == 8) {
            put_big(to->out, to->value & 0xFF, 1);
            if ((to->value & 0xFF) == 0xFF) {
                put_big(to->out, 0, 1);
            }
            to->count = 0;
        }
    }
}

/** One flat block: the change of its mean in a code of 4 bits for the number's length, the number, the end of block. */
static void put_block(bits *to, int change)
{
    const unsigned size = (unsigned)abs(change);
    unsigned length = 0;
    while (size >> length) {
        length++;
    }
    put_bits(to, length, 4);
    put_bits(to, change < 0 ? ~size : size, length);
    put_bits(to, 0, 1);
}

/** A segment's marker and length. */
static void put_segment(file *out, unsigned marker, size_t size)
{
    put_big(out, 0xFF00 | marker, 2);
    put_big(out, 2 + size, 2);
}

static void put_jpeg_header(file *out, int columns, int rows, int channels)
{
    out->size = 0;
    put(out, "\xFF\xD8", 2);
    put_segment(out, 0xDB, 65); /* all divisors 8: a block's first number is its mean less 128 */
    put_big(out, 0, 1);
    for (int i = 0; i < 64; i++) {
        put_big(out, 8, 1);
    }
    put_segment(out, 0xC0, 6 + 3 * (size_t)channels);
    put_big(out, 8, 1);
    put_big(out, 8ul * (unsigned long)rows, 2);
    put_big(out, 8ul * (unsigned long)columns, 2);
    put_big(out, (unsigned long)channels, 1);
    for (int c = 0; c < channels; c++) {
        put_big(out, (unsigned long)(c + 1) << 16 | 0x1100, 3);
    }
    put_segment(out, 0xC4, 17 + 12); /* twelve codes of 4 bits for the lengths 0 to 11 */
    put(out, "\x00\0\0\0\x0C\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    put(out, "\0\1\2\3\4\5\6\7\10\11\12\13", 12);
    put_segment(out, 0xC4, 17 + 1); /* one code of 1 bit for the end of a block */
    put(out, "\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
}

/** A JPEG of flat 8x8 blocks: `values` [rows][columns][channels], channels 1 (grey), 3 (YCbCr) or 4. */
static void make_jpeg(file *out, int columns, int rows, int channels, const unsigned char *values)
{
    put_jpeg_header(out, columns, rows, channels);
    put_segment(out, 0xDA, 4 + 2 * (size_t)channels);
    put_big(out, (unsigned long)channels, 1);
    for (int c = 0; c < channels; c++) {
        put_big(out, (unsigned long)(c + 1) << 8, 2);
    }
    put(out, "\0\x3F\0", 3);
    bits scan = {.out = out};
    int last[4] = {128, 128, 128, 128};
    for (int i = 0; i < rows * columns * channels; i++) {
        put_block(&scan, values[i] - last[i % channels]);
        last[i % channels] = values[i];
    }
    put_bits(&scan, 0x7F, (8 - scan.count) % 8);
    put(out, "\xFF\xD9", 2);
}

/** Puts an Exif segment with this orientation behind the JPEG's first marker. */
static void add_orientation(file *jpeg, int orientation, int big_endian)
{
    static file whole;
    void (*const number)(file *, unsigned long, int) = big_endian ? put_big : put_little;
    whole.size = 0;
    put(&whole, "\xFF\xD8\xFF\xE1", 4);
    put_big(&whole, 2 + 6 + 8 + 2 + 2 * 12 + 4, 2);
    put(&whole, "Exif\0", 6);
    put(&whole, big_endian ? "MM" : "II", 2);
    number(&whole, 42, 2);
    number(&whole, 8, 4);
    number(&whole, 2, 2);      /* two entries */
    number(&whole, 0x0100, 2); /* image width, a long */
    number(&whole, 4, 2);
    number(&whole, 1, 4);
    number(&whole, 6, 4);
    number(&whole, 0x0112, 2); /* orientation, a short */
    number(&whole, 3, 2);
    number(&whole, 1, 4);
    number(&whole, (unsigned long)orientation, 2);
    number(&whole, 0, 2);
    number(&whole, 0, 4); /* no further directory */
    put(&whole, jpeg->bytes + 2, jpeg->size - 2);
    *jpeg = whole;
}

#endif

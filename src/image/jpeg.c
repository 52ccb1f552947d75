/* JPEG segments (ITU-T T.81, annex B), walked in the way of stb_image 2.27, so that both see the same tables: what is
 * neither a marker nor a segment is passed over byte by byte. That version trusts three things that later ones check
 * (github.com/nothings/stb, issues 1108, 1178, 1289): that a Huffman table has at most 256 codes, that the symbols of a
 * DC table are at most 15, and that the sampling factors divide the largest. Nothing well-formed is lost but pictures
 * with fractional sampling ratios, which it decodes wrongly. */
#include "image/jpeg.h"

#include "image/exif.h"

#include <string.h>

enum {
    MARKER_SOF0 = 0xC0,
    MARKER_SOF2 = 0xC2,
    MARKER_DHT = 0xC4,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_APP1 = 0xE1
};

/** The whole file. */
typedef struct jpeg {
    const unsigned char *bytes;
    size_t size;
} jpeg;

/** Beyond the end there are zeros, as stb_image reads them. */
static unsigned byte_at(jpeg file, size_t at)
{
    return at < file.size ? file.bytes[at] : 0;
}

/** Whether the tables of a DHT segment, whose content is [at, end), fit. */
static bool are_huffman_tables_sound(jpeg file, size_t at, size_t end)
{
    while (at < end) {
        const bool is_dc = byte_at(file, at) >> 4 == 0;
        unsigned codes = 0;
        for (size_t i = 1; i <= 16; i++) {
            codes += byte_at(file, at + i);
        }
        if (codes > 256) {
            return false;
        }
        at += 17;
        for (size_t i = 0; is_dc && i < codes; i++) {
            if (byte_at(file, at + i) > 15) {
                return false;
            }
        }
        at += codes;
    }
    return true;
}

/** Whether the sampling factors of a frame header, whose content begins at `at`, divide the largest. */
static bool is_sampling_sound(jpeg file, size_t at)
{
    const unsigned components = byte_at(file, at + 5);
    unsigned across = 1, down = 1;
    for (unsigned i = 0; i < components; i++) {
        const unsigned factors = byte_at(file, at + 7 + 3 * i);
        across = factors >> 4 > across ? factors >> 4 : across;
        down = (factors & 15) > down ? factors & 15 : down;
    }
    for (unsigned i = 0; i < components; i++) {
        const unsigned factors = byte_at(file, at + 7 + 3 * i);
        if (factors >> 4 == 0 || (factors & 15) == 0 || across % (factors >> 4) != 0 || down % (factors & 15) != 0) {
            return false;
        }
    }
    return true;
}

/** The place behind the next marker, at most the file's size. Zeros after 0xFF and restart markers belong to the data
 * of a scan. */
static size_t find_marker(jpeg file, size_t at)
{
    while (at < file.size) {
        const unsigned char *const found = memchr(file.bytes + at, 0xFF, file.size - at);
        if (found == NULL) {
            return file.size;
        }
        at = (size_t)(found - file.bytes);
        while (byte_at(file, at) == 0xFF) {
            at++;
        }
        const unsigned marker = byte_at(file, at++);
        if (marker > 1 && (marker < MARKER_RST0 || marker > MARKER_SOI)) {
            return at;
        }
    }
    return file.size;
}

bool cnn_jpeg_inspect(const unsigned char *bytes, size_t size, int *orientation)
{
    static const char exif[6] = "Exif\0";
    const jpeg file = {bytes, size};
    size_t at = 2;
    int found = 0;
    if (byte_at(file, 0) != 0xFF || byte_at(file, 1) != MARKER_SOI) {
        at = size;
    }
    while ((at = find_marker(file, at)) < size && bytes[at - 1] != MARKER_EOI) {
        const unsigned marker = bytes[at - 1];
        const size_t length = byte_at(file, at) << 8 | byte_at(file, at + 1);
        const size_t content = at + 2, end = at + length;
        if ((marker == MARKER_DHT && !are_huffman_tables_sound(file, content, end)) ||
            (marker >= MARKER_SOF0 && marker <= MARKER_SOF2 && !is_sampling_sound(file, content))) {
            return false;
        }
        if (marker == MARKER_APP1 && found == 0 && end <= size && length >= 2 + sizeof exif &&
            memcmp(bytes + content, exif, sizeof exif) == 0) {
            found = cnn_exif_orientation(bytes + content + sizeof exif, length - 2 - sizeof exif);
        }
        at = length < 2 ? content : end;
    }
    *orientation = found == 0 ? 1 : found;
    return true;
}

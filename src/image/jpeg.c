/* JPEG segments (ITU-T T.81, annex B), walked in the way of stb_image 2.27, so that both see the same tables: what is
 * neither a marker nor a segment is passed over byte by byte. That version trusts three things that later ones check
 * (github.com/nothings/stb, issues 1108, 1178, 1289): that a Huffman table has at most 256 codes, that the symbols of a
 * DC table are at most 15, and that the sampling factors divide the largest. Nothing well-formed is lost but pictures
 * with fractional sampling ratios, which it decodes wrongly, and pictures of four colours without Adobe's segment, of
 * which it takes three. */
#include "image/exif.h"
#include "image/look.h"

#include <string.h>

/** One bit for the mean of 8x8 pixels. */
#define PIXELS_PER_BYTE 512u

enum {
    MARKER_SOF0 = 0xC0,
    MARKER_SOF2 = 0xC2,
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_DAC = 0xCC,
    MARKER_SOF15 = 0xCF,
    MARKER_RST0 = 0xD0,
    MARKER_SOI = 0xD8,
    MARKER_EOI = 0xD9,
    MARKER_APP1 = 0xE1,
    MARKER_APP14 = 0xEE
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
        const unsigned factors = byte_at(file, at + 7 + (size_t)3 * i);
        across = factors >> 4 > across ? factors >> 4 : across;
        down = (factors & 15) > down ? factors & 15 : down;
    }
    for (unsigned i = 0; i < components; i++) {
        const unsigned factors = byte_at(file, at + 7 + (size_t)3 * i);
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

/** What the walk has found so far. */
typedef struct found {
    unsigned components; /* of the frame; 0: no frame yet */
    int adobe;           /* the colour transform that Adobe's segment names; -1: none */
    bool has_exif;
    bool is_refused;
} found;

static void read_frame(jpeg file, unsigned marker, size_t content, found *all, cnn_look *look)
{
    all->is_refused = all->is_refused || marker > MARKER_SOF2 || !is_sampling_sound(file, content);
    if (all->components == 0) {
        look->height = byte_at(file, content + 1) << 8 | byte_at(file, content + 2);
        look->width = byte_at(file, content + 3) << 8 | byte_at(file, content + 4);
        all->components = byte_at(file, content + 5);
    }
}

/** A segment that lies wholly within the file: whether it begins with `tag`, and is longer than that by `more`. */
static bool is_tagged(jpeg file, size_t content, size_t end, const char *tag, size_t tag_size, size_t more)
{
    return end <= file.size && content + tag_size + more <= end && memcmp(file.bytes + content, tag, tag_size) == 0;
}

/** Looks at the segment behind `marker`, whose content is [content, end). */
static void read_segment(jpeg file, unsigned marker, size_t content, size_t end, found *all, cnn_look *look)
{
    static const char exif[6] = "Exif\0", adobe[6] = "Adobe";
    if (marker == MARKER_DHT) {
        all->is_refused = all->is_refused || !are_huffman_tables_sound(file, content, end);
    } else if (marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_JPG && marker != MARKER_DAC) {
        read_frame(file, marker, content, all, look);
    } else if (marker == MARKER_APP14 && is_tagged(file, content, end, adobe, sizeof adobe, 6)) {
        all->adobe = file.bytes[content + 11];
    } else if (marker == MARKER_APP1 && !all->has_exif && is_tagged(file, content, end, exif, sizeof exif, 0)) {
        look->orientation = cnn_exif_orientation(file.bytes + content + sizeof exif, end - content - sizeof exif);
        all->has_exif = true;
    }
}

cnn_status cnn_jpeg_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error)
{
    const jpeg file = {bytes, size};
    found all = {.adobe = -1};
    size_t at = 2;
    *look = (cnn_look){.most_pixels = (uint64_t)size * PIXELS_PER_BYTE, .orientation = 1};
    while ((at = find_marker(file, at)) < size && bytes[at - 1] != MARKER_EOI) {
        const size_t length = byte_at(file, at) << 8 | byte_at(file, at + 1);
        read_segment(file, bytes[at - 1], at + 2, at + length, &all, look);
        at += length < 2 ? 2 : length;
    }
    if (all.components == 0 && !all.is_refused) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is damaged or cut short: its size is not there", name);
    }
    const bool is_cmyk = all.adobe == 0 || all.adobe == 2;
    return all.is_refused || (all.components == 4 && !is_cmyk) ? cnn_look_fail(name, error) : CNN_OK;
}

/* PNG chunks (W3C, Portable Network Graphics, 5 and 11). stb_image leaves their checksums out, so that damaged pixels
 * would pass for a picture, and takes Apple's variant, which begins with CgBI, for one whose colours are in order. */
#include "base/bytes.h"
#include "image/exif.h"
#include "image/look.h"

#include <string.h>
#include <zlib.h>

#define SIGNATURE_SIZE 8
#define HEADER_SIZE 13
/** Deflate packs at most 258 bytes into 2 bits. */
#define MOST_PACKED 1032

typedef struct chunk {
    char type[5];
    const unsigned char *content;
    uint32_t size;
} chunk;

/** The next chunk, whose checksum is right. */
static cnn_status read_chunk(cnn_reader *file, const char *name, chunk *next, cnn_error *error)
{
    next->size = cnn_read_u32_big(file);
    const unsigned char *const type = cnn_read_span(file, 4);
    next->content = cnn_read_span(file, next->size);
    const uint32_t checksum = cnn_read_u32_big(file);
    if (file->failed) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is cut short: the file ends after %zu bytes", name,
                        file->size);
    }
    memcpy(next->type, type, 4);
    next->type[4] = '\0';
    if (crc32_z(0, type, 4 + (size_t)next->size) != checksum) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is damaged: the checksum of its chunk %s does not match",
                        name, next->type);
    }
    return CNN_OK;
}

/** The bits of a pixel; 0 where the header is none. */
static unsigned read_header(const chunk *header, cnn_look *look)
{
    static const unsigned char channels[] = {1, 0, 3, 1, 2, 0, 4};
    cnn_reader content = {.bytes = header->content, .size = header->size};
    if (strcmp(header->type, "IHDR") != 0 || header->size != HEADER_SIZE) {
        return 0;
    }
    look->width = cnn_read_u32_big(&content);
    look->height = cnn_read_u32_big(&content);
    const unsigned depth = header->content[8], type = header->content[9];
    return type < sizeof channels ? depth * channels[type] : 0;
}

cnn_status cnn_png_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error)
{
    cnn_reader file = {.bytes = bytes, .size = size, .at = SIGNATURE_SIZE};
    chunk next;
    cnn_status status = read_chunk(&file, name, &next, error);
    if (status != CNN_OK) {
        return status;
    }
    *look = (cnn_look){.orientation = 1};
    const unsigned bits = read_header(&next, look);
    if (bits == 0) {
        return cnn_look_fail(name, error);
    }
    uint64_t packed = 0;
    while (strcmp(next.type, "IEND") != 0) {
        status = read_chunk(&file, name, &next, error);
        if (status != CNN_OK) {
            return status;
        }
        if (strcmp(next.type, "IDAT") == 0) {
            packed += next.size;
        } else if (strcmp(next.type, "eXIf") == 0) {
            look->orientation = cnn_exif_orientation(next.content, next.size);
        }
    }
    look->most_pixels = packed * MOST_PACKED * 8 / bits;
    return CNN_OK;
}

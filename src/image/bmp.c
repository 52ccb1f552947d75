/* A BMP's headers (Microsoft, "Bitmap Storage"): whether all rows are there, and kinds that stb_image 2.27 reads
 * wrongly. It miscounts the palette after the header of 12 bytes, and with one that is missing, or of less than no
 * bytes, it takes for colours what happens to be in memory. */
#include "base/bytes.h"
#include "image/look.h"

enum { FILE_HEADER = 14, OLD_HEADER = 12, NO_COMPRESSION = 0, BIT_FIELDS = 3 };

static bool is_one_of(uint32_t value, const uint32_t *values)
{
    while (*values != 0 && *values != value) {
        values++;
    }
    return *values != 0;
}

/** Bytes from `from` to `to` of the file as a number; 0 beyond its end. */
static uint32_t field(const unsigned char *bytes, size_t size, size_t from, size_t to)
{
    return cnn_number_at((cnn_byte_span){bytes, size, false}, from, to - from);
}

cnn_status cnn_bmp_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error)
{
    static const uint32_t headers[] = {OLD_HEADER, 40, 56, 108, 124, 0}, depths[] = {1, 4, 8, 16, 24, 32, 0};
    const uint32_t offset = field(bytes, size, 10, 14), header = field(bytes, size, 14, 18);
    const bool is_old = header == OLD_HEADER;
    const uint32_t width = is_old ? field(bytes, size, 18, 20) : field(bytes, size, 18, 22);
    const uint32_t height = is_old ? field(bytes, size, 20, 22) : field(bytes, size, 22, 26);
    const uint32_t bits = is_old ? field(bytes, size, 24, 26) : field(bytes, size, 28, 30);
    const uint32_t compression = is_old ? NO_COMPRESSION : field(bytes, size, 30, 34);
    if (size < FILE_HEADER + (size_t)OLD_HEADER ||
        (is_one_of(header, headers) && size < FILE_HEADER + (size_t)header)) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is cut short: the file ends after %zu bytes", name, size);
    }
    const bool has_palette = bits < 16;
    if (!is_one_of(header, headers) || !is_one_of(bits, depths) || offset < FILE_HEADER + header ||
        (compression != NO_COMPRESSION && compression != BIT_FIELDS) ||
        (has_palette && (is_old || offset - FILE_HEADER - header < 4))) {
        return cnn_look_fail(name, error);
    }
    const bool from_top = !is_old && height >> 31 != 0; /* a negative height */
    *look = (cnn_look){.width = width, .height = from_top ? 0u - height : height, .orientation = 1};
    const uint64_t row = ((uint64_t)width * bits + 31) / 32 * 4;
    const bool is_whole = offset <= size && (row == 0 || (size - offset) / row >= look->height);
    look->most_pixels = is_whole ? UINT64_MAX : 0;
    return CNN_OK;
}

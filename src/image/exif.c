/* EXIF orientation: a TIFF header, and in its first directory the tag 0x0112 (CIPA DC-008, "Exif 2.32", 4.5 and 4.6.4).
 * Every read is bounded; what does not fit means no orientation. */
#include "image/exif.h"

#define ORIENTATION_TAG 0x0112
#define SHORT_TYPE 3
#define ENTRY_SIZE 12

/** A span of bytes whose numbers are of one byte order. */
typedef struct span {
    const unsigned char *bytes;
    size_t size;
    bool big_endian;
} span;

/** The unsigned number of `width` bytes at `at`; 0 outside the span. */
static uint32_t number_at(span from, size_t at, size_t width)
{
    uint32_t value = 0;
    if (at > from.size || from.size - at < width) {
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        const size_t byte = from.big_endian ? i : width - 1 - i;
        value = value << 8 | from.bytes[at + byte];
    }
    return value;
}

int cnn_exif_orientation(const unsigned char *exif, size_t size)
{
    span tiff = {exif, size, true};
    tiff.big_endian = number_at(tiff, 0, 2) == 0x4D4D; /* "MM", else "II" */
    if (number_at(tiff, 2, 2) != 42) {
        return 1;
    }
    const size_t directory = number_at(tiff, 4, 4);
    const size_t count = number_at(tiff, directory, 2);
    for (size_t i = 0; i < count; i++) {
        const size_t entry = directory + 2 + ENTRY_SIZE * i;
        if (number_at(tiff, entry, 2) != ORIENTATION_TAG || number_at(tiff, entry + 2, 2) != SHORT_TYPE) {
            continue;
        }
        const uint32_t value = number_at(tiff, entry + 8, 2);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

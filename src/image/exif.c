/* EXIF orientation: a TIFF header, and in its first directory the tag 0x0112 (CIPA DC-008, "Exif 2.32", 4.5 and 4.6.4).
 * Every read is bounded; what does not fit means no orientation. */
#include "image/exif.h"

#include "base/bytes.h"

#define ORIENTATION_TAG 0x0112
#define SHORT_TYPE 3
#define ENTRY_SIZE 12

int cnn_exif_orientation(const unsigned char *exif, size_t size)
{
    cnn_byte_span tiff = {exif, size, true};
    tiff.is_big_endian = cnn_number_at(tiff, 0, 2) == 0x4D4D; /* "MM", else "II" */
    if (cnn_number_at(tiff, 2, 2) != 42) {
        return 1;
    }
    const size_t directory = cnn_number_at(tiff, 4, 4);
    const size_t count = cnn_number_at(tiff, directory, 2);
    for (size_t i = 0; i < count; i++) {
        const size_t entry = directory + 2 + ENTRY_SIZE * i;
        if (cnn_number_at(tiff, entry, 2) != ORIENTATION_TAG || cnn_number_at(tiff, entry + 2, 2) != SHORT_TYPE) {
            continue;
        }
        const uint32_t value = cnn_number_at(tiff, entry + 8, 2);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Pictures: decoding (stb_image, restricted to JPEG, PNG and BMP) and fitting to a network's input
 * (stb_image_resize). */
#ifndef CNN_IMAGE_IMAGE_H
#define CNN_IMAGE_IMAGE_H

#include "base/status.h"

/** The largest side and pixel count that are decoded; larger pictures are refused before any allocation. */
#define CNN_IMAGE_SIDE 32768
#define CNN_IMAGE_PIXELS (128u * 1024 * 1024)
/** The largest picture file that is read. */
#define CNN_IMAGE_FILE_SIZE ((size_t)256 * 1024 * 1024)

/** Decodes a picture, scales it so that it covers `shape`, keeps its centre, and converts it to shape.channels (grey by
 * Rec. 601 luma; transparent parts on white) into out[height][width][channels]. `name` stands in messages. */
cnn_status cnn_image_fit(const unsigned char *bytes, size_t size, const char *name, cnn_shape shape, uint8_t *out,
                         cnn_error *error);

/** The same from a file. */
cnn_status cnn_image_fit_file(const char *path, cnn_shape shape, uint8_t *out, cnn_error *error);

/** Whether a file's name ends like a picture's (.jpg .jpeg .png .bmp, any case). */
bool cnn_image_has_suffix(const char *path);

#endif

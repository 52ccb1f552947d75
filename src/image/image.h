/* Pictures: decoding (stb_image, restricted to JPEG, PNG and BMP) and fitting to a network's input
 * (stb_image_resize). */
#ifndef CNN_IMAGE_IMAGE_H
#define CNN_IMAGE_IMAGE_H

#include "base/status.h"

/** The largest side and pixel count that are decoded; larger pictures are refused before any allocation. */
#define CNN_IMAGE_SIDE 32768
#define CNN_IMAGE_PIXELS (1u << 27)
/** The largest picture file that is read. */
#define CNN_IMAGE_FILE_SIZE ((size_t)256 * 1024 * 1024)

/** What a picture becomes. */
typedef struct cnn_image_form {
    cnn_shape shape;
    cnn_fit fit; /* CNN_FIT_DIGIT: of one channel */
} cnn_image_form;

/** Decodes a picture, converts it to form.shape.channels (grey by Rec. 601 luma; transparent parts on white), and
 * brings it to the form's size in out[height][width][channels]: scaled so that it covers the size, its centre kept; or,
 * where one is asked for and found, the digit in it as cnn_digit_fit() places it. `name` stands in messages. */
cnn_status cnn_image_fit(const unsigned char *bytes, size_t size, const char *name, cnn_image_form form, uint8_t *out,
                         cnn_error *error);

/** The same from a file. */
cnn_status cnn_image_fit_file(const char *path, cnn_image_form form, uint8_t *out, cnn_error *error);

/** Whether a file's name ends like a picture's (.jpg .jpeg .png .bmp, any case). */
bool cnn_image_has_suffix(const char *path);

#endif

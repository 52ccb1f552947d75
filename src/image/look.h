/* A look at a picture file before it is decoded: one function a format, each of which reads headers alone and refuses
 * what stb_image would take for something else. Nothing is allocated. */
#ifndef CNN_IMAGE_LOOK_H
#define CNN_IMAGE_LOOK_H

#include "base/status.h"

typedef struct cnn_look {
    uint32_t width, height;
    uint64_t most_pixels; /* that a file of this size and kind can hold */
    int orientation;      /* EXIF, 1 to 8: 1, as stored, where the file says none */
} cnn_look;

/** A file that begins like one of the format. `name` stands in messages. */
cnn_status cnn_jpeg_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error);
cnn_status cnn_png_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error);
cnn_status cnn_bmp_look(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error);

/** CNN_FORMAT: the picture is damaged or of a rare kind. */
cnn_status cnn_look_fail(const char *name, cnn_error *error);

#endif

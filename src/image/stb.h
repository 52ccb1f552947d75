/* The door to stb_image and stb_image_resize: no other file includes them. */
#ifndef CNN_IMAGE_STB_H
#define CNN_IMAGE_STB_H

#include "base/status.h"

/** Pixels [height][width][channels], rows `stride` bytes apart. */
typedef struct cnn_picture {
    uint8_t *pixels;
    int width, height;
    int channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
    int stride;
} cnn_picture;

/** Decodes into 8 bits a channel, as many channels as the file has. On entry `picture` has
 * the size that the file's header says (image/look.h); then picture->pixels is to be freed with cnn_free(). */
cnn_status cnn_stb_decode(const unsigned char *bytes, size_t size, const char *name, cnn_picture *picture,
                          cnn_error *error);

/** Resizes `in` to the size of `out`, of as many channels: triangle filter, as wide as the reduction asks for, so that
 * nothing aliases. */
cnn_status cnn_stb_resize(const cnn_picture *in, const cnn_picture *out, cnn_error *error);

#endif

/* Random changes of one image: flip, rotation, scale and shift, then brightness and contrast, then cutout. And a chosen
 * flip and shift, for looking at an image from several sides. */
#ifndef CNN_DATA_AUGMENT_H
#define CNN_DATA_AUGMENT_H

#include "base/random.h"
#include "base/status.h"

/** What may be done; all zero changes nothing. */
typedef struct cnn_augmentation {
    int shift;         /* up to so many pixels each way */
    bool reflect;      /* pixels from outside: mirrored at the border (edge not repeated), else zero */
    bool flip;         /* mirror left-right with probability 1/2 */
    double rotate;     /* up to so many degrees each way, bilinear */
    double scale;      /* size times 1 - scale .. 1 + scale, bilinear */
    int cutout;        /* side of a square set to zero, its centre anywhere in the image; 0: none */
    double brightness; /* plus up to this share of the range each way */
    double contrast;   /* around the image's mean, times 1 - contrast .. 1 + contrast */
} cnn_augmentation;

/** `in` and `out` [h][w][c] do not overlap. Shift and flip alone move pixels unchanged. */
void cnn_augment(const cnn_augmentation *augmentation, cnn_shape shape, cnn_random random, const uint8_t *in,
                 uint8_t *out);

/** A change that is chosen, not drawn: a mirroring left-right first, then a shift to the right and down, in pixels. */
typedef struct cnn_move {
    bool flip;
    int across, down;
} cnn_move;

/** Moves the pixels of `in` into `out`, as cnn_augment(); those from outside are mirrored at the border. */
void cnn_move_pixels(const cnn_move *move, cnn_shape shape, const uint8_t *in, uint8_t *out);

#endif

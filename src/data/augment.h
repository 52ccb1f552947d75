/* Random changes of one image: flip, shear, rotation, scale, shift and elastic distortion; brightness and contrast;
 * cutout and erasing. And a chosen flip and shift, for looking at an image from several sides. */
#ifndef CNN_DATA_AUGMENT_H
#define CNN_DATA_AUGMENT_H

#include "data/elastic.h"

/** What may be done; all zero changes nothing. */
typedef struct cnn_augmentation {
    int shift;           /* up to so many pixels each way */
    bool reflect;        /* pixels from outside: mirrored at the border (edge not repeated), else zero */
    bool flip;           /* mirror left-right with probability 1/2 */
    double rotate;       /* up to so many degrees each way, bilinear */
    double scale;        /* size times 1 - scale .. 1 + scale, bilinear */
    int cutout;          /* side of a square set to zero, its centre anywhere in the image; 0: none */
    double brightness;   /* plus up to this share of the range each way */
    double contrast;     /* around the image's mean, times 1 - contrast .. 1 + contrast */
    bool alternate;      /* of flip: drawn for the first epoch alone, then in turns */
    double shear;        /* it leans sideways by up to so many degrees, bilinear */
    double erase;        /* probability that a random rectangle becomes noise */
    cnn_elastic elastic; /* each pixel moves, bilinear; alpha 0: none */
} cnn_augmentation;

/** Which image is shown, and when: all that is drawn follows from it. */
typedef struct cnn_showing {
    uint64_t seed;
    int epoch, index; /* index in the data set */
} cnn_showing;

/** The numbers of room that cnn_augment() needs for an image, perhaps none. */
size_t cnn_augment_room(const cnn_augmentation *augmentation, cnn_shape shape);

/** `in` and `out` [h][w][c] do not overlap. Shift and flip alone move pixels unchanged. `room`, of the size above, has
 * undefined contents before and after. */
void cnn_augment(const cnn_augmentation *augmentation, cnn_shape shape, cnn_showing showing, float *room,
                 const uint8_t *in, uint8_t *out);

/** A change that is chosen, not drawn: a mirroring left-right first, then a shift to the right and down, in pixels. */
typedef struct cnn_move {
    bool flip;
    int across, down;
} cnn_move;

/** Moves the pixels of `in` into `out`, as cnn_augment(); those from outside are mirrored at the border. */
void cnn_move_pixels(const cnn_move *move, cnn_shape shape, const uint8_t *in, uint8_t *out);

#endif

/* The views of an image that test-time augmentation takes the mean over. */
#ifndef CNN_TRAIN_VIEWS_H
#define CNN_TRAIN_VIEWS_H

#include "base/real.h"
#include "data/augment.h"

/** Views of one image: its logits are the sum over v of weights[v] * logits(moves[v]). */
typedef struct cnn_views {
    int count;
    cnn_move moves[6];   /* the first changes nothing */
    cnn_real weights[6]; /* powers of two, so that they round nothing; their sum is 1 */
} cnn_views;

/** NULL where `tta` is no member of the enumeration. */
const cnn_views *cnn_views_of(cnn_tta tta);

#endif

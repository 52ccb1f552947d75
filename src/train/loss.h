/* Softmax and cross-entropy in one pass, with label smoothing (Szegedy et al. 2016, arXiv 1512.00567). */
#ifndef CNN_TRAIN_LOSS_H
#define CNN_TRAIN_LOSS_H

#include "base/real.h"

/** One image's softmax into probabilities [classes], which may be `logits`. */
void cnn_softmax(const cnn_real *logits, int classes, cnn_real *probabilities);

/** One image: returns the cross-entropy in nats, -sum over c of target[c] log p[c], where target is 1 - smoothing at
 * the label plus smoothing / classes everywhere; gradient [classes] (NULL: not wanted; may be `logits`) is
 * factor * (p - target). Not finite when a logit is not. */
double cnn_cross_entropy(const cnn_real *logits, int classes, int label, double smoothing, double factor,
                         cnn_real *gradient);

/** The first largest. */
int cnn_argmax(const cnn_real *values, int count);

#endif

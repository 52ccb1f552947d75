/* Softmax and cross-entropy in one pass, with label smoothing (Szegedy et al. 2016, arXiv 1512.00567) and the labels of
 * mixed images (Zhang et al. 2018, arXiv 1710.09412). */
#ifndef CNN_TRAIN_LOSS_H
#define CNN_TRAIN_LOSS_H

#include "base/real.h"

/** log(sum over c of exp(logits[c])), safe from overflow; not finite when a logit is not. */
double cnn_log_sum_exp(const cnn_real *logits, int classes);

/** One image's softmax into probabilities [classes], which may be `logits`. */
void cnn_softmax(const cnn_real *logits, int classes, cnn_real *probabilities);

/** What an image shall be taken for: (1 - smoothing) * share for `label`, (1 - smoothing) * (1 - share) for `other`
 * (which may be the same), and smoothing / classes for every class. */
typedef struct cnn_target {
    int label, other;
    double share, smoothing;
} cnn_target;

/** One image: returns the cross-entropy in nats, -sum over c of target[c] log p[c]; gradient [classes] (NULL: not
 * wanted; may be `logits`) is factor * (p - target). Not finite when a logit is not. */
double cnn_mixed_cross_entropy(const cnn_real *logits, int classes, const cnn_target *target, double factor,
                               cnn_real *gradient);
/** The same for an image of one label. */
double cnn_cross_entropy(const cnn_real *logits, int classes, int label, double smoothing, double factor,
                         cnn_real *gradient);

/** The first largest. */
int cnn_argmax(const cnn_real *values, int count);

#endif

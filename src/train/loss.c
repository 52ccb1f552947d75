/* Softmax, cross-entropy and its gradient: p = exp(z - max z) / sum, loss = -sum t log p, dloss/dz = p - t. */
#include "train/loss.h"

#include <math.h>
#include <stddef.h>

int cnn_argmax(const cnn_real *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return best;
}

double cnn_log_sum_exp(const cnn_real *logits, int classes)
{
    const double most = (double)logits[cnn_argmax(logits, classes)];
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        sum += exp((double)logits[c] - most);
    }
    return most + log(sum);
}

void cnn_softmax(const cnn_real *logits, int classes, cnn_real *probabilities)
{
    const double normalizer = cnn_log_sum_exp(logits, classes);
    for (int c = 0; c < classes; c++) {
        probabilities[c] = (cnn_real)exp((double)logits[c] - normalizer);
    }
}

double cnn_mixed_cross_entropy(const cnn_real *logits, int classes, const cnn_target *target, double factor,
                               cnn_real *gradient)
{
    const double normalizer = cnn_log_sum_exp(logits, classes);
    const double spread = target->smoothing / classes, rest = 1 - target->smoothing;
    const double own = rest * target->share, others = rest * (1 - target->share);
    double loss = 0;
    for (int c = 0; c < classes; c++) {
        const double log_p = (double)logits[c] - normalizer;
        const double wanted = spread + ((c == target->label ? own : 0) + (c == target->other ? others : 0));
        if (wanted > 0) {
            loss -= wanted * log_p;
        }
        if (gradient != NULL) {
            gradient[c] = (cnn_real)(factor * (exp(log_p) - wanted));
        }
    }
    return loss;
}

double cnn_cross_entropy(const cnn_real *logits, int classes, int label, double smoothing, double factor,
                         cnn_real *gradient)
{
    const cnn_target target = {.label = label, .other = label, .share = 1, .smoothing = smoothing};
    return cnn_mixed_cross_entropy(logits, classes, &target, factor, gradient);
}

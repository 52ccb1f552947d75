/* AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101): Adam's step, and weight decay apart from the gradient:
 * m = b1 m + (1 - b1) g, s = b2 s + (1 - b2) g^2, w -= rate (m' / (sqrt(s') + epsilon) + decay w), m' and s' being
 * m / (1 - b1^t) and s / (1 - b2^t). */
#include "train/optimizer.h"

#include <math.h>

extern const cnn_optimizer cnn_adamw;

static cnn_real root(cnn_real x)
{
#ifdef CNN_REAL_IS_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

CNN_HOT static void update(const cnn_update *u)
{
    const cnn_train_options *options = u->options;
    const cnn_real b1 = (cnn_real)options->beta1, b2 = (cnn_real)options->beta2;
    const cnn_real epsilon = (cnn_real)options->epsilon;
    const cnn_real scale1 = (cnn_real)(u->learning_rate / (1 - pow(options->beta1, (double)u->step)));
    const cnn_real scale2 = (cnn_real)(1 / (1 - pow(options->beta2, (double)u->step)));
    const cnn_real keep = (cnn_real)(1 - (u->decay ? u->learning_rate * options->weight_decay : 0));
    cnn_real *restrict w = u->parameters, *restrict m = u->states[0], *restrict s = u->states[1];
    const cnn_real *restrict g = u->gradients;
    for (size_t i = 0; i < u->count; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        s[i] = b2 * s[i] + (1 - b2) * g[i] * g[i];
        w[i] = keep * w[i] - scale1 * m[i] / (root(scale2 * s[i]) + epsilon);
    }
}

const cnn_optimizer cnn_adamw = {.name = "adamw", .state_count = 2, .states = {"mean", "square"}, .update = update};

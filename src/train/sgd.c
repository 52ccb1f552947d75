/* Stochastic gradient descent with momentum: v = momentum * v + g, w -= rate * v; Nesterov's form moves by
 * g + momentum * v instead (Sutskever et al. 2013). Weight decay is part of the gradient: g + decay * w. */
#include "train/optimizer.h"

extern const cnn_optimizer cnn_sgd;

CNN_HOT static void update(const cnn_update *u)
{
    const cnn_real rate = (cnn_real)u->learning_rate, momentum = (cnn_real)u->options->momentum;
    const cnn_real decay = u->decay ? (cnn_real)u->options->weight_decay : 0;
    const cnn_real ahead = u->options->nesterov ? momentum : 1, plain = u->options->nesterov ? 1 : 0;
    cnn_real *restrict w = u->parameters, *restrict v = u->states[0];
    const cnn_real *restrict g = u->gradients;
    for (size_t i = 0; i < u->count; i++) {
        const cnn_real gradient = g[i] + decay * w[i];
        v[i] = momentum * v[i] + gradient;
        w[i] -= rate * (plain * gradient + ahead * v[i]);
    }
}

const cnn_optimizer cnn_sgd = {.name = "sgd", .state_count = 1, .states = {"momentum"}, .update = update};

/* Stochastic gradient descent with momentum: v = momentum * v + g, w -= rate * v; Nesterov's form moves by
 * g + momentum * v instead (Sutskever et al. 2013). Weight decay is part of the gradient: g + decay * w. */
#include "train/optimizer.h"

extern const cnn_optimizer cnn_sgd;

void cnn_sgd_update(const cnn_update *u)
{
    const cnn_sgd_step step = {.rate = (cnn_real)u->learning_rate,
                               .momentum = (cnn_real)u->options->momentum,
                               .decay = (cnn_real)u->weight_decay,
                               .nesterov = u->options->nesterov};
    u->vectors->sgd(&step, u->parameters, u->states[0], u->gradients, u->count);
}

const cnn_optimizer cnn_sgd = {.name = "sgd", .state_count = 1, .states = {"momentum"}, .update = cnn_sgd_update};

/* RMSProp (Tieleman and Hinton 2012, "Neural networks for machine learning", lecture 6.5): each gradient divided by the
 * root of its recent mean square: s = beta2 s + (1 - beta2) g^2, w -= rate g / (sqrt(s) + epsilon). Weight decay is
 * part of the gradient: g + decay * w. The mean begins at zero and is not corrected for it, so the first steps are up
 * to 1 / sqrt(1 - beta2) times the rate: a warm-up or a smaller beta2 tames them. */
#include "train/optimizer.h"

extern const cnn_optimizer cnn_rmsprop;

static void update(const cnn_update *u)
{
    const cnn_rmsprop_step step = {.beta = (cnn_real)u->options->beta2,
                                   .rate = (cnn_real)u->learning_rate,
                                   .epsilon = (cnn_real)u->options->epsilon,
                                   .decay = (cnn_real)u->weight_decay};
    u->vectors->rmsprop(&step, u->parameters, u->states[0], u->gradients, u->count);
}

const cnn_optimizer cnn_rmsprop = {.name = "rmsprop", .state_count = 1, .states = {"square"}, .update = update};

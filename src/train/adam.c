/* Adam (Kingma and Ba 2015, arXiv 1412.6980): g' = g + decay w, m = b1 m + (1 - b1) g', s = b2 s + (1 - b2) g'^2,
 * w -= rate m' / (sqrt(s') + epsilon), m' and s' being m / (1 - b1^t) and s / (1 - b2^t). AdamW (adamw.c) differs in
 * where weights decay. */
#include "train/optimizer.h"

#include <math.h>

extern const cnn_optimizer cnn_adam;

cnn_adam_step cnn_adam_step_of(const cnn_update *u)
{
    const cnn_train_options *options = u->options;
    const double time = (double)u->step;
    return (cnn_adam_step){
        .beta1 = (cnn_real)options->beta1,
        .beta2 = (cnn_real)options->beta2,
        .rate = (cnn_real)(u->learning_rate / (1 - pow(options->beta1, time))),
        .correction = (cnn_real)(1 / (1 - pow(options->beta2, time))),
        .epsilon = (cnn_real)options->epsilon,
        .keep = 1,
    };
}

static void update(const cnn_update *u)
{
    cnn_adam_step step = cnn_adam_step_of(u);
    step.decay = (cnn_real)u->weight_decay;
    u->vectors->adam(&step, u->parameters, u->states[0], u->states[1], u->gradients, u->count);
}

const cnn_optimizer cnn_adam = {.name = "adam", .state_count = 2, .states = {"mean", "square"}, .update = update};

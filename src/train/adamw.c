/* AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101): Adam's step, and weight decay apart from the gradient:
 * m = b1 m + (1 - b1) g, s = b2 s + (1 - b2) g^2, w -= rate (m' / (sqrt(s') + epsilon) + decay w), m' and s' being
 * m / (1 - b1^t) and s / (1 - b2^t). */
#include "train/optimizer.h"

extern const cnn_optimizer cnn_adamw;

static void update(const cnn_update *u)
{
    cnn_adam_step step = cnn_adam_step_of(u);
    step.keep = (cnn_real)(1 - u->learning_rate * u->weight_decay);
    u->vectors->adamw(&step, u->parameters, u->states[0], u->states[1], u->gradients, u->count);
}

const cnn_optimizer cnn_adamw = {.name = "adamw", .state_count = 2, .states = {"mean", "square"}, .update = update};

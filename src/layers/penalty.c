/* A penalty on the size of activations, which makes them sparse: the identity, whose backward adds the gradient of
 * l1 * sum |x|, as a mean over the batch's images. Glorot, Bordes, Bengio 2011, "Deep sparse rectifier neural
 * networks". The loss that training reports is without it. */
#include "layers/planning.h"

#include <string.h>

typedef struct penalty_options {
    double l1;
} penalty_options;

static const cnn_option penalty_table[] = {
    {"l1", CNN_OPTION_NUMBER, offsetof(penalty_options, l1), 0, 10, NULL, NULL, "strength", false}, {0}};

static cnn_status penalty_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->in_place = true;
    plan->inactive = true;
    plan->backward_reads_output = true;
    return cnn_plan_output(plan, plan->input, error);
}

/** y = x */
static void penalty_forward(const cnn_layer_call *call)
{
    if (call->y != call->x) {
        memcpy(call->y, call->x, (size_t)call->n * cnn_shape_size(call->plan->input) * sizeof *call->y);
    }
}

/** dx = dy + l1 / batch * sign(y) */
static void penalty_backward(const cnn_layer_call *call)
{
    if (!call->dx) {
        return;
    }
    const penalty_options *options = call->options;
    const cnn_real strength = (cnn_real)(options->l1 / call->batch);
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real *y = call->y, *dy = call->dy;
    cnn_real *dx = call->dx;
    for (size_t i = 0; i < count; i++) {
        const cnn_real push = y[i] > 0 ? strength : y[i] < 0 ? -strength : 0;
        dx[i] = dy[i] + push;
    }
}

const cnn_layer_kind CNN_LAYER(penalty) = {
    .name = "penalty",
    .help = "the identity, with a penalty on the size of its input",
    .options = penalty_table,
    .options_size = sizeof(penalty_options),
    .internal = true,
    .plan = penalty_plan,
    .forward = penalty_forward,
    .backward = penalty_backward,
};

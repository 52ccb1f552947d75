/* Rectifier, max(x, 0). NaN passes through, so that a diverged training is seen in its loss. */
#include "layers/planning.h"

static const cnn_option relu_options[] = {{0}};

static cnn_status relu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->in_place = true;
    plan->activation = (cnn_activation){.is = true, .suits = CNN_INITIALIZE_HE_NORMAL};
    plan->is_rectifier = true;
    plan->backward_reads_output = true;
    return cnn_plan_output(plan, plan->input, error);
}

/** y = x where x is not below 0, else 0 */
static void relu_forward(const cnn_layer_call *call)
{
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real *x = call->x;
    cnn_real *y = call->y;
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
}

/** dx = dy where y > 0, else 0 */
static void relu_backward(const cnn_layer_call *call)
{
    if (!call->dx) {
        return;
    }
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real *y = call->y, *dy = call->dy;
    cnn_real *dx = call->dx;
    for (size_t i = 0; i < count; i++) {
        dx[i] = y[i] > 0 ? dy[i] : 0;
    }
}

const cnn_layer_kind CNN_LAYER(relu) = {
    .name = "relu",
    .help = "rectifier: negative numbers become zero",
    .options = relu_options,
    .plan = relu_plan,
    .forward = relu_forward,
    .backward = relu_backward,
};

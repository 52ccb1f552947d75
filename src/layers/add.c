/* The end of a residual block: the sum of two inputs. The gradient of the second one is dy as well; who planned the
 * network passes it on. */
#include "layers/planning.h"

#include <string.h>

static const cnn_option add_options[] = {{0}};

static cnn_status add_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->in_place = true;
    plan->rectifies = true;
    return cnn_plan_output(plan, plan->input, error);
}

/** y = x + x2 */
static void add_forward(const cnn_layer_call *call)
{
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real *x = call->x, *x2 = call->x2;
    cnn_real *y = call->y;
    if (call->rectify) {
        for (size_t i = 0; i < count; i++) {
            const cnn_real sum = x[i] + x2[i];
            y[i] = sum < 0 ? 0 : sum;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] + x2[i];
    }
}

/** dx = dy */
static void add_backward(const cnn_layer_call *call)
{
    if (call->dx && call->dx != call->dy) {
        memcpy(call->dx, call->dy, (size_t)call->n * cnn_shape_size(call->plan->input) * sizeof *call->dx);
    }
}

const cnn_layer_kind CNN_LAYER(add) = {
    .name = "add",
    .help = "the sum of two inputs",
    .options = add_options,
    .internal = true,
    .plan = add_plan,
    .forward = add_forward,
    .backward = add_backward,
};

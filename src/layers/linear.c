/* The identity, y = x: says in a recipe that there is no activation, and has an activation's place for whoever
 * changes it. It costs nothing: inference leaves it out, training works in place. */
#include "layers/planning.h"

#include <string.h>

static const cnn_option linear_table[] = {{0}};

static cnn_status linear_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->in_place = true;
    plan->inactive = true;
    plan->activation = (cnn_activation){.is = true, .suits = CNN_INITIALIZE_LECUN_NORMAL};
    return cnn_plan_output(plan, plan->input, error);
}

/** to = from, [n][input], unless they are the same */
static void copy(const cnn_layer_call *call, const cnn_real *from, cnn_real *to)
{
    if (to && to != from) {
        memcpy(to, from, (size_t)call->n * cnn_shape_size(call->plan->input) * sizeof *to);
    }
}

static void linear_forward(const cnn_layer_call *call)
{
    copy(call, call->x, call->y);
}

static void linear_backward(const cnn_layer_call *call)
{
    copy(call, call->dy, call->dx);
}

const cnn_layer_kind CNN_LAYER(linear) = {
    .name = "linear",
    .help = "no activation: all numbers stay",
    .options = linear_table,
    .plan = linear_plan,
    .forward = linear_forward,
    .backward = linear_backward,
};

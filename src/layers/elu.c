/* Exponential linear unit, x where x > 0, else alpha (exp(x) - 1). Clevert, Unterthiner, Hochreiter, "Fast and
 * accurate deep network learning by exponential linear units", arXiv 1511.07289. */
#include "layers/elementwise.h"
#include "math/exponential.h"

#include <math.h>

typedef struct elu_options {
    double alpha;
} elu_options;

static const cnn_option elu_table[] = {{"alpha", CNN_OPTION_NUMBER, offsetof(elu_options, alpha), 0, 100, "1", NULL,
                                        "what the negative side tends to, negated", false},
                                       {0}};

static cnn_status elu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    const elu_options *given = options;
    (void)state;
    const cnn_activation activation = {
        .suits = CNN_INITIALIZE_HE_NORMAL, .saturates = true, .low = -given->alpha, .high = INFINITY};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real elu_of(cnn_real x, cnn_real alpha)
{
    const cnn_real above = x < 0 ? 0 : x, below = x < 0 ? x : 0;
    return above + alpha * cnn_expm1(below);
}

static CNN_INLINE cnn_real elu_gradient(cnn_real y, cnn_real dy, cnn_real alpha)
{
    const cnn_real below = y + alpha;
    return (y > 0 ? 1 : below) * dy;
}

/** y = x where x > 0, else alpha (exp(x) - 1) */
static void elu_forward(const cnn_layer_call *call)
{
    const elu_options *options = call->options;
    cnn_elementwise_forward(call, elu_of, options->alpha);
}

/** dx = dy where y > 0, else alpha exp(x) dy, which is (y + alpha) dy */
static void elu_backward(const cnn_layer_call *call)
{
    const elu_options *options = call->options;
    cnn_elementwise_backward(call, elu_gradient, options->alpha);
}

const cnn_layer_kind CNN_LAYER(elu) = {
    .name = "elu",
    .help = "rectifier whose negative side tends to -alpha",
    .options = elu_table,
    .options_size = sizeof(elu_options),
    .plan = elu_plan,
    .forward = elu_forward,
    .backward = elu_backward,
};

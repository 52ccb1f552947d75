/* Hyperbolic tangent, the sigmoid whose mean is 0. LeCun, Bottou, Orr, Mueller, "Efficient BackProp", in "Neural
 * networks: tricks of the trade", 1998. */
#include "layers/elementwise.h"
#include "math/exponential.h"

static const cnn_option tanh_table[] = {{0}};

static cnn_status tanh_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = -1, .high = 1};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real tanh_of(cnn_real x, cnn_real none)
{
    (void)none;
    const cnn_real twice = 2 * x, e = cnn_expm1(x < 0 ? twice : -twice), size = -e / (2 + e);
    return x < 0 ? -size : size;
}

static CNN_INLINE cnn_real tanh_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    return (1 - y) * (1 + y) * dy;
}

/** y = -e / (2 + e) with e = exp(-2 |x|) - 1, given the sign of x: exact near 0, too */
static void tanh_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, tanh_of, 0);
}

/** dx = (1 - y^2) dy */
static void tanh_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, tanh_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(tanh) = {
    .name = "tanh",
    .help = "hyperbolic tangent, -1 to 1",
    .options = tanh_table,
    .plan = tanh_plan,
    .forward = tanh_forward,
    .backward = tanh_backward,
};

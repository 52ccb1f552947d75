/* Sigmoid-weighted linear unit, also called swish: x / (1 + exp(-x)). Elfwing, Uchibe, Doya, "Sigmoid-weighted
 * linear units for neural network function approximation in reinforcement learning", arXiv 1702.03118; Ramachandran,
 * Zoph, Le, "Searching for activation functions", arXiv 1710.05941. */
#include "layers/elementwise.h"
#include "math/exponential.h"

static const cnn_option silu_table[] = {{0}};

static cnn_status silu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_HE_NORMAL};
    return cnn_elementwise_plan(plan, activation, false, error);
}

static CNN_INLINE cnn_real silu_of(cnn_real x, cnn_real none)
{
    (void)none;
    return x * cnn_sigmoid(x);
}

static CNN_INLINE cnn_real silu_gradient(cnn_real x, cnn_real dy, cnn_real none)
{
    (void)none;
    const cnn_real share = cnn_sigmoid(x);
    return share * (1 + x * (1 - share)) * dy;
}

/** y = x s with s = 1 / (1 + exp(-x)) */
static void silu_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, silu_of, 0);
}

/** dx = s (1 + x (1 - s)) dy */
static void silu_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, silu_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(silu) = {
    .name = "silu",
    .help = "each number times its sigmoid, also called swish",
    .options = silu_table,
    .plan = silu_plan,
    .forward = silu_forward,
    .backward = silu_backward,
};

/* Scaled exponential linear unit, scale x where x > 0, else scale alpha (exp(x) - 1): with these constants the
 * outputs of layers tend to mean 0 and deviation 1 by themselves. Klambauer et al., "Self-normalizing neural
 * networks", arXiv 1706.02515. */
#include "layers/elementwise.h"
#include "math/exponential.h"

#include <math.h>

static const cnn_option selu_table[] = {{0}};

#define ALPHA 1.6732632423543772
#define SCALE 1.0507009873554805

static cnn_status selu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {
        .suits = CNN_INITIALIZE_LECUN_NORMAL, .saturates = true, .low = -SCALE * ALPHA, .high = INFINITY};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real selu_of(cnn_real x, cnn_real none)
{
    (void)none;
    const cnn_real above = x < 0 ? 0 : x, below = x < 0 ? x : 0;
    return (cnn_real)SCALE * above + (cnn_real)(SCALE * ALPHA) * cnn_expm1(below);
}

static CNN_INLINE cnn_real selu_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    const cnn_real below = y + (cnn_real)(SCALE * ALPHA);
    return (y > 0 ? (cnn_real)SCALE : below) * dy;
}

/** y = scale x where x > 0, else scale alpha (exp(x) - 1) */
static void selu_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, selu_of, 0);
}

/** dx = scale dy where y > 0, else scale alpha exp(x) dy, which is (y + scale alpha) dy */
static void selu_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, selu_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(selu) = {
    .name = "selu",
    .help = "scaled elu, which keeps mean 0 and deviation 1",
    .options = selu_table,
    .plan = selu_plan,
    .forward = selu_forward,
    .backward = selu_backward,
};

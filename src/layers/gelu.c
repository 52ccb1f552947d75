/* Gaussian error linear unit, x Phi(x), Phi(x) being the share of the standard normal distribution below x: exact,
 * not by the hyperbolic tangent. Hendrycks, Gimpel, "Gaussian error linear units", arXiv 1606.08415. */
#include "layers/elementwise.h"
#include "math/exponential.h"

static const cnn_option gelu_table[] = {{0}};

static cnn_status gelu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_HE_NORMAL};
    return cnn_elementwise_plan(plan, activation, false, error);
}

static CNN_INLINE cnn_real gelu_of(cnn_real x, cnn_real none)
{
    (void)none;
    return x * cnn_normal_at(x).below;
}

static CNN_INLINE cnn_real gelu_gradient(cnn_real x, cnn_real dy, cnn_real none)
{
    (void)none;
    const cnn_normal normal = cnn_normal_at(x);
    return (normal.below + x * normal.density) * dy;
}

/** y = x Phi(x) */
static void gelu_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, gelu_of, 0);
}

/** dx = (Phi(x) + x Phi'(x)) dy */
static void gelu_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, gelu_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(gelu) = {
    .name = "gelu",
    .help = "each number times the share of the normal distribution below it",
    .options = gelu_table,
    .plan = gelu_plan,
    .forward = gelu_forward,
    .backward = gelu_backward,
};

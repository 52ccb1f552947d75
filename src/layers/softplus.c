/* Softplus, log(1 + exp(x)): a rectifier without a bend. Dugas et al., "Incorporating second-order functional
 * knowledge for better option pricing", NIPS 2000; as an activation Glorot, Bordes, Bengio, "Deep sparse rectifier
 * neural networks", AISTATS 2011. */
#include "layers/elementwise.h"
#include "math/exponential.h"

static const cnn_option softplus_table[] = {{0}};

static cnn_status softplus_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_HE_NORMAL};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real softplus_of(cnn_real x, cnn_real none)
{
    (void)none;
    const cnn_real above = x < 0 ? 0 : x, away = x < 0 ? x : -x;
    return above + cnn_log1p(cnn_exp(away));
}

static CNN_INLINE cnn_real softplus_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    return -cnn_expm1(-y) * dy;
}

/** y = max(x, 0) + log(1 + exp(-|x|)), which overflows nowhere */
static void softplus_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, softplus_of, 0);
}

/** dx = dy / (1 + exp(-x)), which is (1 - exp(-y)) dy */
static void softplus_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, softplus_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(softplus) = {
    .name = "softplus",
    .help = "smooth rectifier, log(1 + exp(x))",
    .options = softplus_table,
    .plan = softplus_plan,
    .forward = softplus_forward,
    .backward = softplus_backward,
};

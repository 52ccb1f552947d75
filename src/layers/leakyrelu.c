/* Leaky rectifier, x where x > 0, else slope x. Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network
 * acoustic models", ICML 2013. At 0 the slope is that of the negative side. */
#include "layers/elementwise.h"

typedef struct leakyrelu_options {
    double slope;
} leakyrelu_options;

static const cnn_option leakyrelu_table[] = {
    {"slope", CNN_OPTION_NUMBER, offsetof(leakyrelu_options, slope), 0, 1, "0.01", NULL, "of the negative side", false},
    {0}};

static cnn_status leakyrelu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    const leakyrelu_options *given = options;
    (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_HE_NORMAL, .slope = given->slope};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real leakyrelu_of(cnn_real x, cnn_real slope)
{
    return (x < 0 ? slope : 1) * x;
}

static CNN_INLINE cnn_real leakyrelu_gradient(cnn_real y, cnn_real dy, cnn_real slope)
{
    return (y > 0 ? 1 : slope) * dy;
}

/** y = x where x is not below 0, else slope x */
static void leakyrelu_forward(const cnn_layer_call *call)
{
    const leakyrelu_options *options = call->options;
    cnn_elementwise_forward(call, leakyrelu_of, options->slope);
}

/** dx = dy where y > 0, else slope dy: y has x's sign, since the slope has none */
static void leakyrelu_backward(const cnn_layer_call *call)
{
    const leakyrelu_options *options = call->options;
    cnn_elementwise_backward(call, leakyrelu_gradient, options->slope);
}

const cnn_layer_kind CNN_LAYER(leakyrelu) = {
    .name = "leakyrelu",
    .help = "rectifier that lets a share of negative numbers through",
    .options = leakyrelu_table,
    .options_size = sizeof(leakyrelu_options),
    .plan = leakyrelu_plan,
    .forward = leakyrelu_forward,
    .backward = leakyrelu_backward,
};

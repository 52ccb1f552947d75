/* Rectifier, max(x, 0). NaN passes through, so that a diverged training is seen in its loss. */
#include "layers/elementwise.h"

static const cnn_option relu_options[] = {{0}};

static cnn_status relu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->is_rectifier = true;
    return cnn_elementwise_plan(plan, (cnn_activation){.suits = CNN_INITIALIZE_HE_NORMAL}, true, error);
}

static CNN_INLINE cnn_real relu_of(cnn_real x, cnn_real none)
{
    (void)none;
    return x < 0 ? 0 : x;
}

static CNN_INLINE cnn_real relu_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    return y > 0 ? dy : 0;
}

/** y = x where x is not below 0, else 0 */
static void relu_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, relu_of, 0);
}

/** dx = dy where y > 0, else 0 */
static void relu_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, relu_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(relu) = {
    .name = "relu",
    .help = "rectifier: negative numbers become zero",
    .options = relu_options,
    .plan = relu_plan,
    .forward = relu_forward,
    .backward = relu_backward,
};

/* Logistic sigmoid, 1 / (1 + exp(-x)): the classical activation of back-propagation. Rumelhart, Hinton, Williams,
 * "Learning representations by back-propagating errors", Nature 323, 1986. */
#include "layers/elementwise.h"
#include "math/exponential.h"

static const cnn_option sigmoid_table[] = {{0}};

static cnn_status sigmoid_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = 0, .high = 1};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real sigmoid_of(cnn_real x, cnn_real none)
{
    (void)none;
    return cnn_sigmoid(x);
}

static CNN_INLINE cnn_real sigmoid_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    return y * (1 - y) * dy;
}

/** y = 1 / (1 + exp(-x)) */
static void sigmoid_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, sigmoid_of, 0);
}

/** dx = y (1 - y) dy */
static void sigmoid_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, sigmoid_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(sigmoid) = {
    .name = "sigmoid",
    .help = "logistic function, 0 to 1",
    .options = sigmoid_table,
    .plan = sigmoid_plan,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};

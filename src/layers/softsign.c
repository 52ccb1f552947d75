/* Softsign, x / (1 + |x|): a sigmoid that saturates slowly and needs no exponential. Bergstra et al., "Quadratic
 * polynomials learn better image features", Technical Report 1337, Universite de Montreal, 2009; Glorot, Bengio,
 * "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010. */
#include "layers/elementwise.h"

static const cnn_option softsign_table[] = {{0}};

static cnn_status softsign_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = -1, .high = 1};
    return cnn_elementwise_plan(plan, activation, true, error);
}

static CNN_INLINE cnn_real softsign_of(cnn_real x, cnn_real none)
{
    (void)none;
    return x / (1 + (x < 0 ? -x : x));
}

static CNN_INLINE cnn_real softsign_gradient(cnn_real y, cnn_real dy, cnn_real none)
{
    (void)none;
    const cnn_real left = 1 - (y < 0 ? -y : y);
    return left * left * dy;
}

/** y = x / (1 + |x|) */
static void softsign_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, softsign_of, 0);
}

/** dx = dy / (1 + |x|)^2, which is (1 - |y|)^2 dy */
static void softsign_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, softsign_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(softsign) = {
    .name = "softsign",
    .help = "x / (1 + |x|), -1 to 1",
    .options = softsign_table,
    .plan = softsign_plan,
    .forward = softsign_forward,
    .backward = softsign_backward,
};

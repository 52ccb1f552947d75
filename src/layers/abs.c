/* Absolute value. Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the best multi-stage architecture for object
 * recognition?", ICCV 2009. At 0 its slope counts as 0. */
#include "layers/elementwise.h"

static const cnn_option abs_table[] = {{0}};

static cnn_status abs_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_activation activation = {.suits = CNN_INITIALIZE_LECUN_NORMAL};
    return cnn_elementwise_plan(plan, activation, false, error);
}

static CNN_INLINE cnn_real abs_of(cnn_real x, cnn_real none)
{
    (void)none;
    return x < 0 ? -x : x;
}

static CNN_INLINE cnn_real abs_gradient(cnn_real x, cnn_real dy, cnn_real none)
{
    (void)none;
    const cnn_real below = x < 0 ? -dy : 0;
    return x > 0 ? dy : below;
}

/** y = |x| */
static void abs_forward(const cnn_layer_call *call)
{
    cnn_elementwise_forward(call, abs_of, 0);
}

/** dx = dy where x > 0, -dy where x < 0, else 0 */
static void abs_backward(const cnn_layer_call *call)
{
    cnn_elementwise_backward(call, abs_gradient, 0);
}

const cnn_layer_kind CNN_LAYER(abs) = {
    .name = "abs",
    .help = "absolute value",
    .options = abs_table,
    .plan = abs_plan,
    .forward = abs_forward,
    .backward = abs_backward,
};

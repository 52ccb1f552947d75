/* What activations share that take each number by itself: y = f(x), dx = f'(x) dy. A kind gives both as functions of
 * one number, which are compiled into its loops. Where f' is known from y, backward reads y, and forward may
 * overwrite x. */
#ifndef CNN_LAYERS_ELEMENTWISE_H
#define CNN_LAYERS_ELEMENTWISE_H

#include "layers/planning.h"

/** f(x); `option` is the kind's one option, where it has one. */
typedef cnn_real cnn_elementwise_function(cnn_real x, cnn_real option);
/** f'(x) dy, `value` being y = f(x) where backward reads the output, else x. */
typedef cnn_real cnn_elementwise_gradient(cnn_real value, cnn_real dy, cnn_real option);

/** Plans an activation whose backward reads its output, or else its input. */
static inline cnn_status cnn_elementwise_plan(cnn_layer_plan *plan, cnn_activation activation, bool reads_output,
                                              cnn_error *error)
{
    plan->in_place = true;
    plan->activation = activation;
    plan->activation.is = true;
    plan->backward_reads_output = reads_output;
    plan->backward_reads_input = !reads_output;
    return cnn_plan_output(plan, plan->input, error);
}

/** y = f(x), for x, y [n][input] */
static CNN_INLINE void cnn_elementwise_forward(const cnn_layer_call *call, cnn_elementwise_function *f, double option)
{
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real given = (cnn_real)option;
    const cnn_real *x = call->x;
    cnn_real *y = call->y;
    for (size_t i = 0; i < count; i++) {
        y[i] = f(x[i], given);
    }
}

/** dx = gradient(value, dy), for dx, dy and value, which is y or x, [n][input] */
static CNN_INLINE void cnn_elementwise_backward(const cnn_layer_call *call, cnn_elementwise_gradient *gradient,
                                                double option)
{
    if (!call->dx) {
        return;
    }
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    const cnn_real given = (cnn_real)option;
    const cnn_real *value = call->plan->backward_reads_output ? call->y : call->x, *dy = call->dy;
    cnn_real *dx = call->dx;
    for (size_t i = 0; i < count; i++) {
        dx[i] = gradient(value[i], dy[i], given);
    }
}

#endif

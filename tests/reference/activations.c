/* Activations by their definitions, with libm: y = f(x), dx = f'(x) dy; the parametric rectifier and maxout. */
#include "reference/reference.h"

#include <math.h>
#include <string.h>

static int count_of(const reference_call *call, cnn_shape shape)
{
    return call->n * shape.height * shape.width * shape.channels;
}

static cnn_shape same_output(const char *text, cnn_shape input)
{
    (void)text;
    return input;
}

/* ---- of one number */

/** f(x) and f'(x) of a statement's activation. */
typedef struct point {
    double value, slope;
} point;

static const double selu_alpha = 1.6732632423543772, selu_scale = 1.0507009873554805;

static point leaky(double x, double slope)
{
    return isnan(x) || x > 0 ? (point){x, 1} : (point){slope * x, slope};
}

static point exponential_linear(double x, double alpha)
{
    return isnan(x) || x > 0 ? (point){x, 1} : (point){alpha * expm1(x), alpha * exp(x)};
}

static point gaussian(double x)
{
    const double below = 0.5 * erfc(-x / sqrt(2));
    return (point){x * below, below + x * exp(-x * x / 2) / sqrt(2 * acos(-1))};
}

static point logistic(double x)
{
    const double e = exp(-x);
    return (point){1 / (1 + e), e / ((1 + e) * (1 + e))};
}

static bool is_named(const char *text, const char *name)
{
    return strcspn(text, " ") == strlen(name) && strncmp(text, name, strlen(name)) == 0;
}

static point activation_at(const char *text, double x)
{
    const point sigmoid = logistic(x);
    if (is_named(text, "leakyrelu")) {
        return leaky(x, reference_number(text, "slope", 0.01));
    }
    if (is_named(text, "elu")) {
        return exponential_linear(x, reference_number(text, "alpha", 1));
    }
    if (is_named(text, "selu")) {
        const point unscaled = exponential_linear(x, selu_alpha);
        return (point){selu_scale * unscaled.value, selu_scale * unscaled.slope};
    }
    if (is_named(text, "gelu")) {
        return gaussian(x);
    }
    if (is_named(text, "silu")) {
        return (point){x * sigmoid.value, sigmoid.value + x * sigmoid.slope};
    }
    if (is_named(text, "softplus")) {
        return (point){log1p(exp(x)), sigmoid.value};
    }
    if (is_named(text, "sigmoid")) {
        return sigmoid;
    }
    if (is_named(text, "tanh")) {
        return (point){tanh(x), 1 / (cosh(x) * cosh(x))};
    }
    if (is_named(text, "softsign")) {
        return (point){x / (1 + fabs(x)), 1 / ((1 + fabs(x)) * (1 + fabs(x)))};
    }
    if (is_named(text, "abs")) {
        return (point){fabs(x), x == 0 ? 0 : copysign(1, x)};
    }
    return (point){x, 1}; /* linear */
}

static void activation_forward(const reference_call *call)
{
    for (int i = 0; i < count_of(call, call->input); i++) {
        call->y[i] = activation_at(call->text, call->x[i]).value;
    }
}

static void activation_backward(const reference_call *call)
{
    for (int i = 0; i < count_of(call, call->input); i++) {
        call->dx[i] = activation_at(call->text, call->x[i]).slope * call->dy[i];
    }
}

/* ---- others */

/** Number i's place in the tensor of slopes. */
static int slope_of(const reference_call *call, int i)
{
    return reference_has(call->text, "per", "layer") ? 0 : i % call->input.channels;
}

static void prelu_forward(const reference_call *call)
{
    for (int i = 0; i < count_of(call, call->input); i++) {
        call->y[i] = leaky(call->x[i], call->tensors[0][slope_of(call, i)]).value;
    }
}

static void prelu_backward(const reference_call *call)
{
    const int slopes = reference_has(call->text, "per", "layer") ? 1 : call->input.channels;
    memset(call->gradients[0], 0, (size_t)slopes * sizeof *call->gradients[0]);
    for (int i = 0; i < count_of(call, call->input); i++) {
        call->dx[i] = leaky(call->x[i], call->tensors[0][slope_of(call, i)]).slope * call->dy[i];
        call->gradients[0][slope_of(call, i)] += fmin(call->x[i], 0) * call->dy[i];
    }
}

static int pieces_of(const char *text)
{
    return (int)reference_number(text, "pieces", 2);
}

static cnn_shape maxout_output(const char *text, cnn_shape input)
{
    return (cnn_shape){input.height, input.width, input.channels / pieces_of(text)};
}

/** Where output i's number is among the inputs: the first NaN, else the first of the largest. */
static int largest_of(const reference_call *call, int i)
{
    const int pieces = pieces_of(call->text), first = i * pieces;
    int best = first;
    for (int at = first; at < first + pieces; at++) {
        if (isnan(call->x[at])) {
            return at;
        }
        best = call->x[at] > call->x[best] ? at : best;
    }
    return best;
}

static void maxout_forward(const reference_call *call)
{
    for (int i = 0; i < count_of(call, call->output); i++) {
        call->y[i] = call->x[largest_of(call, i)];
    }
}

static void maxout_backward(const reference_call *call)
{
    memset(call->dx, 0, (size_t)count_of(call, call->input) * sizeof *call->dx);
    for (int i = 0; i < count_of(call, call->output); i++) {
        call->dx[largest_of(call, i)] = call->dy[i];
    }
}

const reference_layer reference_leakyrelu = {"leakyrelu", same_output, activation_forward, activation_backward};
const reference_layer reference_elu = {"elu", same_output, activation_forward, activation_backward};
const reference_layer reference_selu = {"selu", same_output, activation_forward, activation_backward};
const reference_layer reference_gelu = {"gelu", same_output, activation_forward, activation_backward};
const reference_layer reference_silu = {"silu", same_output, activation_forward, activation_backward};
const reference_layer reference_softplus = {"softplus", same_output, activation_forward, activation_backward};
const reference_layer reference_sigmoid = {"sigmoid", same_output, activation_forward, activation_backward};
const reference_layer reference_tanh = {"tanh", same_output, activation_forward, activation_backward};
const reference_layer reference_softsign = {"softsign", same_output, activation_forward, activation_backward};
const reference_layer reference_abs = {"abs", same_output, activation_forward, activation_backward};
const reference_layer reference_linear = {"linear", same_output, activation_forward, activation_backward};
const reference_layer reference_prelu = {"prelu", same_output, prelu_forward, prelu_backward};
const reference_layer reference_maxout = {"maxout", maxout_output, maxout_forward, maxout_backward};

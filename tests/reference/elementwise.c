/* Dense layer, rectifier, dropout, sum, and the layers that recipes do not name, by their definitions. */
#include "reference/reference.h"

#include <math.h>
#include <string.h>

static int size_of(cnn_shape shape)
{
    return shape.height * shape.width * shape.channels;
}

static cnn_shape same_output(const char *text, cnn_shape input)
{
    (void)text;
    return input;
}

static cnn_shape dense_output(const char *text, cnn_shape input)
{
    (void)input;
    return (cnn_shape){1, 1, (int)reference_number(text, "units", 0)};
}

static void dense_forward(const reference_call *call)
{
    const int inputs = size_of(call->input), units = call->output.channels;
    const bool bias = !reference_has(call->text, "bias", "off");
    for (int i = 0; i < call->n; i++) {
        for (int u = 0; u < units; u++) {
            double sum = bias ? call->tensors[1][u] : 0;
            for (int j = 0; j < inputs; j++) {
                sum += call->x[i * inputs + j] * call->tensors[0][u * inputs + j];
            }
            call->y[i * units + u] = sum;
        }
    }
}

static void dense_backward(const reference_call *call)
{
    const int inputs = size_of(call->input), units = call->output.channels;
    const bool bias = !reference_has(call->text, "bias", "off");
    memset(call->dx, 0, (size_t)(call->n * inputs) * sizeof *call->dx);
    memset(call->gradients[0], 0, (size_t)(units * inputs) * sizeof *call->dx);
    if (bias) {
        memset(call->gradients[1], 0, (size_t)units * sizeof *call->dx);
    }
    for (int i = 0; i < call->n; i++) {
        for (int u = 0; u < units; u++) {
            const double dy = call->dy[i * units + u];
            if (bias) {
                call->gradients[1][u] += dy;
            }
            for (int j = 0; j < inputs; j++) {
                call->dx[i * inputs + j] += dy * call->tensors[0][u * inputs + j];
                call->gradients[0][u * inputs + j] += dy * call->x[i * inputs + j];
            }
        }
    }
}

static void relu_forward(const reference_call *call)
{
    for (int i = 0; i < call->n * size_of(call->input); i++) {
        call->y[i] = isnan(call->x[i]) ? call->x[i] : fmax(call->x[i], 0);
    }
}

static void relu_backward(const reference_call *call)
{
    for (int i = 0; i < call->n * size_of(call->input); i++) {
        call->dx[i] = call->x[i] > 0 ? call->dy[i] : 0;
    }
}

static void add_forward(const reference_call *call)
{
    for (int i = 0; i < call->n * size_of(call->input); i++) {
        call->y[i] = call->x[i] + call->x2[i];
    }
}

static void add_backward(const reference_call *call)
{
    for (int i = 0; i < call->n * size_of(call->input); i++) {
        call->dx[i] = call->dy[i];
    }
}

/** out = in where the image's stream gives a number of at least the rate, over 1 - rate; the identity in inference. */
static void drop(const reference_call *call, const double *in, double *out)
{
    const double rate = reference_number(call->text, "rate", 0.5);
    const int size = size_of(call->input);
    for (int i = 0; i < call->n; i++) {
        cnn_random random = call->random[i];
        for (int j = 0; j < size; j++) {
            const bool kept = !call->training || cnn_random_uniform(&random) >= rate;
            out[i * size + j] = kept ? in[i * size + j] / (call->training ? 1 - rate : 1) : 0;
        }
    }
}

static void dropout_forward(const reference_call *call)
{
    drop(call, call->x, call->y);
}

static void dropout_backward(const reference_call *call)
{
    drop(call, call->dy, call->dx);
}

/** y = (x - mean) * factor, pixel by pixel; both are states. */
static void standardize_forward(const reference_call *call)
{
    const int size = size_of(call->input);
    for (int i = 0; i < call->n * size; i++) {
        call->y[i] = (call->x[i] - call->tensors[0][i % size]) * call->tensors[1][i % size];
    }
}

static void standardize_backward(const reference_call *call)
{
    const int size = size_of(call->input);
    for (int i = 0; i < call->n * size; i++) {
        call->dx[i] = call->dy[i] * call->tensors[1][i % size];
    }
}

static void penalty_forward(const reference_call *call)
{
    memcpy(call->y, call->x, (size_t)(call->n * size_of(call->input)) * sizeof *call->y);
}

/** The gradient of the mean over the batch of l1 * sum |x| is added. */
static void penalty_backward(const reference_call *call)
{
    const double l1 = reference_number(call->text, "l1", 0);
    for (int i = 0; i < call->n * size_of(call->input); i++) {
        const int sign = (call->x[i] > 0) - (call->x[i] < 0);
        call->dx[i] = call->dy[i] + l1 / call->n * sign;
    }
}

const reference_layer reference_standardize = {"standardize", same_output, standardize_forward, standardize_backward};
const reference_layer reference_penalty = {"penalty", same_output, penalty_forward, penalty_backward};
const reference_layer reference_dense = {"dense", dense_output, dense_forward, dense_backward};
const reference_layer reference_relu = {"relu", same_output, relu_forward, relu_backward};
const reference_layer reference_add = {"add", same_output, add_forward, add_backward};
const reference_layer reference_dropout = {"dropout", same_output, dropout_forward, dropout_backward};

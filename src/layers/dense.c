/* Fully connected layer over the flattened input, which costs nothing: images are contiguous.
 *
 * Where the weights outnumber the activations, one lane's product would read all weights for a few images, and each
 * lane would write a gradient of the weights' size. Such layers run over the whole batch instead, in parts: forward and
 * weight gradient have a slice of the units each, the input gradient a slice of the inputs. */
#include "layers/weights.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <string.h>

/* The batch that the rule below takes for granted: it must follow from the layer's shape alone. */
#define NOMINAL_BATCH 64
#define PARTS 4
/* Multiplications of one image that are worth waking further threads for. */
#define ALONE_LEAST 100000
/* Slices are multiples of a vector's length. */
#define SLICE_UNIT 16

typedef struct dense_options {
    int units;
    cnn_weight_options weights;
} dense_options;

static const cnn_option dense_table[] = {
    {"units", CNN_OPTION_INTEGER, offsetof(dense_options, units), 1, 1 << 24, NULL, NULL, "output numbers", false},
    CNN_WEIGHT_TABLE(offsetof(dense_options, weights)),
    {0}};

static cnn_status dense_plan(cnn_layer_plan *plan, const void *options_memory, void *state, cnn_error *error)
{
    (void)state;
    const dense_options *options = options_memory;
    cnn_status status = cnn_plan_output(plan, (cnn_shape){1, 1, options->units}, error);
    if (status != CNN_OK) {
        return status;
    }
    const int inputs = (int)cnn_shape_size(plan->input);
    const cnn_tensor shape = {.rank = 2, .sizes = {options->units, inputs}};
    status = cnn_plan_weight(plan, &options->weights, shape, 1, error);
    if (status == CNN_OK) {
        status = cnn_plan_bias(plan, &options->weights, options->units, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    plan->multiply_adds = (int64_t)inputs * options->units;
    plan->backward_reads_input = true;
    plan->alone_parts = plan->multiply_adds > ALONE_LEAST ? PARTS : 0;
    plan->rectifies = true;
    if (plan->multiply_adds > (int64_t)NOMINAL_BATCH * ((int64_t)inputs + options->units)) {
        plan->forward_parts = PARTS;
        plan->backward_parts = plan->backward_input_parts = PARTS;
    }
    return CNN_OK;
}

/** Of 0 .. total - 1, what part `part` of PARTS has: nothing for the last ones of a short total. */
static cnn_span slice(int total, int part)
{
    const int64_t unit = (int64_t)PARTS * SLICE_UNIT, width = (total + unit - 1) / unit * SLICE_UNIT;
    const int64_t first = part * width, end = first + width;
    return (cnn_span){(int)(first < total ? first : total), (int)(end < total ? end : total)};
}

/** y[n][units] = bias + x[n][inputs] weight^T, for the units of the span */
static void forward_units(const cnn_layer_call *call, cnn_span span)
{
    const int inputs = (int)cnn_shape_size(call->plan->input), units = call->plan->output.channels;
    const int count = span.end - span.first;
    cnn_real *y = call->y + span.first;
    const bool bias = call->plan->tensor_count > 1;
    if (bias) {
        for (size_t i = 0; i < (size_t)call->n; i++) {
            memcpy(y + i * (size_t)units, call->tensors[1] + span.first, (size_t)count * sizeof *y);
        }
    }
    const cnn_matrix x = {call->x, call->n, inputs, inputs};
    const cnn_matrix weight = {call->tensors[0] + (size_t)span.first * (size_t)inputs, count, inputs, inputs};
    cnn_gemm((cnn_factor){x, CNN_PLAIN}, (cnn_factor){weight, CNN_TRANSPOSED}, (cnn_product){y, units, bias ? 1 : 0});
    if (call->rectify) {
        cnn_vector_rectify(y, (size_t)units, (size_t)call->n, (size_t)count);
    }
}

/** dweight[units][inputs] = dy[n][units]^T x, dbias[units] = sum over n of dy; for the units of the span */
static void backward_units(const cnn_layer_call *call, cnn_span span)
{
    const int inputs = (int)cnn_shape_size(call->plan->input), units = call->plan->output.channels;
    const cnn_matrix dy = {call->dy + span.first, call->n, span.end - span.first, units};
    const cnn_matrix x = {call->x, call->n, inputs, inputs};
    cnn_gemm((cnn_factor){dy, CNN_TRANSPOSED}, (cnn_factor){x, CNN_PLAIN},
             (cnn_product){call->gradients[0] + (size_t)span.first * (size_t)inputs, inputs, 0});
    if (call->plan->tensor_count == 1) {
        return;
    }
    cnn_real *restrict dbias = call->gradients[1];
    for (int u = span.first; u < span.end; u++) {
        dbias[u] = call->dy[u];
    }
    for (size_t i = 1; i < (size_t)call->n; i++) {
        for (int u = span.first; u < span.end; u++) {
            dbias[u] += call->dy[i * (size_t)units + (size_t)u];
        }
    }
}

/** dx[n][inputs] = dy[n][units] weight, for the inputs of the span */
static void backward_inputs(const cnn_layer_call *call, cnn_span span)
{
    const int inputs = (int)cnn_shape_size(call->plan->input), units = call->plan->output.channels;
    const cnn_matrix dy = {call->dy, call->n, units, units};
    const cnn_matrix weight = {call->tensors[0] + span.first, units, span.end - span.first, inputs};
    cnn_gemm((cnn_factor){dy, CNN_PLAIN}, (cnn_factor){weight, CNN_PLAIN},
             (cnn_product){call->dx + span.first, inputs, 0});
}

static void dense_forward(const cnn_layer_call *call)
{
    const int units = call->plan->output.channels;
    forward_units(call, call->parts > 1 ? slice(units, call->part) : (cnn_span){0, units});
}

static void dense_backward(const cnn_layer_call *call)
{
    const int units = call->plan->output.channels;
    backward_units(call, call->parts > 1 ? slice(units, call->part) : (cnn_span){0, units});
}

static void dense_backward_input(const cnn_layer_call *call)
{
    const int inputs = (int)cnn_shape_size(call->plan->input);
    backward_inputs(call, call->parts > 1 ? slice(inputs, call->part) : (cnn_span){0, inputs});
}

static void dense_require_bias(void *options)
{
    cnn_weights_require_bias(&((dense_options *)options)->weights);
}

const cnn_layer_kind CNN_LAYER(dense) = {
    .name = "dense",
    .help = "fully connected: each output weighs all inputs",
    .options = dense_table,
    .options_size = sizeof(dense_options),
    .plan = dense_plan,
    .forward = dense_forward,
    .backward = dense_backward,
    .backward_input = dense_backward_input,
    .require_bias = dense_require_bias,
};

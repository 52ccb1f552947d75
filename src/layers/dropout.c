/* Inverted dropout: in training each number is dropped with probability `rate`, and the kept ones are divided by
 * 1 - rate, so that inference needs nothing. Srivastava et al., "Dropout: a simple way to prevent neural networks from
 * overfitting", JMLR 15, 2014. An image's mask comes from its own random stream, one word a number in storage order. */
#include "layers/planning.h"

typedef struct dropout_options {
    double rate;
} dropout_options;

static const cnn_option dropout_table[] = {{"rate", CNN_OPTION_NUMBER, offsetof(dropout_options, rate), 0, 0.99, "0.5",
                                            NULL, "share of the numbers that training drops", false},
                                           {0}};

static cnn_status dropout_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    plan->in_place = true;
    plan->inactive = true;
    plan->saved_size = cnn_shape_size(plan->input);
    return cnn_plan_output(plan, plan->input, error);
}

/** y = mask * x / (1 - rate), for x [count]; the mask's bytes are 0 or 1 */
static void scale_masked(const cnn_real *x, const unsigned char *mask, double rate, size_t count, cnn_real *y)
{
    const cnn_real factor = (cnn_real)(1 / (1 - rate));
    for (size_t i = 0; i < count; i++) {
        const cnn_real scaled = x[i] * factor; /* loaded in any case: gcc 12.2 miscompiles some loads masked by bytes */
        y[i] = mask[i] ? scaled : 0;
    }
}

static void dropout_forward(const cnn_layer_call *call)
{
    const dropout_options *options = call->options;
    const size_t size = cnn_shape_size(call->plan->input);
    const uint32_t threshold = (uint32_t)(options->rate * 4294967296.0);
    unsigned char *mask = call->saved;
    for (int i = 0; i < call->n; i++) {
        cnn_random random = call->random[i];
        for (size_t j = 0; j < size; j++) {
            *mask++ = cnn_random_word(&random) >= threshold;
        }
    }
    scale_masked(call->x, call->saved, options->rate, (size_t)call->n * size, call->y);
}

static void dropout_backward(const cnn_layer_call *call)
{
    const dropout_options *options = call->options;
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->input);
    if (call->dx) {
        scale_masked(call->dy, call->saved, options->rate, count, call->dx);
    }
}

const cnn_layer_kind CNN_LAYER(dropout) = {
    .name = "dropout",
    .help = "drops random numbers in training, against overfitting",
    .options = dropout_table,
    .options_size = sizeof(dropout_options),
    .random = true,
    .plan = dropout_plan,
    .forward = dropout_forward,
    .backward = dropout_backward,
};

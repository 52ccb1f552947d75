/* Parametric rectifier, x where x > 0, else slope x with a trained slope for each channel, or one for the layer. He
 * et al., "Delving deep into rectifiers", arXiv 1502.01852. The slope has no weight decay, which would draw it to
 * that of a plain rectifier. It may become negative, so backward reads the input; at 0 the slope is that of the
 * negative side.
 *
 * The slope's gradient is summed as batch normalization's are: in the scalar type over a block of rows, on in
 * double. */
#include "layers/planning.h"

#include <string.h>

/* Rows of a block, channels whose sums stay in registers. */
#define ROWS 64
#define CHUNK 32

enum { PER_CHANNEL, PER_LAYER };

typedef struct prelu_options {
    double init;
    int per;
} prelu_options;

static const char *const per_words[] = {"channel", "layer", NULL};

static const cnn_option prelu_table[] = {
    {"init", CNN_OPTION_NUMBER, offsetof(prelu_options, init), 0, 1, "0.25", NULL, "what the slopes begin as", false},
    {"per", CNN_OPTION_CHOICE, offsetof(prelu_options, per), 0, 0, "channel", per_words, "what has a slope of its own",
     false},
    {0}};

static cnn_status prelu_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    const prelu_options *given = options;
    const int channels = plan->input.channels, count = given->per == PER_CHANNEL ? channels : 1;
    (void)state;
    plan->in_place = true;
    plan->backward_reads_input = true;
    plan->activation = (cnn_activation){.is = true, .suits = CNN_INITIALIZE_HE_NORMAL, .slope = given->init};
    plan->scratch_size = (size_t)channels * (sizeof(double) + sizeof(cnn_real));
    const cnn_status status = cnn_plan_output(plan, plan->input, error);
    return status != CNN_OK
               ? status
               : cnn_plan_tensor(plan, cnn_tensor_vector("slope", CNN_ROLE_GAIN, count, given->init), error);
}

/** Pixels of the lane. */
static size_t pixels(const cnn_layer_call *call)
{
    return (size_t)call->n * (size_t)call->plan->input.height * (size_t)call->plan->input.width;
}

/** Scratch: a sum a channel, then a slope a channel. */
static double *sums_in(const cnn_layer_call *call)
{
    return call->scratch;
}

/** [channels]: the tensor, or in scratch its one number for each. */
static const cnn_real *slopes_of(const cnn_layer_call *call)
{
    const prelu_options *options = call->options;
    const int channels = call->plan->input.channels;
    cnn_real *slopes = (cnn_real *)(sums_in(call) + channels);
    if (options->per == PER_CHANNEL) {
        return call->tensors[0];
    }
    for (int c = 0; c < channels; c++) {
        slopes[c] = call->tensors[0][0];
    }
    return slopes;
}

/** to[rows][c] = from where x > 0, else slope[c] from: forward of from = x, backward of from = dy */
static void scale(const cnn_layer_call *call, const cnn_real *from, cnn_real *to)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call);
    const cnn_real *restrict slopes = slopes_of(call);
    const cnn_real *x = call->x;
    for (size_t r = 0; r < rows; r++, x += channels, from += channels, to += channels) {
        for (size_t c = 0; c < channels; c++) {
            const cnn_real slope = slopes[c];
            to[c] = (x[c] > 0 ? 1 : slope) * from[c];
        }
    }
}

static void prelu_forward(const cnn_layer_call *call)
{
    scale(call, call->x, call->y);
}

/** sums[first + c] += sum of dy x where x is not above 0, for `count` channels from `first` on and a block of rows */
static CNN_INLINE void add_chunk(const cnn_layer_call *call, size_t row, size_t first, size_t count, double *sums)
{
    const size_t channels = (size_t)call->plan->input.channels, left = pixels(call) - row;
    const size_t end = row + (left < ROWS ? left : ROWS);
    cnn_real sum[CHUNK] = {0};
    for (size_t r = row; r < end; r++) {
        const cnn_real *x = call->x + r * channels + first, *dy = call->dy + r * channels + first;
        for (size_t c = 0; c < count; c++) {
            const cnn_real below = x[c] > 0 ? 0 : x[c];
            sum[c] += dy[c] * below;
        }
    }
    for (size_t c = 0; c < count; c++) {
        sums[first + c] += (double)sum[c];
    }
}

/** dslope[c] = sum over the rows of dy x where x is not above 0; or the sum of these over the channels */
static void slope_gradient(const cnn_layer_call *call)
{
    const prelu_options *options = call->options;
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call);
    double *sums = sums_in(call), all = 0;
    memset(sums, 0, channels * sizeof *sums);
    for (size_t row = 0; row < rows; row += ROWS) {
        size_t c = 0;
        for (; c + CHUNK <= channels; c += CHUNK) {
            add_chunk(call, row, c, CHUNK, sums);
        }
        if (c < channels) {
            add_chunk(call, row, c, channels - c, sums);
        }
    }
    for (size_t c = 0; c < channels; c++) {
        all += sums[c];
        if (options->per == PER_CHANNEL) {
            call->gradients[0][c] = (cnn_real)sums[c];
        }
    }
    if (options->per == PER_LAYER) {
        call->gradients[0][0] = (cnn_real)all;
    }
}

/** The slope's gradient first: dx may take the place of dy. */
static void prelu_backward(const cnn_layer_call *call)
{
    slope_gradient(call);
    if (call->dx) {
        scale(call, call->dy, call->dx);
    }
}

const cnn_layer_kind CNN_LAYER(prelu) = {
    .name = "prelu",
    .help = "rectifier whose negative side has a trained slope",
    .options = prelu_table,
    .options_size = sizeof(prelu_options),
    .plan = prelu_plan,
    .forward = prelu_forward,
    .backward = prelu_backward,
};

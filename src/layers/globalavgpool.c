/* Global average pooling: the mean of each channel over the whole image. Lin et al., "Network in network",
 * arXiv 1312.4400. */
#include "layers/planning.h"
#include "math/vector.h"

static const cnn_option globalavgpool_options[] = {{0}};

static cnn_status globalavgpool_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    return cnn_plan_output(plan, (cnn_shape){1, 1, plan->input.channels}, error);
}

static size_t area(const cnn_layer_plan *plan)
{
    return (size_t)plan->input.height * (size_t)plan->input.width;
}

/** y[n][c] = mean over pixels of x[n][pixels][c] */
static void globalavgpool_forward(const cnn_layer_call *call)
{
    const size_t pixels = area(call->plan), channels = (size_t)call->plan->input.channels;
    const cnn_real factor = 1 / (cnn_real)pixels;
    for (size_t i = 0; i < (size_t)call->n; i++) {
        cnn_real *y = call->y + i * channels;
        cnn_vector_sum_rows(y, call->x + i * pixels * channels, pixels, channels, 0);
        for (size_t c = 0; c < channels; c++) {
            y[c] *= factor;
        }
    }
}

/** dx[n][pixels][c] = dy[n][c] / pixels */
static void globalavgpool_backward(const cnn_layer_call *call)
{
    if (!call->dx) {
        return;
    }
    const size_t pixels = area(call->plan), channels = (size_t)call->plan->input.channels;
    const cnn_real factor = 1 / (cnn_real)pixels;
    cnn_real *restrict dx = call->dx;
    for (size_t i = 0; i < (size_t)call->n; i++) {
        const cnn_real *restrict dy = call->dy + i * channels;
        for (size_t pixel = 0; pixel < pixels; pixel++, dx += channels) {
            for (size_t c = 0; c < channels; c++) {
                dx[c] = factor * dy[c];
            }
        }
    }
}

const cnn_layer_kind CNN_LAYER(globalavgpool) = {
    .name = "globalavgpool",
    .help = "the mean of each channel over the whole image",
    .options = globalavgpool_options,
    .plan = globalavgpool_plan,
    .forward = globalavgpool_forward,
    .backward = globalavgpool_backward,
};

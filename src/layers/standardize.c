/* Each number of an image to mean 0 and deviation 1 over the training images, by fixed numbers that training measures
 * before its first step: the first layer of input scale=standardize-pixels. */
#include "layers/planning.h"

enum { MEAN, FACTOR };

static const cnn_option standardize_table[] = {{0}};

static cnn_status standardize_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const cnn_shape in = plan->input;
    cnn_tensor mean = {.name = "mean",
                       .role = CNN_ROLE_STATE,
                       .rank = 3,
                       .sizes = {in.height, in.width, in.channels},
                       .initialization = CNN_INITIALIZE_CONSTANT};
    cnn_tensor factor = mean;
    factor.name = "factor";
    factor.value = 1;
    cnn_status status = cnn_plan_output(plan, in, error);
    if (status == CNN_OK) {
        status = cnn_plan_tensor(plan, mean, error);
    }
    if (status == CNN_OK) {
        status = cnn_plan_tensor(plan, factor, error);
    }
    plan->in_place = true;
    return status;
}

/** y[n][i] = (x[n][i] - mean[i]) * factor[i] */
static void standardize_forward(const cnn_layer_call *call)
{
    const size_t size = cnn_shape_size(call->plan->input);
    const cnn_real *mean = call->tensors[MEAN], *factor = call->tensors[FACTOR];
    for (size_t image = 0; image < (size_t)call->n; image++) {
        const cnn_real *x = call->x + image * size;
        cnn_real *y = call->y + image * size;
        for (size_t i = 0; i < size; i++) {
            y[i] = (x[i] - mean[i]) * factor[i];
        }
    }
}

/** dx[n][i] = dy[n][i] * factor[i] */
static void standardize_backward(const cnn_layer_call *call)
{
    const size_t size = cnn_shape_size(call->plan->input);
    const cnn_real *factor = call->tensors[FACTOR];
    for (size_t image = 0; image < (size_t)call->n && call->dx != NULL; image++) {
        const cnn_real *dy = call->dy + image * size;
        cnn_real *dx = call->dx + image * size;
        for (size_t i = 0; i < size; i++) {
            dx[i] = dy[i] * factor[i];
        }
    }
}

const cnn_layer_kind CNN_LAYER(standardize) = {
    .name = "standardize",
    .help = "each number of an image to mean 0 and deviation 1 over the training images",
    .options = standardize_table,
    .internal = true,
    .plan = standardize_plan,
    .forward = standardize_forward,
    .backward = standardize_backward,
};

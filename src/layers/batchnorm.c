/* Batch normalization: each channel to mean 0 and deviation 1 over the batch, then a trained gain and bias. Inference
 * uses running statistics, and folds into the layer before where that can be. Ioffe, Szegedy, "Batch normalization", arXiv 1502.03167.
 *
 * Sums are taken of the distances from the running mean: once that has come near the batch's mean, the
 * variance, a difference of sums, loses nothing to cancellation. */
#include "layers/planning.h"

#include <math.h>

enum { GAIN, BIAS, MEAN, VARIANCE };
/* `shared`, [4][channels]: the batch's mean and 1 / deviation, then the means over it of dy and of dy * normalized. */
enum { SHARED_MEAN, SHARED_INVERSE, SHARED_DY, SHARED_DY_NORMALIZED, SHARED_COUNT };

typedef struct batchnorm_options {
    double momentum, epsilon;
} batchnorm_options;

static const cnn_option batchnorm_table[] = {{"momentum", CNN_OPTION_NUMBER, offsetof(batchnorm_options, momentum), 0,
                                              1, "0.9", NULL, "share of the old running statistics that a step keeps",
                                              false},
                                             {"epsilon", CNN_OPTION_NUMBER, offsetof(batchnorm_options, epsilon), 1e-12,
                                              1, "1e-5", NULL, "added to the variance", false},
                                             {0}};

static cnn_status batchnorm_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    (void)options, (void)state;
    const int channels = plan->input.channels;
    const cnn_tensor tensors[] = {[GAIN] = cnn_tensor_vector("gain", CNN_ROLE_GAIN, channels, 1),
                                  [BIAS] = cnn_tensor_vector("bias", CNN_ROLE_BIAS, channels, 0),
                                  [MEAN] = cnn_tensor_vector("mean", CNN_ROLE_STATE, channels, 0),
                                  [VARIANCE] = cnn_tensor_vector("variance", CNN_ROLE_STATE, channels, 1)};
    cnn_status status = cnn_plan_output(plan, plan->input, error);
    for (int i = 0; i < 4 && status == CNN_OK; i++) {
        status = cnn_plan_tensor(plan, tensors[i], error);
    }
    if (status != CNN_OK) {
        return status;
    }
    if (channels > INT32_MAX / SHARED_COUNT) {
        return cnn_fail(error, CNN_USAGE, "%d channels are too many", channels);
    }
    plan->in_place = true;
    plan->backward_reads_input = true;
    plan->sums_forward = plan->sums_backward = 2 * channels;
    plan->shared_count = SHARED_COUNT * channels;
    plan->scratch_size = (size_t)(4 * channels) * sizeof(cnn_real);
    plan->multiply_adds = (int64_t)cnn_shape_size(plan->input);
    return CNN_OK;
}

/** Pixels of `n` images. */
static size_t pixels(const cnn_layer_plan *plan, int n)
{
    return (size_t)n * (size_t)plan->input.height * (size_t)plan->input.width;
}

/* The sums run in the scalar type over a block of rows, which is exact enough, then on in double: conversions for each
 * number took twice the time. Channels go in chunks whose sums stay in registers. */
#define ROWS 64
#define CHUNK 32

/** Adds to sums[0][c] and sums[1][c], for `count` channels of a block: x - mean and its product with itself, or where
 * dy is given, dy and dy * (x - mean). */
static inline void add_chunk(const cnn_real *restrict x, const cnn_real *restrict dy, size_t rows, size_t channels,
                             const cnn_real *restrict mean, size_t count, double *restrict sums)
{
    cnn_real sum[CHUNK] = {0}, product[CHUNK] = {0};
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < count; c++) {
            const cnn_real distance = x[r * channels + c] - mean[c];
            const cnn_real value = dy ? dy[r * channels + c] : distance;
            sum[c] += value;
            product[c] += value * distance;
        }
    }
    for (size_t c = 0; c < count; c++) {
        sums[c] += (double)sum[c];
        sums[channels + c] += (double)product[c];
    }
}

/** add_chunk() over all pixels and channels of x (and dy) [rows][c]. */
static inline void add_all(const cnn_layer_call *call, const cnn_real *dy, const cnn_real *mean)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call->plan, call->n);
    for (size_t r = 0; r < rows; r += ROWS) {
        const size_t block = rows - r < ROWS ? rows - r : ROWS, at = r * channels;
        size_t c = 0;
        for (; c + CHUNK <= channels; c += CHUNK) {
            add_chunk(call->x + at + c, dy ? dy + at + c : NULL, block, channels, mean + c, CHUNK, call->sums + c);
        }
        if (c < channels) {
            add_chunk(call->x + at + c, dy ? dy + at + c : NULL, block, channels, mean + c, channels - c,
                      call->sums + c);
        }
    }
}

/** sums[0][c] += x - mean, sums[1][c] += (x - mean)^2, over the pixels of x[rows][c] */
static CNN_HOT void batchnorm_forward_sums(const cnn_layer_call *call)
{
    add_all(call, NULL, call->tensors[MEAN]);
}

/** The batch's statistics into `shared`, and their part in the running ones, whose variance is the unbiased one. */
static void batchnorm_forward_total(const cnn_layer_call *call)
{
    const batchnorm_options *options = call->options;
    const size_t channels = (size_t)call->plan->input.channels;
    const double count = (double)pixels(call->plan, call->batch), kept = options->momentum;
    for (size_t c = 0; c < channels; c++) {
        cnn_real *mean = &call->tensors[MEAN][c], *variance = &call->tensors[VARIANCE][c];
        const double distance = call->sums[c] / count, batch_mean = (double)*mean + distance;
        const double spread = call->sums[channels + c] / count - distance * distance;
        const double batch_variance = spread < 0 ? 0 : spread;
        call->shared[SHARED_MEAN * channels + c] = batch_mean;
        call->shared[SHARED_INVERSE * channels + c] = 1 / sqrt(batch_variance + options->epsilon);
        const double unbiased = count > 1 ? batch_variance * count / (count - 1) : batch_variance;
        *mean = (cnn_real)(kept * (double)*mean + (1 - kept) * batch_mean);
        *variance = (cnn_real)(kept * (double)*variance + (1 - kept) * unbiased);
    }
}

/** y[rows][c] = (x - mean) * factor + bias */
static CNN_HOT void normalize(const cnn_layer_call *call, const cnn_real *restrict mean,
                              const cnn_real *restrict factor)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call->plan, call->n);
    const cnn_real *restrict bias = call->tensors[BIAS];
    const cnn_real *x = call->x;
    cnn_real *y = call->y;
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        for (size_t c = 0; c < channels; c++) {
            y[c] = (x[c] - mean[c]) * factor[c] + bias[c];
        }
    }
}

static void batchnorm_forward(const cnn_layer_call *call)
{
    const batchnorm_options *options = call->options;
    const size_t channels = (size_t)call->plan->input.channels;
    cnn_real *mean = call->scratch, *factor = mean + channels;
    for (size_t c = 0; c < channels; c++) {
        double inverse = 1 / sqrt((double)call->tensors[VARIANCE][c] + options->epsilon);
        mean[c] = call->tensors[MEAN][c];
        if (call->training) {
            inverse = call->shared[SHARED_INVERSE * channels + c];
            mean[c] = (cnn_real)call->shared[SHARED_MEAN * channels + c];
        }
        factor[c] = (cnn_real)((double)call->tensors[GAIN][c] * inverse);
    }
    normalize(call, mean, factor);
}

/** sums[0][c] += dy, sums[1][c] += dy * (x - mean), over the pixels of x, dy[rows][c] */
static CNN_HOT void batchnorm_backward_sums(const cnn_layer_call *call)
{
    const size_t channels = (size_t)call->plan->input.channels;
    cnn_real *mean = call->scratch;
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (cnn_real)call->shared[SHARED_MEAN * channels + c];
    }
    add_all(call, call->dy, mean);
}

/** dbias = sum of dy, dgain = sum of dy * normalized; their means stay in `shared` for dx */
static void batchnorm_backward_total(const cnn_layer_call *call)
{
    const size_t channels = (size_t)call->plan->input.channels;
    const double count = (double)pixels(call->plan, call->batch);
    for (size_t c = 0; c < channels; c++) {
        const double dbias = call->sums[c];
        const double dgain = call->sums[channels + c] * call->shared[SHARED_INVERSE * channels + c];
        call->gradients[BIAS][c] = (cnn_real)dbias;
        call->gradients[GAIN][c] = (cnn_real)dgain;
        call->shared[SHARED_DY * channels + c] = dbias / count;
        call->shared[SHARED_DY_NORMALIZED * channels + c] = dgain / count;
    }
}

/** dx[rows][c] = dy * factor - (x - mean) * slope - offset, terms[c] being mean, factor, slope, offset */
static CNN_HOT void input_gradient(const cnn_layer_call *call, const cnn_real *restrict terms)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call->plan, call->n);
    const cnn_real *mean = terms, *factor = mean + channels, *slope = factor + channels, *offset = slope + channels;
    const cnn_real *restrict x = call->x;
    const cnn_real *dy = call->dy;
    cnn_real *dx = call->dx;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        for (size_t c = 0; c < channels; c++) {
            dx[c] = dy[c] * factor[c] - (x[c] - mean[c]) * slope[c] - offset[c];
        }
    }
}

/** dx = gain / deviation * (dy - mean of dy - normalized * mean of dy * normalized) */
static void batchnorm_backward(const cnn_layer_call *call)
{
    if (!call->dx) {
        return;
    }
    const size_t channels = (size_t)call->plan->input.channels;
    const double *shared = call->shared;
    cnn_real *terms = call->scratch;
    for (size_t c = 0; c < channels; c++) {
        const double inverse = shared[SHARED_INVERSE * channels + c];
        const double factor = (double)call->tensors[GAIN][c] * inverse;
        terms[c] = (cnn_real)shared[SHARED_MEAN * channels + c];
        terms[channels + c] = (cnn_real)factor;
        terms[2 * channels + c] = (cnn_real)(factor * inverse * shared[SHARED_DY_NORMALIZED * channels + c]);
        terms[3 * channels + c] = (cnn_real)(factor * shared[SHARED_DY * channels + c]);
    }
    input_gradient(call, terms);
}

/** factor[c] = gain / sqrt(variance + epsilon), offset[c] = bias - mean * factor */
static void batchnorm_affine(const cnn_layer_call *call, double *factor, double *offset)
{
    const batchnorm_options *options = call->options;
    for (int c = 0; c < call->plan->input.channels; c++) {
        factor[c] = (double)call->tensors[GAIN][c] / sqrt((double)call->tensors[VARIANCE][c] + options->epsilon);
        offset[c] = (double)call->tensors[BIAS][c] - (double)call->tensors[MEAN][c] * factor[c];
    }
}

const cnn_layer_kind cnn_layer_batchnorm = {
    .name = "batchnorm",
    .help = "each channel to mean 0 and deviation 1, then a trained gain and bias",
    .options = batchnorm_table,
    .options_size = sizeof(batchnorm_options),
    .plan = batchnorm_plan,
    .forward = batchnorm_forward,
    .backward = batchnorm_backward,
    .forward_sums = batchnorm_forward_sums,
    .forward_total = batchnorm_forward_total,
    .backward_sums = batchnorm_backward_sums,
    .backward_total = batchnorm_backward_total,
    .affine = batchnorm_affine,
};

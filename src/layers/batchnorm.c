/* Batch normalization: each channel to mean 0 and deviation 1 over the batch, then a trained gain and bias. Inference
 * uses running statistics, and folds into the layer before where that can be. Ioffe, Szegedy, "Batch normalization",
 * arXiv 1502.03167.
 *
 * Sums are taken of the distances from the running mean: once that has come near the batch's mean, the
 * variance, a difference of sums, loses nothing to cancellation. */
#include "layers/planning.h"

#include <math.h>

enum { GAIN, BIAS, MEAN, VARIANCE };
/* `shared`, [4][channels]: the batch's mean and 1 / deviation, then the means over it of dy and of dy * normalized. */
enum { SHARED_MEAN, SHARED_INVERSE, SHARED_DY, SHARED_DY_NORMALIZED, SHARED_COUNT };

typedef struct batchnorm_options {
    double momentum, epsilon, bias;
    int gain; /* it is trained */
} batchnorm_options;

static const cnn_option batchnorm_table[] = {
    {"momentum", CNN_OPTION_NUMBER, offsetof(batchnorm_options, momentum), 0, 1, "0.9", NULL,
     "share of the old running statistics that a step keeps", false},
    {"epsilon", CNN_OPTION_NUMBER, offsetof(batchnorm_options, epsilon), 1e-12, 1, "1e-5", NULL,
     "added to the variance", false},
    {"bias", CNN_OPTION_NUMBER, offsetof(batchnorm_options, bias), -1000, 1000, "0", NULL, "what the biases begin as",
     false},
    {"gain", CNN_OPTION_CHOICE, offsetof(batchnorm_options, gain), 0, 0, "on", CNN_OPTION_OFF_ON,
     "a trained factor for each channel, or off: it stays 1", false},
    {0}};

static cnn_status batchnorm_plan(cnn_layer_plan *plan, const void *options_memory, void *state, cnn_error *error)
{
    (void)state;
    const batchnorm_options *options = options_memory;
    const int channels = plan->input.channels;
    const cnn_role gain = options->gain ? CNN_ROLE_GAIN : CNN_ROLE_STATE;
    const cnn_tensor tensors[] = {[GAIN] = cnn_tensor_vector("gain", gain, channels, 1),
                                  [BIAS] = cnn_tensor_vector("bias", CNN_ROLE_BIAS, channels, options->bias),
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
    plan->repeatable = true;
    plan->rectifies = plan->rectifies_backward = true;
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

/** One number's way through the layer, `distance` being x - mean. Backward computes it anew to know what a rectifier
 * behind it lets through, so this alone says how. */
static CNN_INLINE cnn_real normalized(cnn_real distance, cnn_real factor, cnn_real bias)
{
    return distance * factor + bias;
}

/** What sums are taken of: forward, of x; backward, of dy, or of the dy that a rectifier lets through. */
typedef enum summing { SUM_X, SUM_DY, SUM_DY_RECTIFIED } summing;

/** From where: x and dy [rows][channels]; mean, factor and bias [channels]. What the sums do not need may be NULL. */
typedef struct summed {
    const cnn_real *x, *dy;
    const cnn_real *mean, *factor, *bias;
    size_t rows, channels;
} summed;

/* The sums run in the scalar type over a block of rows, which is exact enough, then on in double: conversions for each
 * number took twice the time. Channels go in chunks whose sums stay in registers. */
#define ROWS 64
#define CHUNK 32

/** Adds to sums[0][c] and sums[1][c], for `count` channels from `first` on and the block of rows that begins at `row`:
 * x - mean and its product with itself, or dy and dy * (x - mean). */
static CNN_INLINE void add_chunk(summing what, summed from, size_t row, size_t first, size_t count,
                                 double *restrict sums)
{
    const size_t left = from.rows - row, end = row + (left < ROWS ? left : ROWS);
    cnn_real sum[CHUNK] = {0}, product[CHUNK] = {0};
    for (size_t r = row; r < end; r++) {
        const size_t at = r * from.channels + first;
        for (size_t c = 0; c < count; c++) {
            const cnn_real distance = from.x[at + c] - from.mean[first + c];
            cnn_real value = what == SUM_X ? distance : from.dy[at + c];
            if (what == SUM_DY_RECTIFIED) {
                value = normalized(distance, from.factor[first + c], from.bias[first + c]) > 0 ? value : 0;
            }
            sum[c] += value;
            product[c] += value * distance;
        }
    }
    for (size_t c = 0; c < count; c++) {
        sums[first + c] += (double)sum[c];
        sums[from.channels + first + c] += (double)product[c];
    }
}

/** add_chunk() over all rows and channels. */
static CNN_INLINE void add_all(summing what, summed from, double *sums)
{
    for (size_t row = 0; row < from.rows; row += ROWS) {
        size_t c = 0;
        for (; c + CHUNK <= from.channels; c += CHUNK) {
            add_chunk(what, from, row, c, CHUNK, sums);
        }
        if (c < from.channels) {
            add_chunk(what, from, row, c, from.channels - c, sums);
        }
    }
}

/** sums[0][c] += x - mean, sums[1][c] += (x - mean)^2, over the pixels of x[rows][c] */
static void batchnorm_forward_sums(const cnn_layer_call *call)
{
    const summed from = {.x = call->x,
                         .mean = call->tensors[MEAN],
                         .rows = pixels(call->plan, call->n),
                         .channels = (size_t)call->plan->input.channels};
    add_all(SUM_X, from, call->sums);
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

/** The batch's mean, and gain / deviation, as forward in training and backward both need them. */
static void batch_terms(const cnn_layer_call *call, cnn_real *mean, cnn_real *factor)
{
    const size_t channels = (size_t)call->plan->input.channels;
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (cnn_real)call->shared[SHARED_MEAN * channels + c];
        factor[c] = (cnn_real)((double)call->tensors[GAIN][c] * call->shared[SHARED_INVERSE * channels + c]);
    }
}

/** The same of the running statistics. */
static void running_terms(const cnn_layer_call *call, cnn_real *mean, cnn_real *factor)
{
    const batchnorm_options *options = call->options;
    for (int c = 0; c < call->plan->input.channels; c++) {
        const double inverse = 1 / sqrt((double)call->tensors[VARIANCE][c] + options->epsilon);
        mean[c] = call->tensors[MEAN][c];
        factor[c] = (cnn_real)((double)call->tensors[GAIN][c] * inverse);
    }
}

/** y[rows][c] = (x - mean) * factor + bias, rectified or not */
static CNN_INLINE void normalize(bool rectify, const cnn_layer_call *call, const cnn_real *restrict mean,
                                 const cnn_real *restrict factor)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call->plan, call->n);
    const cnn_real *restrict bias = call->tensors[BIAS];
    const cnn_real *x = call->x;
    cnn_real *y = call->y;
    for (size_t r = 0; r < rows; r++, x += channels, y += channels) {
        for (size_t c = 0; c < channels; c++) {
            const cnn_real value = normalized(x[c] - mean[c], factor[c], bias[c]);
            y[c] = rectify && value < 0 ? 0 : value;
        }
    }
}

static void batchnorm_forward(const cnn_layer_call *call)
{
    cnn_real *mean = call->scratch, *factor = mean + call->plan->input.channels;
    (call->training ? batch_terms : running_terms)(call, mean, factor);
    if (call->rectify) {
        normalize(true, call, mean, factor);
    } else {
        normalize(false, call, mean, factor);
    }
}

/** sums[0][c] += dy, sums[1][c] += dy * (x - mean), over the pixels of x, dy[rows][c] */
static void batchnorm_backward_sums(const cnn_layer_call *call)
{
    const size_t channels = (size_t)call->plan->input.channels;
    cnn_real *mean = call->scratch, *factor = mean + channels;
    const summed from = {.x = call->x,
                         .dy = call->dy,
                         .mean = mean,
                         .factor = factor,
                         .bias = call->tensors[BIAS],
                         .rows = pixels(call->plan, call->n),
                         .channels = channels};
    batch_terms(call, mean, factor);
    if (call->rectify) {
        add_all(SUM_DY_RECTIFIED, from, call->sums);
    } else {
        add_all(SUM_DY, from, call->sums);
    }
}

/** dbias = sum of dy, dgain (where it is trained) = sum of dy * normalized; their means stay in `shared` for dx */
static void batchnorm_backward_total(const cnn_layer_call *call)
{
    const size_t channels = (size_t)call->plan->input.channels;
    const double count = (double)pixels(call->plan, call->batch);
    cnn_real *gain_gradient = call->gradients[GAIN];
    for (size_t c = 0; c < channels; c++) {
        const double dbias = call->sums[c];
        const double dgain = call->sums[channels + c] * call->shared[SHARED_INVERSE * channels + c];
        call->gradients[BIAS][c] = (cnn_real)dbias;
        if (gain_gradient) {
            gain_gradient[c] = (cnn_real)dgain;
        }
        call->shared[SHARED_DY * channels + c] = dbias / count;
        call->shared[SHARED_DY_NORMALIZED * channels + c] = dgain / count;
    }
}

/** dx[rows][c] = dy * factor - (x - mean) * slope - offset, terms[c] being mean, factor, slope, offset; with a
 * rectifier behind, of the dy that it lets through */
static CNN_INLINE void input_gradient(bool rectified, const cnn_layer_call *call, const cnn_real *restrict terms)
{
    const size_t channels = (size_t)call->plan->input.channels, rows = pixels(call->plan, call->n);
    const cnn_real *mean = terms, *factor = mean + channels, *slope = factor + channels, *offset = slope + channels;
    const cnn_real *restrict x = call->x, *restrict bias = call->tensors[BIAS];
    const cnn_real *dy = call->dy;
    cnn_real *dx = call->dx;
    for (size_t r = 0; r < rows; r++, x += channels, dy += channels, dx += channels) {
        for (size_t c = 0; c < channels; c++) {
            const cnn_real distance = x[c] - mean[c], given = dy[c];
            const cnn_real kept = !rectified || normalized(distance, factor[c], bias[c]) > 0 ? given : 0;
            dx[c] = kept * factor[c] - distance * slope[c] - offset[c];
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
    cnn_real *mean = call->scratch, *slope = mean + 2 * channels, *offset = slope + channels;
    batch_terms(call, mean, mean + channels);
    for (size_t c = 0; c < channels; c++) {
        const double inverse = shared[SHARED_INVERSE * channels + c];
        const double factor = (double)call->tensors[GAIN][c] * inverse;
        slope[c] = (cnn_real)(factor * inverse * shared[SHARED_DY_NORMALIZED * channels + c]);
        offset[c] = (cnn_real)(factor * shared[SHARED_DY * channels + c]);
    }
    if (call->rectify) {
        input_gradient(true, call, mean);
    } else {
        input_gradient(false, call, mean);
    }
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

const cnn_layer_kind CNN_LAYER(batchnorm) = {
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

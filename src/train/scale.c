/* Fitting the input's scaling: each channel's, or each pixel's, mean and deviation, and whitening by ZCA (Bell and
 * Sejnowski 1997, "The independent components of natural scenes are edge filters"): with the covariance U D U^T of
 * patches of standardized pixels, a patch times U (D + epsilon)^-1/2 U^T is decorrelated, and the centre pixel's rows
 * of that matrix are the filters of a convolution that whitens an image in place. */
#include "train/scale.h"

#include "base/memory.h"
#include "math/eigen.h"

#include <math.h>
#include <string.h>

/** Images and pixels between patches that the covariance is taken of: some 100,000 patches. */
#define WHITEN_IMAGES 2000
#define WHITEN_STEP 3
/** Added to the eigenvalues, of standardized pixels: noise below it stays small (Coates, Lee, Ng 2011). */
#define WHITEN_EPSILON 0.1
/** Below this variance, of pixels counted 0 .. 255, a channel is constant. */
#define CONSTANT_VARIANCE 1e-6
/** The least deviation that one pixel is divided by, in the same counting: digits' margins are nearly constant, and a
 * speck there in a test image would drown everything else. */
#define LEAST_PIXEL_DEVIATION 8.0

/** Mean and deviation of each channel over `count` images, pixels counted 0 .. 1; of a constant channel deviation 1. */
static void measure_channels(const cnn_dataset *data, const int *indices, int count, double *mean, double *deviation)
{
    const int channels = data->shape.channels;
    const size_t pixels = (size_t)data->shape.height * (size_t)data->shape.width;
    for (int c = 0; c < channels; c++) {
        uint64_t sum = 0, squares = 0; /* exact: 255^2 times 2^48 values */
        for (int i = 0; i < count; i++) {
            const uint8_t *image = cnn_dataset_pixels(data, indices[i]);
            for (size_t p = 0; p < pixels; p++) {
                const unsigned value = image[p * (size_t)channels + (size_t)c];
                sum += value;
                squares += (uint64_t)value * value;
            }
        }
        const double values = (double)pixels * count;
        const double average = (double)sum / values;
        const double variance = (double)squares / values - average * average;
        mean[c] = average / 255;
        deviation[c] = variance > CONSTANT_VARIANCE ? sqrt(variance) / 255 : 1;
    }
}

/** The values of the node's tensor that is called `name`. */
static cnn_real *tensor_of(const cnn_model *model, const char *name)
{
    const cnn_node *node = &model->network->nodes[0];
    int i = 0;
    while (strcmp(node->plan.tensors[i].name, name) != 0) {
        i++;
    }
    return model->parameters + model->network->slots[node->tensors + i].offset;
}

/** Mean and 1 / deviation of each number of an image, pixels counted 0 .. 1; a cache line of all images at a time, not
 * one number (0.2 s instead of 2.1, of 50,000 images of 32x32x3). */
static void fit_pixels(const cnn_model *model, const cnn_dataset *data, const int *indices, int count)
{
    enum { LINE = 64 };
    cnn_real *means = tensor_of(model, "mean"), *factors = tensor_of(model, "factor");
    const size_t size = cnn_shape_size(data->shape);
    for (size_t first = 0; first < size; first += LINE) {
        const size_t length = size - first < LINE ? size - first : LINE;
        uint64_t sums[LINE] = {0}, squares[LINE] = {0};
        for (int i = 0; i < count; i++) {
            const uint8_t *pixels = cnn_dataset_pixels(data, indices[i]) + first;
            for (size_t p = 0; p < length; p++) {
                sums[p] += pixels[p];
                squares[p] += (uint64_t)pixels[p] * pixels[p];
            }
        }
        for (size_t p = 0; p < length; p++) {
            const double mean = (double)sums[p] / count, variance = (double)squares[p] / count - mean * mean;
            means[first + p] = (cnn_real)(mean / 255);
            factors[first + p] = (cnn_real)(255 / fmax(sqrt(fmax(variance, 0)), LEAST_PIXEL_DEVIATION));
        }
    }
}

/** Patches of kernel x kernel pixels, standardized. */
typedef struct patches {
    const cnn_model *model;
    const cnn_dataset *data;
    int kernel;
    size_t size;        /* numbers of a patch */
    double *covariance; /* [size][size] */
    double *vectors;    /* [size][size] */
    double *patch;      /* [size] */
} patches;

static void read_patch(const patches *p, const uint8_t *image, int y, int x)
{
    const cnn_shape shape = p->data->shape;
    double *out = p->patch;
    for (int ky = 0; ky < p->kernel; ky++) {
        for (int kx = 0; kx < p->kernel; kx++) {
            const size_t pixel = (size_t)(y + ky) * (size_t)shape.width + (size_t)(x + kx);
            for (int c = 0; c < shape.channels; c++) {
                const double value = image[pixel * (size_t)shape.channels + (size_t)c] / 255.0;
                *out++ = (value - p->model->mean[c]) / p->model->deviation[c];
            }
        }
    }
}

/** covariance = mean over the patches of patch patch^T, whose own mean is about 0, as that of all pixels is 0. */
static void measure_covariance(const patches *p, const int *indices, int count)
{
    const cnn_shape shape = p->data->shape;
    double seen = 0;
    for (int i = 0; i < count && i < WHITEN_IMAGES; i++) {
        const uint8_t *image = cnn_dataset_pixels(p->data, indices[i]);
        for (int y = 0; y + p->kernel <= shape.height; y += WHITEN_STEP) {
            for (int x = 0; x + p->kernel <= shape.width; x += WHITEN_STEP) {
                read_patch(p, image, y, x);
                seen++;
                for (size_t a = 0; a < p->size; a++) {
                    for (size_t b = 0; b < p->size; b++) {
                        p->covariance[a * p->size + b] += p->patch[a] * p->patch[b];
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < p->size * p->size; i++) {
        p->covariance[i] /= seen;
    }
}

/** weight[c][k] = sum over eigenvectors v of v[centre c] v[k] / sqrt(eigenvalue + epsilon) */
static void fill_filters(const patches *p, cnn_real *weight)
{
    const size_t channels = (size_t)p->data->shape.channels, centre = p->size / channels / 2;
    for (size_t c = 0; c < channels; c++) {
        for (size_t k = 0; k < p->size; k++) {
            double sum = 0;
            for (size_t v = 0; v < p->size; v++) {
                const double *vector = p->vectors + v * p->size;
                const double eigenvalue = fmax(p->covariance[v * (p->size + 1)], 0);
                sum += vector[centre * channels + c] * vector[k] / sqrt(eigenvalue + WHITEN_EPSILON);
            }
            weight[c * p->size + k] = (cnn_real)sum;
        }
    }
}

static cnn_status fit_whitening(const cnn_model *model, const cnn_dataset *data, const int *indices, int count,
                                cnn_error *error)
{
    const cnn_tensor *weight = &model->network->nodes[0].plan.tensors[0];
    patches p = {.model = model, .data = data, .kernel = weight->sizes[1], .size = (size_t)weight->fan_in};
    if (data->shape.height < p.kernel || data->shape.width < p.kernel) {
        return cnn_fail(error, CNN_MISMATCH, "scale=whiten takes patches of %dx%d pixels, the images have %dx%d",
                        p.kernel, p.kernel, data->shape.height, data->shape.width);
    }
    p.covariance = cnn_alloc(p.size * p.size, sizeof *p.covariance);
    p.vectors = cnn_alloc(p.size * p.size, sizeof *p.vectors);
    p.patch = cnn_alloc(p.size, sizeof *p.patch);
    const bool allocated = p.covariance != NULL && p.vectors != NULL && p.patch != NULL;
    if (allocated) {
        measure_covariance(&p, indices, count);
        cnn_eigen_symmetric(p.covariance, p.size, p.vectors);
        fill_filters(&p, tensor_of(model, "weight"));
    }
    cnn_free(p.covariance);
    cnn_free(p.vectors);
    cnn_free(p.patch);
    return allocated ? CNN_OK : cnn_fail_memory(error);
}

cnn_status cnn_scale_fit(cnn_model *model, const cnn_dataset *data, const int *indices, int count, cnn_error *error)
{
    const cnn_scale scale = (cnn_scale)model->network->scale;
    if (scale == CNN_SCALE_STANDARDIZE_PIXELS) {
        fit_pixels(model, data, indices, count);
    }
    if (scale != CNN_SCALE_STANDARDIZE && scale != CNN_SCALE_WHITEN) {
        return CNN_OK;
    }
    double mean[4], deviation[4];
    measure_channels(data, indices, count, mean, deviation);
    const cnn_status status = cnn_model_set_scale(model, mean, deviation, error);
    return status == CNN_OK && scale == CNN_SCALE_WHITEN ? fit_whitening(model, data, indices, count, error) : status;
}

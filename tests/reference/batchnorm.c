/* Batch normalization by its definition, a channel at a time. */
#include "reference/reference.h"

#include <math.h>

enum { GAIN, BIAS, MEAN, VARIANCE };

static cnn_shape output(const char *text, cnn_shape input)
{
    (void)text;
    return input;
}

static int rows_of(const reference_call *call)
{
    return call->n * call->input.height * call->input.width;
}

/** Mean and biased variance of channel c over the batch. */
static void statistics(const reference_call *call, int c, double *mean, double *variance)
{
    const int rows = rows_of(call), channels = call->input.channels;
    *mean = *variance = 0;
    for (int r = 0; r < rows; r++) {
        *mean += call->x[r * channels + c] / rows;
    }
    for (int r = 0; r < rows; r++) {
        *variance += pow(call->x[r * channels + c] - *mean, 2) / rows;
    }
}

static void forward(const reference_call *call)
{
    const int rows = rows_of(call), channels = call->input.channels;
    const double momentum = reference_number(call->text, "momentum", 0.9);
    const double epsilon = reference_number(call->text, "epsilon", 1e-5);
    for (int c = 0; c < channels; c++) {
        double mean = call->tensors[MEAN][c], variance = call->tensors[VARIANCE][c];
        if (call->training) {
            statistics(call, c, &mean, &variance);
            const double unbiased = rows > 1 ? variance * rows / (rows - 1) : variance;
            call->tensors[MEAN][c] = momentum * call->tensors[MEAN][c] + (1 - momentum) * mean;
            call->tensors[VARIANCE][c] = momentum * call->tensors[VARIANCE][c] + (1 - momentum) * unbiased;
        }
        for (int r = 0; r < rows; r++) {
            call->y[r * channels + c] =
                (call->x[r * channels + c] - mean) / sqrt(variance + epsilon) * call->tensors[GAIN][c] +
                call->tensors[BIAS][c];
        }
    }
}

/** By the chain rule, step by step: normalized value, variance, mean, input. */
static void backward(const reference_call *call)
{
    const int rows = rows_of(call), channels = call->input.channels;
    const double epsilon = reference_number(call->text, "epsilon", 1e-5);
    for (int c = 0; c < channels; c++) {
        double mean, variance, dmean = 0, dvariance = 0;
        statistics(call, c, &mean, &variance);
        const double deviation = sqrt(variance + epsilon), gain = call->tensors[GAIN][c];
        double dgain = 0;
        call->gradients[BIAS][c] = 0;
        for (int r = 0; r < rows; r++) {
            const double dy = call->dy[r * channels + c], centred = call->x[r * channels + c] - mean;
            call->gradients[BIAS][c] += dy;
            dgain += dy * centred / deviation;
            dvariance += dy * gain * centred * -0.5 / pow(deviation, 3);
            dmean += -dy * gain / deviation;
        }
        if (!reference_has(call->text, "gain", "off")) {
            call->gradients[GAIN][c] = dgain;
        }
        for (int r = 0; r < rows; r++) {
            call->dx[r * channels + c] = call->dy[r * channels + c] * gain / deviation +
                                         dvariance * 2 * (call->x[r * channels + c] - mean) / rows + dmean / rows;
        }
    }
}

const reference_layer reference_batchnorm = {"batchnorm", output, forward, backward};

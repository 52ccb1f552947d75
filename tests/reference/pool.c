/* Maximum, average and global average pooling by their definitions. */
#include "reference/reference.h"

#include <math.h>
#include <string.h>

static reference_axis axis_of(const char *text, int axis, cnn_shape input)
{
    const int size = reference_pair(text, "size", axis, 2), stride = reference_pair(text, "stride", axis, 0);
    return reference_place(text, size, stride ? stride : size, axis, input);
}

static cnn_shape pool_output(const char *text, cnn_shape input)
{
    return (cnn_shape){axis_of(text, 0, input).count, axis_of(text, 1, input).count, input.channels};
}

/** The indices of the pixels of channel c in the window of output pixel (oy, ox), and how many they are. */
static int window(const reference_call *call, const int at[4], size_t *indices)
{
    const reference_axis v = axis_of(call->text, 0, call->input), h = axis_of(call->text, 1, call->input);
    int count = 0;
    for (int ky = 0; ky < v.size; ky++) {
        for (int kx = 0; kx < h.size; kx++) {
            const int y = at[1] * v.stride + ky - v.before, x = at[2] * h.stride + kx - h.before;
            if (y >= 0 && y < call->input.height && x >= 0 && x < call->input.width) {
                indices[count++] = reference_at(call->input, at[0], y, x, at[3]);
            }
        }
    }
    return count;
}

/** Calls visit(call, output's index, the window's indices, their count) for all outputs. */
static void for_each_output(const reference_call *call,
                            void (*visit)(const reference_call *call, size_t out, const size_t *indices, int count))
{
    size_t indices[1024], out = 0;
    for (int i = 0; i < call->n; i++) {
        for (int oy = 0; oy < call->output.height; oy++) {
            for (int ox = 0; ox < call->output.width; ox++) {
                for (int c = 0; c < call->output.channels; c++) {
                    const int count = window(call, (const int[]){i, oy, ox, c}, indices);
                    visit(call, out++, indices, count);
                }
            }
        }
    }
}

static size_t input_size(const reference_call *call)
{
    return reference_at(call->input, call->n, 0, 0, 0);
}

/** The first largest of a window; the first NaN where there is one. */
static size_t largest(const double *x, const size_t *indices, int count)
{
    size_t best = indices[0];
    for (int i = 1; i < count && !isnan(x[best]); i++) {
        if (x[indices[i]] > x[best] || isnan(x[indices[i]])) {
            best = indices[i];
        }
    }
    return best;
}

static void visit_max_forward(const reference_call *call, size_t out, const size_t *indices, int count)
{
    call->y[out] = call->x[largest(call->x, indices, count)];
}

static void visit_max_backward(const reference_call *call, size_t out, const size_t *indices, int count)
{
    call->dx[largest(call->x, indices, count)] += call->dy[out];
}

static void visit_mean_forward(const reference_call *call, size_t out, const size_t *indices, int count)
{
    call->y[out] = 0;
    for (int i = 0; i < count; i++) {
        call->y[out] += call->x[indices[i]] / count;
    }
}

static void visit_mean_backward(const reference_call *call, size_t out, const size_t *indices, int count)
{
    for (int i = 0; i < count; i++) {
        call->dx[indices[i]] += call->dy[out] / count;
    }
}

static void max_forward(const reference_call *call)
{
    for_each_output(call, visit_max_forward);
}

static void max_backward(const reference_call *call)
{
    memset(call->dx, 0, input_size(call) * sizeof *call->dx);
    for_each_output(call, visit_max_backward);
}

static void mean_forward(const reference_call *call)
{
    for_each_output(call, visit_mean_forward);
}

static void mean_backward(const reference_call *call)
{
    memset(call->dx, 0, input_size(call) * sizeof *call->dx);
    for_each_output(call, visit_mean_backward);
}

static cnn_shape global_output(const char *text, cnn_shape input)
{
    (void)text;
    return (cnn_shape){1, 1, input.channels};
}

static void global_forward(const reference_call *call)
{
    const int area = call->input.height * call->input.width, channels = call->input.channels;
    memset(call->y, 0, (size_t)(call->n * channels) * sizeof *call->y);
    for (int i = 0; i < call->n; i++) {
        for (int pixel = 0; pixel < area; pixel++) {
            for (int c = 0; c < channels; c++) {
                call->y[i * channels + c] += call->x[(i * area + pixel) * channels + c] / area;
            }
        }
    }
}

static void global_backward(const reference_call *call)
{
    const int area = call->input.height * call->input.width, channels = call->input.channels;
    for (int i = 0; i < call->n; i++) {
        for (int pixel = 0; pixel < area; pixel++) {
            for (int c = 0; c < channels; c++) {
                call->dx[(i * area + pixel) * channels + c] = call->dy[i * channels + c] / area;
            }
        }
    }
}

const reference_layer reference_maxpool = {"maxpool", pool_output, max_forward, max_backward};
const reference_layer reference_avgpool = {"avgpool", pool_output, mean_forward, mean_backward};
const reference_layer reference_globalavgpool = {"globalavgpool", global_output, global_forward, global_backward};

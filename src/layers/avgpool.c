/* Average pooling: the mean of those pixels of each window that lie on the image. */
#include "layers/pool.h"

#include <string.h>

static cnn_status avgpool_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    return cnn_pool_plan(plan, options, state, error);
}

/** 1 / the pixels of a window that count. */
static inline cnn_real share(const cnn_pool_window *window)
{
    return 1 / (cnn_real)((window->rows.end - window->rows.first) * (window->columns.end - window->columns.first));
}

/** One image: y[out_h][out_w][c] = mean over the window of x[h][w][c] */
static void pool_image(const cnn_windows *windows, const cnn_layer_plan *plan, const cnn_real *restrict x,
                       cnn_real *restrict y)
{
    const ptrdiff_t channels = plan->input.channels, width = plan->input.width;
    for (int oy = 0; oy < plan->output.height; oy++) {
        for (int ox = 0; ox < plan->output.width; ox++, y += channels) {
            const cnn_pool_window window = cnn_pool_window_at(windows, plan->input, oy, ox);
            const cnn_real factor = share(&window);
            memset(y, 0, (size_t)channels * sizeof *y);
            for (int ky = window.rows.first; ky < window.rows.end; ky++) {
                for (int kx = window.columns.first; kx < window.columns.end; kx++) {
                    const cnn_real *from = x + (window.corner + (ky * width + kx) * channels);
                    for (ptrdiff_t c = 0; c < channels; c++) {
                        y[c] += from[c];
                    }
                }
            }
            for (ptrdiff_t c = 0; c < channels; c++) {
                y[c] *= factor;
            }
        }
    }
}

/** One image's dx, zero before: each pixel of a window gets its share of the window's dy. */
static void spread_image(const cnn_windows *windows, const cnn_layer_plan *plan, const cnn_real *restrict dy,
                         cnn_real *restrict dx)
{
    const ptrdiff_t channels = plan->input.channels, width = plan->input.width;
    for (int oy = 0; oy < plan->output.height; oy++) {
        for (int ox = 0; ox < plan->output.width; ox++, dy += channels) {
            const cnn_pool_window window = cnn_pool_window_at(windows, plan->input, oy, ox);
            const cnn_real factor = share(&window);
            for (int ky = window.rows.first; ky < window.rows.end; ky++) {
                for (int kx = window.columns.first; kx < window.columns.end; kx++) {
                    cnn_real *to = dx + (window.corner + (ky * width + kx) * channels);
                    for (ptrdiff_t c = 0; c < channels; c++) {
                        to[c] += factor * dy[c];
                    }
                }
            }
        }
    }
}

static void avgpool_forward(const cnn_layer_call *call)
{
    const size_t input = cnn_shape_size(call->plan->input), output = cnn_shape_size(call->plan->output);
    for (size_t i = 0; i < (size_t)call->n; i++) {
        pool_image(call->state, call->plan, call->x + i * input, call->y + i * output);
    }
}

static void avgpool_backward(const cnn_layer_call *call)
{
    const size_t input = cnn_shape_size(call->plan->input), output = cnn_shape_size(call->plan->output);
    if (!call->dx) {
        return;
    }
    memset(call->dx, 0, (size_t)call->n * input * sizeof *call->dx);
    for (size_t i = 0; i < (size_t)call->n; i++) {
        spread_image(call->state, call->plan, call->dy + i * output, call->dx + i * input);
    }
}

const cnn_layer_kind CNN_LAYER(avgpool) = {
    .name = "avgpool",
    .help = "the mean of each window",
    .options = cnn_pool_table,
    .options_size = sizeof(cnn_pool_options),
    .state_size = sizeof(cnn_windows),
    .plan = avgpool_plan,
    .forward = avgpool_forward,
    .backward = avgpool_backward,
};

/* Options and windows of pooling. */
#include "layers/pool.h"

const cnn_option cnn_pool_table[] = {
    {"size", CNN_OPTION_PAIR, offsetof(cnn_pool_options, size), 1, CNN_WINDOW_LIMIT, "2", NULL,
     "height x width of a window, or both at once", false},
    {"stride", CNN_OPTION_PAIR, offsetof(cnn_pool_options, stride), 0, CNN_WINDOW_LIMIT, "0", NULL,
     "pixels between neighbouring windows; 0: the size", false},
    {"padding", CNN_OPTION_INTEGER, offsetof(cnn_pool_options, padding), 0, CNN_WINDOW_LIMIT, "valid",
     CNN_PADDING_WORDS, "pixels on each side, which do not count; same: output = input / stride, rounded up", false},
    {0}};

cnn_status cnn_pool_plan(cnn_layer_plan *plan, const cnn_pool_options *options, cnn_windows *windows, cnn_error *error)
{
    const cnn_shape input = plan->input;
    for (int i = 0; i < 2; i++) {
        windows->size[i] = options->size[i];
        windows->stride[i] = options->stride[i] ? options->stride[i] : options->size[i];
    }
    const int height = windows->size[0], width = windows->size[1];
    if (options->padding >= height || options->padding >= width) {
        return cnn_fail(error, CNN_USAGE, "padding=%d must be smaller than the window %dx%d", options->padding, height,
                        width);
    }
    if (!cnn_windows_lay(windows, options->padding, input)) {
        return cnn_fail(error, CNN_USAGE, "window %dx%d does not fit in %dx%dx%d", height, width, input.height,
                        input.width, input.channels);
    }
    return cnn_plan_output(plan, (cnn_shape){windows->count[0], windows->count[1], input.channels}, error);
}

cnn_pool_window cnn_pool_window_at(const cnn_windows *windows, cnn_shape input, int out_y, int out_x)
{
    const int y = out_y * windows->stride[0] - windows->before[0], x = out_x * windows->stride[1] - windows->before[1];
    return (cnn_pool_window){.rows = cnn_span_within(y, windows->size[0], input.height),
                             .columns = cnn_span_within(x, windows->size[1], input.width),
                             .corner = ((ptrdiff_t)y * input.width + x) * input.channels};
}

bool cnn_pool_is_apart(const cnn_windows *windows, cnn_shape input)
{
    const int sizes[2] = {input.height, input.width};
    for (int i = 0; i < 2; i++) {
        const int end = (windows->count[i] - 1) * windows->stride[i] + windows->size[i];
        if (windows->stride[i] < windows->size[i] || windows->before[i] > 0 || end > sizes[i]) {
            return false;
        }
    }
    return true;
}

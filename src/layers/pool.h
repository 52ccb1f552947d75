/* What maximum and average pooling share: options, and where the windows lie. */
#ifndef CNN_LAYERS_POOL_H
#define CNN_LAYERS_POOL_H

#include "layers/planning.h"

typedef struct cnn_pool_options {
    int size[2], stride[2]; /* a stride of 0 is the size */
    int padding;
} cnn_pool_options;

extern const cnn_option cnn_pool_table[];

/** Sets *windows, the layer's state, and the output. Every window holds at least one pixel of the image. */
cnn_status cnn_pool_plan(cnn_layer_plan *plan, const cnn_pool_options *options, cnn_windows *windows, cnn_error *error);

/** The window of output pixel (out_y, out_x), cut to the image. */
typedef struct cnn_pool_window {
    cnn_span rows, columns; /* positions in the window that lie on the image */
    ptrdiff_t corner;       /* of the window's position (0, 0), in numbers from the image's first; may be outside */
} cnn_pool_window;
cnn_pool_window cnn_pool_window_at(const cnn_windows *windows, cnn_shape input, int out_y, int out_x);

/** Whether no window is cut and no pixel lies in two of them. */
bool cnn_pool_is_apart(const cnn_windows *windows, cnn_shape input);

#endif

/* What the plan() functions of several kinds share: declaring outputs and tensors whose sizes are checked, and laying
 * windows over an image. */
#ifndef CNN_LAYERS_PLANNING_H
#define CNN_LAYERS_PLANNING_H

#include "layers/layer.h"

/** The values of a `padding` option beside a number, which is the padding on each side. */
#define CNN_PADDING_SAME CNN_OPTION_WORD(0)
#define CNN_PADDING_VALID CNN_OPTION_WORD(1)
#define CNN_PADDING_WORDS ((const char *const[]){"same", "valid", NULL})
/** The largest kernel, window, stride or padding that an option takes. */
#define CNN_WINDOW_LIMIT 1024

/** Windows of one size laid over an image, each pair being vertical, horizontal. */
typedef struct cnn_windows {
    int size[2], stride[2];
    int count[2];  /* of windows: the output's height and width */
    int before[2]; /* padding above and to the left; below and to the right it follows from the counts */
} cnn_windows;

/** Sets `count` and `before` from `size`, `stride`, `padding` and the image. CNN_PADDING_SAME gives
 * ceil(input / stride) windows, an odd pixel of padding going below and to the right. False where no window fits. */
bool cnn_windows_lay(cnn_windows *windows, int padding, cnn_shape input);

/** The part first .. end - 1 of a window of `size` pixels from `start` that lies within 0 .. limit - 1. */
typedef struct cnn_span {
    int first, end;
} cnn_span;
static inline cnn_span cnn_span_within(int start, int size, int limit)
{
    const int first = start < 0 ? -start : 0, end = size < limit - start ? size : limit - start;
    return (cnn_span){first < size ? first : size, end > 0 ? end : 0};
}

/** Sets plan->output; fails where input or output have more than INT_MAX numbers. */
cnn_status cnn_plan_output(cnn_layer_plan *plan, cnn_shape output, cnn_error *error);

/** Appends a tensor; fails where it has more than INT_MAX numbers. */
cnn_status cnn_plan_tensor(cnn_layer_plan *plan, cnn_tensor tensor, cnn_error *error);

/** A vector of `size` numbers that begin as `value`, without weight decay. */
cnn_tensor cnn_tensor_vector(const char *name, cnn_role role, int size, double value);

#endif

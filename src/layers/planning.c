/* Checked outputs and tensors, and windows over an image. */
#include "layers/planning.h"

#include "base/memory.h"

#include <limits.h>

/** Whether rank sizes multiply to at most INT_MAX. */
static bool is_bounded(const int *sizes, int rank)
{
    size_t product = 1;
    for (int i = 0; i < rank; i++) {
        if (!cnn_multiply_size(product, (size_t)sizes[i], &product)) {
            return false;
        }
    }
    return product <= INT_MAX;
}

static cnn_status check_shape(const char *what, cnn_shape shape, cnn_error *error)
{
    if (is_bounded((const int[]){shape.height, shape.width, shape.channels}, 3)) {
        return CNN_OK;
    }
    return cnn_fail(error, CNN_USAGE, "%s %dx%dx%d is too large: more than %d numbers an image", what, shape.height,
                    shape.width, shape.channels, INT_MAX);
}

cnn_status cnn_plan_output(cnn_layer_plan *plan, cnn_shape output, cnn_error *error)
{
    cnn_status status = check_shape("input", plan->input, error);
    if (status == CNN_OK) {
        status = check_shape("output", output, error);
    }
    if (status == CNN_OK) {
        plan->output = output;
    }
    return status;
}

cnn_status cnn_plan_tensor(cnn_layer_plan *plan, cnn_tensor tensor, cnn_error *error)
{
    if (!is_bounded(tensor.sizes, tensor.rank)) {
        return cnn_fail(error, CNN_USAGE, "the %s is too large: more than %d numbers", tensor.name, INT_MAX);
    }
    plan->tensors[plan->tensor_count++] = tensor;
    return CNN_OK;
}

cnn_tensor cnn_tensor_vector(const char *name, cnn_role role, int size, double value)
{
    return (cnn_tensor){.name = name,
                        .role = role,
                        .rank = 1,
                        .sizes = {size},
                        .initialization = CNN_INITIALIZE_CONSTANT,
                        .value = value};
}

bool cnn_windows_lay(cnn_windows *windows, int padding, cnn_shape input)
{
    const int sizes[2] = {input.height, input.width};
    for (int i = 0; i < 2; i++) {
        const int64_t size = windows->size[i], stride = windows->stride[i];
        int64_t count, before = 0;
        if (padding == CNN_PADDING_SAME) {
            count = (sizes[i] + stride - 1) / stride;
            const int64_t missing = (count - 1) * stride + size - sizes[i];
            before = missing > 0 ? missing / 2 : 0;
        } else {
            before = padding == CNN_PADDING_VALID ? 0 : padding;
            const int64_t room = sizes[i] + 2 * before - size;
            if (room < 0) {
                return false;
            }
            count = room / stride + 1;
        }
        if (count > INT_MAX) {
            return false;
        }
        windows->count[i] = (int)count;
        windows->before[i] = (int)before;
    }
    return true;
}

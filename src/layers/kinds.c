/* The list of layer kinds: a new kind is one line. */
#include "layers/layer.h"

#include <string.h>

#define KIND_LIST(X)                                                                                                   \
    X(conv)                                                                                                            \
    X(relu)                                                                                                            \
    X(maxpool)                                                                                                         \
    X(avgpool)                                                                                                         \
    X(globalavgpool)                                                                                                   \
    X(dense)                                                                                                           \
    X(dropout)                                                                                                         \
    X(batchnorm)                                                                                                       \
    X(add)

#define KIND_DECLARE(name) extern const cnn_layer_kind cnn_layer_##name;
KIND_LIST(KIND_DECLARE)

#define KIND_ENTRY(name) &cnn_layer_##name,
const cnn_layer_kind *const cnn_layer_kinds[] = {KIND_LIST(KIND_ENTRY) NULL};

const cnn_layer_kind *cnn_layer_find(const char *name, size_t length)
{
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds; *kind; kind++) {
        if (strlen((*kind)->name) == length && memcmp((*kind)->name, name, length) == 0) {
            return *kind;
        }
    }
    return NULL;
}

size_t cnn_shape_size(cnn_shape shape)
{
    return (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
}

/* The list of layer kinds: a new kind is one line. */
#include "layers/layer.h"

#include <string.h>

#define KIND_LIST(X, level)                                                                                            \
    X(conv, level)                                                                                                     \
    X(relu, level)                                                                                                     \
    X(leakyrelu, level)                                                                                                \
    X(prelu, level)                                                                                                    \
    X(elu, level)                                                                                                      \
    X(selu, level)                                                                                                     \
    X(gelu, level)                                                                                                     \
    X(silu, level)                                                                                                     \
    X(softplus, level)                                                                                                 \
    X(sigmoid, level)                                                                                                  \
    X(tanh, level)                                                                                                     \
    X(softsign, level)                                                                                                 \
    X(abs, level)                                                                                                      \
    X(linear, level)                                                                                                   \
    X(maxout, level)                                                                                                   \
    X(maxpool, level)                                                                                                  \
    X(avgpool, level)                                                                                                  \
    X(globalavgpool, level)                                                                                            \
    X(dense, level)                                                                                                    \
    X(dropout, level)                                                                                                  \
    X(batchnorm, level)                                                                                                \
    X(standardize, level)                                                                                              \
    X(penalty, level)                                                                                                  \
    X(add, level)

#define KIND_DECLARE(name, level) extern const cnn_layer_kind cnn_layer_##name##_##level;
#define KIND_ENTRY(name, level) &cnn_layer_##name##_##level,
#define KINDS_OF(level, name)                                                                                          \
    KIND_LIST(KIND_DECLARE, level)                                                                                     \
    static const cnn_layer_kind *const kinds_##level[] = {KIND_LIST(KIND_ENTRY, level) NULL};
CNN_ISA_LIST(KINDS_OF)

const cnn_layer_kind *const *cnn_layer_kinds(cnn_isa isa)
{
#define LEVEL_ENTRY(level, name) [CNN_ISA_##level] = kinds_##level,
    static const cnn_layer_kind *const *const kinds[] = {CNN_ISA_LIST(LEVEL_ENTRY)};
    return kinds[isa];
}

const cnn_layer_kind *cnn_layer_find(cnn_isa isa, const char *name, size_t length)
{
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(isa); *kind; kind++) {
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

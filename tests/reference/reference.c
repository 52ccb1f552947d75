/* The list of twins, and how they read a statement. */
#include "reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_LIST(X)                                                                                              \
    X(conv)                                                                                                            \
    X(dense)                                                                                                           \
    X(relu)                                                                                                            \
    X(maxpool)                                                                                                         \
    X(avgpool)                                                                                                         \
    X(globalavgpool)                                                                                                   \
    X(dropout)                                                                                                         \
    X(batchnorm)                                                                                                       \
    X(add)                                                                                                             \
    X(standardize)                                                                                                     \
    X(penalty)                                                                                                         \
    X(leakyrelu)                                                                                                       \
    X(prelu)                                                                                                           \
    X(elu)                                                                                                             \
    X(selu)                                                                                                            \
    X(gelu)                                                                                                            \
    X(silu)                                                                                                            \
    X(softplus)                                                                                                        \
    X(sigmoid)                                                                                                         \
    X(tanh)                                                                                                            \
    X(softsign)                                                                                                        \
    X(abs)                                                                                                             \
    X(linear)                                                                                                          \
    X(maxout)

#define REFERENCE_DECLARE(name) extern const reference_layer reference_##name;
REFERENCE_LIST(REFERENCE_DECLARE)

#define REFERENCE_ENTRY(name) &reference_##name,
const reference_layer *const reference_layers[] = {REFERENCE_LIST(REFERENCE_ENTRY) NULL};

const reference_layer *reference_find(const char *text)
{
    const size_t length = strcspn(text, " ");
    for (const reference_layer *const *layer = reference_layers; *layer; layer++) {
        if (strlen((*layer)->name) == length && memcmp((*layer)->name, text, length) == 0) {
            return *layer;
        }
    }
    return NULL;
}

/** What stands after "name=", or NULL. */
static const char *value_of(const char *text, const char *name)
{
    char key[32];
    snprintf(key, sizeof key, " %s=", name);
    const char *found = strstr(text, key);
    return found ? found + strlen(key) : NULL;
}

double reference_number(const char *text, const char *name, double fallback)
{
    const char *value = value_of(text, name);
    return value ? strtod(value, NULL) : fallback;
}

int reference_pair(const char *text, const char *name, int axis, int fallback)
{
    const char *value = value_of(text, name);
    if (!value) {
        return fallback;
    }
    char *end;
    const int first = (int)strtol(value, &end, 10);
    return axis == 1 && *end == 'x' ? (int)strtol(end + 1, NULL, 10) : first;
}

bool reference_has(const char *text, const char *name, const char *value)
{
    const char *found = value_of(text, name);
    return found && strcspn(found, " ") == strlen(value) && memcmp(found, value, strlen(value)) == 0;
}

reference_axis reference_place(const char *text, int size, int stride, int axis, cnn_shape input)
{
    const int pixels = axis ? input.width : input.height;
    if (!reference_has(text, "padding", "same")) {
        const int padding = reference_has(text, "padding", "valid") ? 0 : (int)reference_number(text, "padding", 0);
        return (reference_axis){size, stride, (pixels + 2 * padding - size) / stride + 1, padding};
    }
    const int count = pixels / stride + (pixels % stride > 0);
    int missing = 0;
    while ((count - 1) * stride + size > pixels + missing) {
        missing++;
    }
    return (reference_axis){size, stride, count, missing / 2};
}

size_t reference_at(cnn_shape shape, int i, int y, int x, int c)
{
    return (((size_t)i * (size_t)shape.height + (size_t)y) * (size_t)shape.width + (size_t)x) * (size_t)shape.channels +
           (size_t)c;
}

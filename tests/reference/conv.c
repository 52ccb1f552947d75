/* Convolution by its definition. */
#include "reference/reference.h"

#include <string.h>

typedef struct geometry {
    reference_axis vertical, horizontal;
    int groups, filters, channels; /* channels of one group */
    bool bias;
} geometry;

static geometry geometry_of(const char *text, cnn_shape input)
{
    geometry g;
    g.vertical =
        reference_place(text, reference_pair(text, "kernel", 0, 3), reference_pair(text, "stride", 0, 1), 0, input);
    g.horizontal =
        reference_place(text, reference_pair(text, "kernel", 1, 3), reference_pair(text, "stride", 1, 1), 1, input);
    g.groups = (int)reference_number(text, "groups", 1);
    g.filters = (int)reference_number(text, "filters", 0);
    g.channels = input.channels / g.groups;
    g.bias = !reference_has(text, "bias", "off");
    return g;
}

static cnn_shape output(const char *text, cnn_shape input)
{
    const geometry g = geometry_of(text, input);
    return (cnn_shape){g.vertical.count, g.horizontal.count, g.filters};
}

/** One multiplication: y[out] += x[in] * weight[w]. */
typedef struct product {
    size_t in, out, weight;
} product;

/** Calls visit(call, term) for every product that the layer sums. */
static void for_each_term(const reference_call *call, void (*visit)(const reference_call *call, product term))
{
    const geometry g = geometry_of(call->text, call->input);
    for (int i = 0; i < call->n; i++) {
        for (int oy = 0; oy < g.vertical.count; oy++) {
            for (int ox = 0; ox < g.horizontal.count; ox++) {
                for (int f = 0; f < g.filters; f++) {
                    for (int ky = 0; ky < g.vertical.size; ky++) {
                        for (int kx = 0; kx < g.horizontal.size; kx++) {
                            const int y = oy * g.vertical.stride + ky - g.vertical.before;
                            const int x = ox * g.horizontal.stride + kx - g.horizontal.before;
                            if (y < 0 || y >= call->input.height || x < 0 || x >= call->input.width) {
                                continue;
                            }
                            const int group = f / (g.filters / g.groups);
                            for (int c = 0; c < g.channels; c++) {
                                const int weight =
                                    ((f * g.vertical.size + ky) * g.horizontal.size + kx) * g.channels + c;
                                visit(call, (product){reference_at(call->input, i, y, x, group * g.channels + c),
                                                      reference_at(call->output, i, oy, ox, f), (size_t)weight});
                            }
                        }
                    }
                }
            }
        }
    }
}

static void visit_forward(const reference_call *call, product term)
{
    call->y[term.out] += call->x[term.in] * call->tensors[0][term.weight];
}

static void visit_backward(const reference_call *call, product term)
{
    call->dx[term.in] += call->dy[term.out] * call->tensors[0][term.weight];
    if (call->gradients[0]) {
        call->gradients[0][term.weight] += call->dy[term.out] * call->x[term.in];
    }
}

static void forward(const reference_call *call)
{
    const geometry g = geometry_of(call->text, call->input);
    const size_t pixels = reference_at(call->output, call->n, 0, 0, 0) / (size_t)g.filters, filters = (size_t)g.filters;
    for (size_t i = 0; i < pixels * filters; i++) {
        call->y[i] = g.bias ? call->tensors[1][i % filters] : 0;
    }
    for_each_term(call, visit_forward);
}

static void backward(const reference_call *call)
{
    const geometry g = geometry_of(call->text, call->input);
    const size_t pixels = reference_at(call->output, call->n, 0, 0, 0) / (size_t)g.filters, filters = (size_t)g.filters;
    const int weights = g.filters * g.vertical.size * g.horizontal.size * g.channels;
    memset(call->dx, 0, reference_at(call->input, call->n, 0, 0, 0) * sizeof *call->dx);
    if (call->gradients[0]) {
        memset(call->gradients[0], 0, (size_t)weights * sizeof *call->dx);
    }
    for_each_term(call, visit_backward);
    if (!g.bias) {
        return;
    }
    memset(call->gradients[1], 0, filters * sizeof *call->dx);
    for (size_t i = 0; i < pixels * filters; i++) {
        call->gradients[1][i % filters] += call->dy[i];
    }
}

const reference_layer reference_conv = {"conv", output, forward, backward};

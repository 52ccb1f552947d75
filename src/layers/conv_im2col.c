/* Convolution as matrix products (im2col). The output pixels of a lane, over all its images, are cut into strips whose
 * columns stay in the L2 cache: gather a strip, multiply, go on. Writing out the columns of a whole batch first halves
 * the speed. Kernels of 1x1 need no columns: the image is the matrix. */
#include "base/memory.h"
#include "layers/columns.h"
#include "layers/panels.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <stdio.h>
#include <string.h>

/* The columns of a strip take at most about STRIP_BYTES, or what LEAST_ROWS pixels need: from 64 KiB to 1 MiB the
 * speed differs by a few percent. Products shall suit OpenBLAS's kernels for small ones (gemm.h): those of
 * forward and input gradient through cnn_gemm_near(); those of the weight gradient, which are filters x column_size and
 * sum over the strip, as they are (32 filters of 3x3x3: 137 us, not 235). */
#define STRIP_BYTES ((size_t)256 << 10)
#define LEAST_ROWS 48
#define LEAST_ROWS_SUMMED 64

/** Numbers in a row of columns: what one filter weighs. */
static int column_size(const cnn_conv_geometry *g)
{
    return g->kernel_h * g->kernel_w * g->group_channels;
}

/** Pixels of a strip: a multiple of 16. */
static size_t strip_rows(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const size_t size = (size_t)column_size(g), filters = (size_t)g->group_filters;
    size_t row = size * filters, least = LEAST_ROWS_SUMMED; /* multiplications of a row in one product */
    if (pass != CNN_CONV_BACKWARD_WEIGHT) {
        row = CNN_GEMM_WIDE * (pass == CNN_CONV_FORWARD ? size : filters);
        least = LEAST_ROWS;
    }
    const size_t small = CNN_GEMM_SMALL / row / 16 * 16, fitting = STRIP_BYTES / (size * sizeof(cnn_real)) / 16 * 16;
    const size_t rows = small < fitting ? small : fitting;
    return rows > least ? rows : least;
}

/** Whether the input is its own columns. */
static bool is_pointwise(const cnn_conv_geometry *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 &&
           g->input.height == g->output.height && g->input.width == g->output.width;
}

/** Output pixels of n images, or of a piece of them. */
typedef struct pixel_range {
    size_t first, end;
} pixel_range;

static pixel_range pixels_of(const cnn_conv_geometry *g, int n, const cnn_conv_slice *slice)
{
    const size_t pixels = (size_t)n * (size_t)g->output.height * (size_t)g->output.width;
    const size_t piece = (size_t)slice->piece, pieces = (size_t)slice->pieces;
    return (pixel_range){pixels * piece / pieces, pixels * (piece + 1) / pieces};
}

/** The strip of group 0 of up to `rows` output pixels that begins at `first` and ends before `end`. */
static cnn_strip strip_at(const cnn_conv_geometry *g, size_t first, size_t rows, size_t end)
{
    const size_t left = end - first;
    return (cnn_strip){.geometry = g, .first = first, .count = (int)(left < rows ? left : rows)};
}

/** The strip's columns, [count][column_size]: in scratch, or where they are already. */
static cnn_matrix columns_of(const cnn_strip *strip, const cnn_layer_call *call)
{
    const cnn_conv_geometry *g = strip->geometry;
    const size_t channels = (size_t)g->input.channels, skipped = (size_t)strip->group * (size_t)g->group_channels;
    if (is_pointwise(g)) {
        return (cnn_matrix){call->x + strip->first * channels + skipped, strip->count, g->group_channels,
                            g->input.channels};
    }
    cnn_columns_gather(strip, call->x, call->scratch);
    return (cnn_matrix){call->scratch, strip->count, column_size(g), column_size(g)};
}

/** The group's filters, [group_filters][column_size]. */
static cnn_matrix weights_of(const cnn_strip *strip, const cnn_layer_call *call)
{
    const cnn_conv_geometry *g = strip->geometry;
    const size_t skipped = (size_t)strip->group * (size_t)g->group_filters * (size_t)column_size(g);
    return (cnn_matrix){call->tensors[0] + skipped, g->group_filters, column_size(g), column_size(g)};
}

/** Where the group's numbers of the strip begin in y and dy, whose rows are all filters long. */
static size_t output_at(const cnn_strip *strip)
{
    const cnn_conv_geometry *g = strip->geometry;
    return strip->first * (size_t)g->output.channels + (size_t)strip->group * (size_t)g->group_filters;
}

/** The gradient of the group's part of the strip's output, [count][group_filters]. */
static cnn_matrix gradient_of(const cnn_strip *strip, const cnn_layer_call *call)
{
    const cnn_conv_geometry *g = strip->geometry;
    return (cnn_matrix){call->dy + output_at(strip), strip->count, g->group_filters, g->output.channels};
}

/** The span of y[rows][columns] = bias in each row: the product then adds to it, which costs no more than zeros do. */
static void set_rows(cnn_real *restrict y, size_t columns, const cnn_real *restrict bias, cnn_span span, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        memcpy(y + r * columns + span.first, bias + span.first, (size_t)(span.end - span.first) * sizeof *y);
    }
}

/** The group's prepared weights, [column_size][group_filters] in panels. */
static cnn_real *prepared_of(const cnn_conv_geometry *g, const cnn_layer_call *call, int group)
{
    return (cnn_real *)call->prepared + (size_t)group * (size_t)g->group_filters * (size_t)column_size(g);
}

/** y[pixels][filters] = bias + columns[pixels][column_size] weight^T, the latter being prepared; a slice of filters is
 * of the only group. */
static void forward(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const size_t rows = strip_rows(g, CNN_CONV_FORWARD), filters = (size_t)g->output.channels;
    const pixel_range pixels = pixels_of(g, call->n, &slice);
    const cnn_span span = g->groups == 1 ? slice.filters : (cnn_span){0, g->group_filters};
    for (size_t first = pixels.first; first < pixels.end; first += rows) {
        cnn_strip strip = strip_at(g, first, rows, pixels.end);
        cnn_real *y = call->y + first * filters;
        if (g->bias) {
            set_rows(y, filters, call->tensors[1], slice.filters, (size_t)strip.count);
        }
        for (; strip.group < g->groups; strip.group++) {
            cnn_panels_multiply(columns_of(&strip, call), prepared_of(g, call, strip.group), g->group_filters, span,
                                (cnn_product){call->y + output_at(&strip) + span.first, g->output.channels, g->bias});
        }
        if (call->rectify) {
            cnn_vector_rectify(y + slice.filters.first, filters, (size_t)strip.count,
                               (size_t)(slice.filters.end - slice.filters.first));
        }
    }
}

/** dcolumns[pixels][column_size] = dy[pixels][filters] weight, each added to the pixels it came from. */
static void backward_input(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const size_t rows = strip_rows(g, CNN_CONV_BACKWARD_INPUT);
    const pixel_range pixels = pixels_of(g, call->n, &slice);
    const size_t channels = (size_t)g->input.channels;
    const bool pointwise = is_pointwise(g);
    if (!pointwise) {
        memset(call->dx, 0, (size_t)call->n * cnn_shape_size(g->input) * sizeof *call->dx);
    }
    for (size_t first = pixels.first; first < pixels.end; first += rows) {
        for (cnn_strip strip = strip_at(g, first, rows, pixels.end); strip.group < g->groups; strip.group++) {
            const size_t skipped = (size_t)strip.group * (size_t)g->group_channels;
            cnn_product product = {call->scratch, column_size(g), 0};
            if (pointwise) {
                product = (cnn_product){call->dx + first * channels + skipped, g->input.channels, 0};
            }
            cnn_gemm_near(gradient_of(&strip, call), weights_of(&strip, call), product);
            if (!pointwise) {
                cnn_columns_scatter(&strip, call->scratch, call->dx);
            }
        }
    }
}

/** dweight[filters][column_size] = dy^T columns, dbias[filters] = sum of dy's rows; both over the strips in order. */
static void backward_weight(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const size_t rows = strip_rows(g, CNN_CONV_BACKWARD_WEIGHT);
    const pixel_range pixels = pixels_of(g, call->n, &slice);
    const size_t filters = (size_t)g->output.channels;
    const size_t group_size = (size_t)g->group_filters * (size_t)column_size(g);
    for (size_t first = pixels.first; first < pixels.end; first += rows) {
        cnn_strip strip = strip_at(g, first, rows, pixels.end);
        const int keep = first > 0;
        if (g->bias) {
            cnn_vector_sum_rows(call->gradients[1], call->dy + first * filters, (size_t)strip.count, filters, keep);
        }
        for (; strip.group < g->groups; strip.group++) {
            cnn_gemm(
                (cnn_factor){gradient_of(&strip, call), CNN_TRANSPOSED},
                (cnn_factor){columns_of(&strip, call), CNN_PLAIN},
                (cnn_product){call->gradients[0] + (size_t)strip.group * group_size, column_size(g), (cnn_real)keep});
        }
    }
}

/* Filters of one part of prepare(). */
#define PART_FILTERS 64

static int prepare_parts(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    return pass == CNN_CONV_FORWARD ? (g->output.channels + PART_FILTERS - 1) / PART_FILTERS : 0;
}

static size_t prepared_size(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const size_t filters = (size_t)g->output.channels;
    return pass == CNN_CONV_FORWARD ? filters * (size_t)column_size(g) * sizeof(cnn_real) : 0;
}

/** Transposes the weights of some filters. */
static void prepare(const cnn_conv_geometry *g, cnn_conv_pass pass, const cnn_layer_call *call)
{
    const int size = column_size(g), first = call->part * PART_FILTERS, left = g->output.channels - first;
    (void)pass;
    for (int f = first; f < first + (left < PART_FILTERS ? left : PART_FILTERS); f++) {
        const cnn_panel panel = cnn_panel_at(size, g->group_filters, f % g->group_filters);
        const cnn_real *restrict from = call->tensors[0] + (size_t)f * (size_t)size;
        cnn_real *restrict to = prepared_of(g, call, f / g->group_filters) + panel.offset;
        for (size_t k = 0; k < (size_t)size; k++) {
            to[k * (size_t)panel.width] = from[k];
        }
    }
}

/* One image's work for several threads, by output pixels. */
#define ALONE_PIXELS 256

static int alone_parts(const cnn_conv_geometry *g)
{
    return g->output.height * g->output.width / ALONE_PIXELS;
}

static bool possible(const cnn_conv_geometry *g)
{
    (void)g;
    return true;
}

static bool worthwhile(const cnn_conv_geometry *g, cnn_conv_pass pass, int images)
{
    (void)g, (void)pass, (void)images;
    return true;
}

static size_t scratch_size(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    size_t size;
    if (is_pointwise(g)) {
        return 0;
    }
    if (!cnn_multiply_size(strip_rows(g, pass) * sizeof(cnn_real), (size_t)column_size(g), &size)) {
        return SIZE_MAX;
    }
    return size;
}

static void describe(const cnn_conv_geometry *g, cnn_conv_pass pass, cnn_conv_slice slice, char *out, size_t size)
{
    (void)slice;
    snprintf(out, size, "im2col%s, %zu rows a strip", is_pointwise(g) ? " in place" : "", strip_rows(g, pass));
}

const cnn_conv_algorithm cnn_conv_im2col = {
    .name = "im2col",
    .possible = possible,
    .worthwhile = worthwhile,
    .scratch_size = scratch_size,
    .prepared_size = prepared_size,
    .prepare_parts = prepare_parts,
    .prepare = prepare,
    .alone_parts = alone_parts,
    .describe = describe,
    .run = {[CNN_CONV_FORWARD] = forward,
            [CNN_CONV_BACKWARD_INPUT] = backward_input,
            [CNN_CONV_BACKWARD_WEIGHT] = backward_weight},
};

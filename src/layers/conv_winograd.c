/* Winograd convolution of 3x3 kernels, F(4x4,3x3), and 5x5 kernels, F(2x2,5x5), with stride 1. Both cut the output into
 * tiles that each see 6x6 pixels. The tiles of a lane, over all its images, are taken in groups:
 *
 *     V[36][tiles][channels] = B^T x B, M[36] = V[36] U[36], y = A^T M A, with U[36][channels][filters] = G w G^T
 *
 * The input gradient is the same with dy for x, turned weights, and channels and filters exchanged; the weight gradient
 * is the adjoint, dw = G^T (sum over tiles of (A dy A^T)^T (B^T x B)) G. U is made once a batch. */
#include "base/arena.h"
#include "layers/panels.h"
#include "layers/winograd_tiles.h"
#include "layers/winograd_weights.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <stdio.h>
#include <string.h>

#define PLANES CNN_WINOGRAD_PLANES
#define TAPS 25 /* the most */

/** The scratch memory of a pass. */
typedef struct workspace {
    cnn_real *zeros;    /* what tiles read outside the image */
    cnn_real *nowhere;  /* where they write there */
    cnn_real *from;     /* [36][group][channels read] */
    cnn_real *to;       /* [36][group][channels written], or of so many filters as are done at a time */
    cnn_real *gradient; /* [36][filters done at a time][channels], of the weight gradient only */
    size_t size;        /* bytes of all */
} workspace;

static int count_of(cnn_span span)
{
    return span.end - span.first;
}

/* In a lane, the weight gradient is made for so many filters at a time that its planes stay in the L2 cache, though V
 * is made anew for each where a lane has more than one group: 256 x 256 filters over 8x8 pixels take 0.7 of the time
 * that all at once did, and an eighth of the memory. Over the whole batch a slice is small, and groups are many. */
#define GRADIENT_BYTES ((size_t)1 << 20)
#define GRADIENT_LEAST 32

static int filters_at_once(const cnn_conv_geometry *g, cnn_conv_slice slice)
{
    const int channels = count_of(slice.channels), filters = count_of(slice.filters);
    if (channels < g->input.channels) {
        return filters; /* a slice, which may be empty */
    }
    const size_t fitting = GRADIENT_BYTES / (PLANES * sizeof(cnn_real) * (size_t)channels) / 16 * 16;
    const int most = fitting > GRADIENT_LEAST ? (int)fitting : GRADIENT_LEAST;
    return filters < most ? filters : most;
}

static cnn_real *take(cnn_arena *arena, size_t count)
{
    return cnn_arena_take(arena, count, sizeof(cnn_real));
}

/** Places in `memory` for groups of `group` tiles; sizes only where that is NULL. The weight gradient's planes are
 * those of `to` filters by `from` channels. */
static workspace workspace_in(void *memory, int group, int from, int to, bool gradient)
{
    workspace w = {0};
    cnn_arena arena = {.base = memory};
    const size_t most = (size_t)(from > to ? from : to);
    w.zeros = take(&arena, most);
    w.nowhere = take(&arena, most);
    w.from = take(&arena, PLANES * cnn_winograd_stride(group, from));
    w.to = take(&arena, PLANES * cnn_winograd_stride(group, to));
    if (gradient) {
        w.gradient = take(&arena, PLANES * cnn_winograd_stride(to, from));
    }
    if (memory) {
        memset(w.zeros, 0, most * sizeof *w.zeros);
    }
    w.size = arena.used;
    return w;
}

/* ---- forward and input gradient */

/** M[36] = V[36] weights[36], of which [from.channels][span] are taken out of [from.channels][to.channels]. */
static void multiply_group(const cnn_winograd_tiling *t, int count, const cnn_real *weights, cnn_span span,
                           const workspace *w)
{
    const int from = t->from.channels, to = count_of(span);
    const size_t from_stride = cnn_winograd_stride(t->group, from), to_stride = cnn_winograd_stride(t->group, to);
    const size_t weight_stride = cnn_winograd_stride(from, t->to.channels);
    for (size_t k = 0; k < PLANES; k++) {
        const cnn_matrix v = {w->from + k * from_stride, count, from, from};
        const cnn_product m = {w->to + k * to_stride, to, 0};
        cnn_panels_multiply(v, weights + k * weight_stride, t->to.channels, span, m);
    }
}

/** What is convolved: the span's channels of `to` = `from` with prepared weights, over a range of tiles. */
typedef struct convolution {
    const cnn_real *from, *weights, *offset;
    bool rectify;
    cnn_real *to;
    cnn_span span;
    cnn_winograd_range range;
} convolution;

static void convolve(const cnn_winograd_tiling *t, const convolution *c, void *scratch)
{
    const workspace w = workspace_in(scratch, t->group, t->from.channels, count_of(c->span), false);
    const cnn_winograd_output output = {.channels = count_of(c->span),
                                        .finish = {c->offset ? c->offset + c->span.first : NULL, c->rectify},
                                        .nowhere = w.nowhere,
                                        .y = c->to + c->span.first};
    for (size_t i = 0; i < c->range.groups; i++) {
        const cnn_winograd_group group = cnn_winograd_group_at(c->range, i);
        cnn_winograd_spread_group(t, group, c->from, t->from.channels, w.zeros, w.from);
        multiply_group(t, group.count, c->weights, c->span, &w);
        cnn_winograd_collect_group(t, group, w.to, &output);
    }
}

static void forward(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, CNN_CONV_FORWARD);
    const convolution c = {.from = call->x,
                           .weights = call->prepared,
                           .offset = g->bias ? call->tensors[1] : NULL,
                           .rectify = call->rectify,
                           .to = call->y,
                           .span = slice.filters,
                           .range = cnn_winograd_piece(&t, call->n, slice.piece, slice.pieces)};
    convolve(&t, &c, call->scratch);
}

static void backward_input(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, CNN_CONV_BACKWARD_INPUT);
    const convolution c = {.from = call->dy,
                           .weights = call->prepared,
                           .to = call->dx,
                           .span = slice.channels,
                           .range = cnn_winograd_piece(&t, call->n, slice.piece, slice.pieces)};
    convolve(&t, &c, call->scratch);
}

/* ---- weight gradient */

/** gradient[36][filters][channels] (+)= Y[36]^T V[36] of a group of `count` tiles. */
static void add_products(int group, int count, int filters, int channels, bool keep, const workspace *w)
{
    const size_t from_stride = cnn_winograd_stride(group, channels), to_stride = cnn_winograd_stride(group, filters);
    const size_t stride = cnn_winograd_stride(filters, channels);
    for (size_t k = 0; k < PLANES; k++) {
        cnn_gemm((cnn_factor){{w->to + k * to_stride, count, filters, filters}, CNN_TRANSPOSED},
                 (cnn_factor){{w->from + k * from_stride, count, channels, channels}, CNN_PLAIN},
                 (cnn_product){w->gradient + k * stride, channels, keep});
    }
}

/** dw[filters][size][size][span] = G^T gradient G, the rows of dw being input.channels long. */
static void collect_gradient(const cnn_conv_geometry *g, int filters, cnn_span span, const workspace *w, cnn_real *dw)
{
    const int taps = g->kernel_h * g->kernel_w, channels = count_of(span);
    for (int f = 0; f < filters; f++) {
        cnn_real *tile[TAPS];
        for (int i = 0; i < taps; i++) {
            tile[i] = dw + (size_t)(f * taps + i) * (size_t)g->input.channels + (size_t)span.first;
        }
        cnn_winograd_collect(g->kernel_h, w->gradient + (size_t)f * (size_t)channels,
                             cnn_winograd_stride(filters, channels), (size_t)channels, (cnn_winograd_finish){0}, tile);
    }
}

static void backward_weight(const cnn_conv_geometry *g, const cnn_layer_call *call, cnn_conv_slice slice)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, CNN_CONV_BACKWARD_WEIGHT);
    const int channels = count_of(slice.channels), at_once = filters_at_once(g, slice);
    const workspace w = workspace_in(call->scratch, t.group, channels, at_once, true);
    const cnn_winograd_range range = cnn_winograd_piece(&t, call->n, 0, 1);
    const size_t filter_size = (size_t)(g->kernel_h * g->kernel_w) * (size_t)g->input.channels;
    for (int first = slice.filters.first; first < slice.filters.end; first += at_once) {
        const int left = slice.filters.end - first, count = left < at_once ? left : at_once;
        for (size_t i = 0; i < range.groups; i++) {
            const cnn_winograd_group group = cnn_winograd_group_at(range, i);
            if (first == slice.filters.first || range.groups > 1) {
                cnn_winograd_spread_group(&t, group, call->x + slice.channels.first, channels, w.zeros, w.from);
            }
            cnn_winograd_evaluate_group(&t, group, call->dy + first, count, w.zeros, w.to);
            add_products(t.group, group.count, count, channels, i > 0, &w);
        }
        collect_gradient(g, count, slice.channels, &w, call->gradients[0] + (size_t)first * filter_size);
    }
    if (g->bias && slice.filters.first == 0 && slice.channels.first == 0) {
        cnn_vector_sum_rows(call->gradients[1], call->dy,
                            (size_t)call->n * (size_t)g->output.height * (size_t)g->output.width,
                            (size_t)g->output.channels, 0);
    }
}

/* ---- prepared weights */

/* Filters of one part of prepare(): a vector, so that forward's planes are written in whole ones. */
#define PART_FILTERS 16

static int prepare_parts(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    (void)pass;
    return (g->output.channels + PART_FILTERS - 1) / PART_FILTERS;
}

static void prepare(const cnn_conv_geometry *g, cnn_conv_pass pass, const cnn_layer_call *call)
{
    const int first = call->part * PART_FILTERS, left = g->output.channels - first;
    const int count = left < PART_FILTERS ? left : PART_FILTERS;
    if (pass == CNN_CONV_FORWARD) {
        cnn_winograd_prepare(g, call->tensors[0], first, count, call->prepared);
    } else {
        cnn_winograd_prepare_turned(g, call->tensors[0], first, count, call->prepared);
    }
}

static size_t prepared_size(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const int channels = g->input.channels, filters = g->output.channels;
    const size_t plane =
        pass == CNN_CONV_FORWARD ? cnn_winograd_stride(channels, filters) : cnn_winograd_stride(filters, channels);
    return PLANES * plane * sizeof(cnn_real);
}

/* ---- planning */

static bool possible(const cnn_conv_geometry *g)
{
    return g->kernel_h == g->kernel_w && (g->kernel_h == 3 || g->kernel_h == 5) && g->stride_h == 1 &&
           g->stride_w == 1 && g->groups == 1;
}

/* Images of a lane and of a batch that the rules take for granted: they must follow from the shape alone. */
#define LANE CNN_LANE_IMAGES
#define BATCH 64

/* A slice must leave products of some width, and transforms its tiles once more for each slice beside it. */
#define LEAST_WHOLE 128
#define LEAST_ROWS 32

/** Where a lane's tiles are too few for a product; the weight gradient, where its planes outnumber those of a lane's
 * tiles, so that transforming and adding up one gradient a lane costs more than transforming tiles twice. */
static bool whole(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, pass);
    const int channels = g->input.channels, filters = g->output.channels;
    const double tiles = (double)LANE * t.high * t.wide;
    if (channels < LEAST_WHOLE || filters < LEAST_WHOLE) {
        return false;
    }
    return pass == CNN_CONV_BACKWARD_WEIGHT ? (double)channels * filters > tiles * (channels + filters)
                                            : tiles < LEAST_ROWS;
}

/* One image's work for several threads: products need some tiles, and waking threads some multiplications. Sharing out
 * the planes of one product instead, with V and M in common, made them wait for each other's caches: ResNet-20 took 650
 * us, not 280. */
#define ALONE_TILES 8
#define ALONE_LEAST 4e6

static int alone_parts(const cnn_conv_geometry *g)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, CNN_CONV_FORWARD);
    const double taps = (double)g->kernel_h * g->kernel_w, pixels = (double)g->output.height * g->output.width;
    const bool enough = taps * pixels * g->input.channels * g->output.channels > ALONE_LEAST;
    return enough ? t.high * t.wide / ALONE_TILES : 0;
}

/* Fitted to some 120 shapes, lanes of LANE images: in units of one multiplication by the products, a tile costs 36
 * of them for each pair of channel and filter, those 36 times SPREADING for each channel in whole vectors, and what a
 * lane, or the batch, pays once: reading the prepared weights, or writing and transforming their gradient, dearer where
 * that leaves the caches. im2col's multiplications cost IM2COL each. */
#define SPREADING 9.0
#define IM2COL 1.3
#define LARGE_WEIGHTS ((double)(6 << 20))
#define LEAST_CHANNELS 16

/** Channels in whole vectors, which is how the transforms take them. */
static int in_vectors(int channels)
{
    return (channels + 15) / 16 * 16;
}

static bool worthwhile(const cnn_conv_geometry *g, cnn_conv_pass pass, int images)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, pass);
    const double tiles = (double)t.high * t.wide, pairs = (double)g->input.channels * g->output.channels;
    const double taps = (double)g->kernel_h * g->kernel_w;
    const bool large = PLANES * pairs * sizeof(float) > LARGE_WEIGHTS;
    const double a_lane = pass == CNN_CONV_BACKWARD_WEIGHT ? (large ? 40 : 16) : 4;
    const double once = a_lane / (images >= LANE && whole(g, pass) ? BATCH : images);
    const double direct = IM2COL * taps * g->output.height * g->output.width * pairs;
    const double spreading = SPREADING * (in_vectors(g->input.channels) + in_vectors(g->output.channels));
    return g->input.channels >= LEAST_CHANNELS && g->output.channels >= LEAST_CHANNELS &&
           PLANES * (tiles * (pairs + spreading) + once * pairs) < direct;
}

static size_t scratch_size(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, pass);
    if (pass != CNN_CONV_BACKWARD_WEIGHT) {
        return workspace_in(NULL, t.group, t.from.channels, t.to.channels, false).size;
    }
    const cnn_span filters = {0, g->output.channels}, channels = {0, g->input.channels};
    const cnn_conv_slice all = {filters, channels, 0, 1}, part = cnn_conv_whole_slice(g, pass, CNN_CONV_PARTS - 1);
    const size_t lane = workspace_in(NULL, t.group, g->input.channels, filters_at_once(g, all), true).size;
    const size_t own = workspace_in(NULL, t.group, count_of(part.channels), filters_at_once(g, part), true).size;
    return lane > own ? lane : own;
}

static void describe(const cnn_conv_geometry *g, cnn_conv_pass pass, cnn_conv_slice slice, char *out, size_t size)
{
    const cnn_winograd_tiling t = cnn_winograd_tile(g, pass);
    const int length = snprintf(out, size, "winograd F(%dx%d,%dx%d), %d tiles a group", t.size, t.size, g->kernel_h,
                                g->kernel_w, t.group);
    if (pass == CNN_CONV_BACKWARD_WEIGHT && length > 0 && (size_t)length < size) {
        snprintf(out + length, size - (size_t)length, ", %d filters at once", filters_at_once(g, slice));
    }
}

const cnn_conv_algorithm cnn_conv_winograd = {
    .name = "winograd",
    .possible = possible,
    .worthwhile = worthwhile,
    .whole = whole,
    .scratch_size = scratch_size,
    .describe = describe,
    .prepared_size = prepared_size,
    .prepare_parts = prepare_parts,
    .prepare = prepare,
    .alone_parts = alone_parts,
    .run = {[CNN_CONV_FORWARD] = forward,
            [CNN_CONV_BACKWARD_INPUT] = backward_input,
            [CNN_CONV_BACKWARD_WEIGHT] = backward_weight},
};

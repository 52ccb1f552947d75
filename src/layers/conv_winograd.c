/* Winograd convolution of 3x3 kernels, F(4x4,3x3), and 5x5 kernels, F(2x2,5x5), with stride 1. Both cut the output into
 * tiles that each see 6x6 pixels. The tiles of a lane, over all its images, are taken in groups:
 *
 *     V[36][tiles][channels] = B^T x B, M[36] = V[36] U[36]^T, y = A^T M A   with U[36][filters][channels] = G w G^T
 *
 * The input gradient is the same with dy for x, turned weights, and channels and filters exchanged; the weight gradient
 * is the adjoint, dw = G^T (sum over tiles of (A dy A^T)^T (B^T x B)) G. U is made once a batch.
 *
 * GROUP SIZE RULE AND FIGURES */
#include "base/memory.h"
#include "layers/conv.h"
#include "layers/winograd_transform.h"
#include "math/gemm.h"
#include "math/vector.h"

#include <string.h>

#define PLANES CNN_WINOGRAD_PLANES
#define TILE_IN CNN_WINOGRAD_POINTS
#define TAPS 25 /* the most */

/** One convolution to be done in tiles: the shapes it maps between, the padding, and the tiles that cover `to`. */
typedef struct tiling {
    cnn_shape from, to;
    int top, left;
    int size;       /* of a tile of outputs: 4 or 2 */
    int high, wide; /* tiles of an image */
    int group;      /* most tiles of a group */
} tiling;

/** Tiles first .. first + count - 1 of all tiles of a lane. */
typedef struct tile_group {
    size_t first;
    int count;
} tile_group;

/** The scratch memory of a pass. */
typedef struct workspace {
    cnn_real *zeros;    /* what tiles read outside the image */
    cnn_real *nowhere;  /* where they write there */
    cnn_real *from;     /* [36][group][from.channels] */
    cnn_real *to;       /* [36][group][to.channels] */
    cnn_real *gradient; /* [36][filters][channels], of the weight gradient only */
    size_t size;        /* bytes of all */
} workspace;

static int rounded_up(int a, int b)
{
    return (a + b - 1) / b;
}

/** Numbers from one plane to the next: an odd count of cache lines, so that the 36 do not fall on the same few sets. */
static size_t plane_stride(size_t rows, size_t columns)
{
    const size_t line = CNN_ALIGNMENT / sizeof(cnn_real);
    return ((rows * columns + line - 1) / line | 1) * line;
}

/* V and M of a group shall stay in the L2 cache, but a product needs some rows. Of 32, 48, 64, 96, 128 and 256 tiles, 32
 * were the fastest or as fast as any for 32 to 256 channels, 128 and 256 up to a third slower. */
#define GROUP_BYTES ((size_t)1 << 20)
#define GROUP_LEAST 32

static int group_size(const tiling *t)
{
    const size_t tile = PLANES * sizeof(cnn_real) * (size_t)(t->from.channels + t->to.channels);
    const size_t fitting = GROUP_BYTES / tile;
    return fitting > GROUP_LEAST ? (int)fitting : GROUP_LEAST;
}

/** The tiling of a pass; the weight gradient's is that of forward. */
static tiling tiling_of(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const bool turned = pass == CNN_CONV_BACKWARD_INPUT;
    tiling t = {.from = turned ? g->output : g->input,
                .to = turned ? g->input : g->output,
                .top = turned ? g->kernel_h - 1 - g->top : g->top,
                .left = turned ? g->kernel_w - 1 - g->left : g->left,
                .size = TILE_IN + 1 - g->kernel_h};
    t.high = rounded_up(t.to.height, t.size);
    t.wide = rounded_up(t.to.width, t.size);
    t.group = group_size(&t);
    return t;
}

/** Cuts n images into groups of about the same size; index 0 and up, count 0 after the last. */
static tile_group group_at(const tiling *t, int n, size_t index)
{
    const size_t tiles = (size_t)n * (size_t)t->high * (size_t)t->wide;
    const size_t groups = (tiles + (size_t)t->group - 1) / (size_t)t->group;
    if (index >= groups)
        return (tile_group){tiles, 0};
    const size_t first = tiles * index / groups, end = tiles * (index + 1) / groups;
    return (tile_group){first, (int)(end - first)};
}

/** Room for `count` rows of `columns` numbers at `at` within `memory`, which is NULL while sizes are added up. */
static cnn_real *take(workspace *w, void *memory, size_t count)
{
    cnn_real *at = memory ? (cnn_real *)memory + w->size / sizeof(cnn_real) : NULL;
    w->size += plane_stride(1, count) * sizeof(cnn_real);
    return at;
}

/** The numbers of the prepared weights of forward, which come first. */
static size_t prepared_forward(const cnn_conv_geometry *g)
{
    return PLANES * plane_stride((size_t)g->input.channels, (size_t)g->output.channels);
}

/** The numbers of the prepared weights of the input gradient, which follow. */
static size_t prepared_turned(const cnn_conv_geometry *g)
{
    return PLANES * plane_stride((size_t)g->output.channels, (size_t)g->input.channels);
}

/** Places in `memory`; sizes only where that is NULL. */
static workspace workspace_in(void *memory, const tiling *t, bool gradient)
{
    workspace w = {0};
    const size_t from = (size_t)t->from.channels, to = (size_t)t->to.channels, group = (size_t)t->group;
    w.zeros = take(&w, memory, from > to ? from : to);
    w.nowhere = take(&w, memory, to);
    w.from = take(&w, memory, PLANES * plane_stride(group, from));
    w.to = take(&w, memory, PLANES * plane_stride(group, to));
    if (gradient)
        w.gradient = take(&w, memory, PLANES * plane_stride(to, from));
    if (memory)
        memset(w.zeros, 0, (from > to ? from : to) * sizeof *w.zeros);
    return w;
}

/* ---- tiles and their pixels */

/** A square of size x size pixels of one image of `shape`, some of which may lie outside. */
typedef struct square {
    cnn_shape shape;
    size_t image;
    int y, x, size;
} square;

static square square_at(const tiling *t, cnn_shape shape, size_t tile, bool of_outputs)
{
    const size_t within = tile % ((size_t)t->high * (size_t)t->wide);
    const int y = (int)(within / (size_t)t->wide) * t->size, x = (int)(within % (size_t)t->wide) * t->size;
    return (square){.shape = shape,
                    .image = tile / ((size_t)t->high * (size_t)t->wide),
                    .y = of_outputs ? y : y - t->top,
                    .x = of_outputs ? x : x - t->left,
                    .size = of_outputs ? t->size : TILE_IN};
}

/** The places of the square's pixels within images, `outside` for those that lie there. */
static void find_pixels(const square *s, const cnn_real *images, const cnn_real *outside,
                        const cnn_real *pixels[PLANES])
{
    const size_t channels = (size_t)s->shape.channels;
    const cnn_real *image = images + s->image * cnn_shape_size(s->shape);
    for (int i = 0; i < s->size; i++) {
        const bool row_inside = s->y + i >= 0 && s->y + i < s->shape.height;
        const cnn_real *row = image + (size_t)(row_inside ? s->y + i : 0) * (size_t)s->shape.width * channels;
        for (int j = 0; j < s->size; j++) {
            const bool inside = row_inside && s->x + j >= 0 && s->x + j < s->shape.width;
            pixels[i * s->size + j] = inside ? row + (size_t)(s->x + j) * channels : outside;
        }
    }
}

/* ---- forward and input gradient */

static void spread_group(const tiling *t, const tile_group *group, const cnn_real *from, const workspace *w)
{
    const size_t channels = (size_t)t->from.channels, stride = plane_stride((size_t)t->group, channels);
    for (int i = 0; i < group->count; i++) {
        const cnn_real *pixels[PLANES];
        const square s = square_at(t, t->from, group->first + (size_t)i, false);
        find_pixels(&s, from, w->zeros, pixels);
        cnn_winograd_spread(pixels, channels, w->from + (size_t)i * channels, stride);
    }
}

/** Has each tile of the group collected from planes to its pixels of `to`; those outside go nowhere. */
static void collect_group(const tiling *t, const tile_group *group, const cnn_real *offset, const workspace *w,
                          cnn_real *to)
{
    const size_t channels = (size_t)t->to.channels, stride = plane_stride((size_t)t->group, channels);
    for (int i = 0; i < group->count; i++) {
        const cnn_real *pixels[PLANES];
        cnn_real *written[PLANES];
        const square s = square_at(t, t->to, group->first + (size_t)i, true);
        find_pixels(&s, to, w->nowhere, pixels);
        memcpy(written, pixels, sizeof written); /* the same pointers, to what may be written here */
        cnn_winograd_collect(t->size, w->to + (size_t)i * channels, stride, channels, offset, written);
    }
}

/** M[36] = V[36] weights[36], in [from.channels][to.channels]. */
static void multiply_group(const tiling *t, int count, const cnn_real *weights, const workspace *w)
{
    const int from = t->from.channels, to = t->to.channels;
    const size_t from_stride = plane_stride((size_t)t->group, (size_t)from);
    const size_t to_stride = plane_stride((size_t)t->group, (size_t)to);
    const size_t weight_stride = plane_stride((size_t)from, (size_t)to);
    for (size_t k = 0; k < PLANES; k++)
        cnn_gemm_near((cnn_factor){{w->from + k * from_stride, count, from, from}, CNN_PLAIN},
                      (cnn_factor){{weights + k * weight_stride, from, to, to}, CNN_PLAIN},
                      (cnn_product){w->to + k * to_stride, to, 0});
}

/** `to` = `from` convolved with prepared weights. */
static void convolve(const tiling *t, const cnn_layer_call *call, const cnn_real *from, const cnn_real *weights,
                     const cnn_real *offset, cnn_real *to)
{
    const workspace w = workspace_in(call->scratch, t, false);
    size_t index = 0;
    for (tile_group group; (group = group_at(t, call->n, index)).count > 0; index++) {
        spread_group(t, &group, from, &w);
        multiply_group(t, group.count, weights, &w);
        collect_group(t, &group, offset, &w, to);
    }
}

static void forward(const cnn_conv_geometry *g, const cnn_layer_call *call)
{
    const tiling t = tiling_of(g, CNN_CONV_FORWARD);
    convolve(&t, call, call->x, call->prepared, g->bias ? call->tensors[1] : NULL, call->y);
}

static void backward_input(const cnn_conv_geometry *g, const cnn_layer_call *call)
{
    const tiling t = tiling_of(g, CNN_CONV_BACKWARD_INPUT);
    convolve(&t, call, call->dy, (const cnn_real *)call->prepared + prepared_forward(g), NULL, call->dx);
}

/* ---- weight gradient */

static void evaluate_group(const tiling *t, const tile_group *group, const cnn_real *dy, const workspace *w)
{
    const size_t channels = (size_t)t->to.channels, stride = plane_stride((size_t)t->group, channels);
    for (int i = 0; i < group->count; i++) {
        const cnn_real *pixels[PLANES];
        const square s = square_at(t, t->to, group->first + (size_t)i, true);
        find_pixels(&s, dy, w->zeros, pixels);
        cnn_winograd_evaluate(t->size, pixels, channels, w->to + (size_t)i * channels, stride);
    }
}

static void backward_weight(const cnn_conv_geometry *g, const cnn_layer_call *call)
{
    const tiling t = tiling_of(g, CNN_CONV_BACKWARD_WEIGHT);
    const workspace w = workspace_in(call->scratch, &t, true);
    const int channels = g->input.channels, filters = g->output.channels, taps = g->kernel_h * g->kernel_w;
    const size_t from_stride = plane_stride((size_t)t.group, (size_t)channels);
    const size_t to_stride = plane_stride((size_t)t.group, (size_t)filters);
    const size_t stride = plane_stride((size_t)filters, (size_t)channels);
    size_t index = 0;
    for (tile_group group; (group = group_at(&t, call->n, index)).count > 0; index++) {
        spread_group(&t, &group, call->x, &w);
        evaluate_group(&t, &group, call->dy, &w);
        for (size_t k = 0; k < PLANES; k++)
            cnn_gemm((cnn_factor){{w.to + k * to_stride, group.count, filters, filters}, CNN_TRANSPOSED},
                     (cnn_factor){{w.from + k * from_stride, group.count, channels, channels}, CNN_PLAIN},
                     (cnn_product){w.gradient + k * stride, channels, index > 0});
    }
    for (int f = 0; f < filters; f++) {
        cnn_real *tile[TAPS];
        for (int i = 0; i < taps; i++)
            tile[i] = call->gradients[0] + (size_t)(f * taps + i) * (size_t)channels;
        cnn_winograd_collect(g->kernel_h, w.gradient + (size_t)f * (size_t)channels, stride, (size_t)channels, NULL,
                             tile);
    }
    if (g->bias)
        cnn_vector_sum_rows(call->gradients[1], call->dy,
                            (size_t)call->n * (size_t)g->output.height * (size_t)g->output.width, (size_t)filters, 0);
}

/* ---- prepared weights: G w G^T in both orders, so that neither factor of a product is transposed */

/* Filters of one part of prepare(), which are taken together so that they are contiguous in forward's planes. */
#define PART_FILTERS 16

static int prepare_parts(const cnn_conv_geometry *g)
{
    return (g->output.channels + PART_FILTERS - 1) / PART_FILTERS;
}

/** Forward's planes [channels][filters] of filters first .. first + count - 1: their weights are transposed, in squares,
 * then evaluated as if filters were channels. */
static void prepare_forward(const cnn_conv_geometry *g, const cnn_real *weights, int first, int count, cnn_real *planes)
{
    enum { SQUARE = 16 };
    cnn_real turned[SQUARE][TAPS][PART_FILTERS];
    const int taps = g->kernel_h * g->kernel_w, channels = g->input.channels;
    const size_t stride = plane_stride((size_t)channels, (size_t)g->output.channels);
    for (int c = 0; c < channels; c += SQUARE) {
        const int width = channels - c < SQUARE ? channels - c : SQUARE;
        for (int f = 0; f < count; f++)
            for (int i = 0; i < taps; i++)
                for (int j = 0; j < width; j++)
                    turned[j][i][f] = weights[(size_t)((first + f) * taps + i) * (size_t)channels + (size_t)(c + j)];
        for (int j = 0; j < width; j++) {
            const cnn_real *tile[TAPS];
            for (int i = 0; i < taps; i++)
                tile[i] = turned[j][i];
            cnn_winograd_evaluate(g->kernel_h, tile, (size_t)count,
                                  planes + (size_t)(c + j) * (size_t)g->output.channels + (size_t)first, stride);
        }
    }
}

/** The input gradient's planes [filters][channels] of one filter, the weights being turned by 180 degrees. */
static void prepare_turned(const cnn_conv_geometry *g, const cnn_real *weights, int filter, cnn_real *planes)
{
    const cnn_real *tile[TAPS];
    const int taps = g->kernel_h * g->kernel_w;
    const size_t channels = (size_t)g->input.channels;
    for (int i = 0; i < taps; i++)
        tile[taps - 1 - i] = weights + (size_t)(filter * taps + i) * channels;
    cnn_winograd_evaluate(g->kernel_h, tile, channels, planes + (size_t)filter * channels,
                          plane_stride((size_t)g->output.channels, channels));
}

static void prepare(const cnn_conv_geometry *g, const cnn_layer_call *call)
{
    cnn_real *planes = call->prepared;
    const int first = call->part * PART_FILTERS, left = g->output.channels - first;
    const int count = left < PART_FILTERS ? left : PART_FILTERS;
    prepare_forward(g, call->tensors[0], first, count, planes);
    for (int f = first; f < first + count && call->training; f++)
        prepare_turned(g, call->tensors[0], f, planes + prepared_forward(g));
}

static size_t prepared_size(const cnn_conv_geometry *g, bool training)
{
    return (prepared_forward(g) + (training ? prepared_turned(g) : 0)) * sizeof(cnn_real);
}

/* ---- planning */

static bool possible(const cnn_conv_geometry *g)
{
    return g->kernel_h == g->kernel_w && (g->kernel_h == 3 || g->kernel_h == 5) && g->stride_h == 1 &&
           g->stride_w == 1 && g->groups == 1;
}

/* Fitted to some 120 shapes, lanes of 8 images: in units of one multiplication by the products, a tile costs 36 of them
 * for each pair of channel and filter, those 36 times SPREADING for each channel in whole vectors, and what a lane pays
 * once: reading the prepared weights, or writing and transforming their gradient, dearer where that leaves the caches.
 * im2col's multiplications cost IM2COL each. */
#define SPREADING 18.0
#define IM2COL 1.3
#define LARGE_WEIGHTS ((double)(4 << 20))
#define LEAST_CHANNELS 16

/** Channels in whole vectors, which is how the transforms take them. */
static double in_vectors(int channels)
{
    return 16.0 * rounded_up(channels, 16);
}

static bool worthwhile(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const tiling t = tiling_of(g, pass);
    const double tiles = (double)t.high * t.wide, pairs = (double)g->input.channels * g->output.channels;
    const double taps = (double)g->kernel_h * g->kernel_w;
    const bool large = PLANES * pairs * sizeof(float) > LARGE_WEIGHTS;
    const double once = pass == CNN_CONV_BACKWARD_WEIGHT ? (large ? 8 : 2) : large ? 3 : 0.5;
    const double direct = IM2COL * taps * g->output.height * g->output.width * pairs;
    const double spreading = SPREADING * (in_vectors(g->input.channels) + in_vectors(g->output.channels));
    return g->input.channels >= LEAST_CHANNELS && g->output.channels >= LEAST_CHANNELS &&
           PLANES * (tiles * (pairs + spreading) + once * pairs) < direct;
}

static size_t scratch_size(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const tiling t = tiling_of(g, pass);
    return workspace_in(NULL, &t, pass == CNN_CONV_BACKWARD_WEIGHT).size;
}

const cnn_conv_algorithm cnn_conv_winograd = {
    .name = "winograd",
    .possible = possible,
    .worthwhile = worthwhile,
    .scratch_size = scratch_size,
    .prepared_size = prepared_size,
    .prepare_parts = prepare_parts,
    .prepare = prepare,
    .run = {[CNN_CONV_FORWARD] = forward,
            [CNN_CONV_BACKWARD_INPUT] = backward_input,
            [CNN_CONV_BACKWARD_WEIGHT] = backward_weight},
};

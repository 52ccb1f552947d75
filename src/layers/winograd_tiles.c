/* Tiles are taken in groups that span images. Each finds its pixels as a table of pointers, in which those outside the
 * image point to zeros, or to where nobody reads: edges cost no more than the table. */
#include "layers/winograd_tiles.h"

#include "base/memory.h"

#include <string.h>

#define PLANES CNN_WINOGRAD_PLANES
#define TILE_IN CNN_WINOGRAD_POINTS

/* The planes of a group shall stay in the L2 cache, but a product needs some rows. Of 32, 48, 64, 96, 128 and 256
 * tiles, 32 were the fastest or as fast as any for 32 to 256 channels, 128 and 256 up to a third slower. */
#define GROUP_BYTES ((size_t)1 << 20)
#define GROUP_LEAST 32

static int group_size(const cnn_winograd_tiling *t)
{
    const size_t tile = PLANES * sizeof(cnn_real) * (size_t)(t->from.channels + t->to.channels);
    const size_t fitting = GROUP_BYTES / tile;
    return fitting > GROUP_LEAST ? (int)fitting : GROUP_LEAST;
}

cnn_winograd_tiling cnn_winograd_tile(const cnn_conv_geometry *g, cnn_conv_pass pass)
{
    const bool turned = pass == CNN_CONV_BACKWARD_INPUT;
    cnn_winograd_tiling t = {.from = turned ? g->output : g->input,
                             .to = turned ? g->input : g->output,
                             .top = turned ? g->kernel_h - 1 - g->top : g->top,
                             .left = turned ? g->kernel_w - 1 - g->left : g->left,
                             .size = TILE_IN + 1 - g->kernel_h};
    t.high = (t.to.height + t.size - 1) / t.size;
    t.wide = (t.to.width + t.size - 1) / t.size;
    t.group = group_size(&t);
    return t;
}

cnn_winograd_range cnn_winograd_piece(const cnn_winograd_tiling *t, int n, int piece, int pieces)
{
    const size_t tiles = (size_t)n * (size_t)t->high * (size_t)t->wide;
    const size_t first = tiles * (size_t)piece / (size_t)pieces, end = tiles * ((size_t)piece + 1) / (size_t)pieces;
    return (cnn_winograd_range){first, end, (end - first + (size_t)t->group - 1) / (size_t)t->group};
}

cnn_winograd_group cnn_winograd_group_at(cnn_winograd_range range, size_t index)
{
    const size_t tiles = range.end - range.first;
    const size_t first = tiles * index / range.groups, end = tiles * (index + 1) / range.groups;
    return (cnn_winograd_group){range.first + first, (int)(end - first)};
}

size_t cnn_winograd_stride(int rows, int columns)
{
    const size_t line = CNN_ALIGNMENT / sizeof(cnn_real);
    return (((size_t)rows * (size_t)columns + line - 1) / line | 1) * line;
}

/** A square of size x size pixels of one image of `shape`, some of which may lie outside. */
typedef struct square {
    cnn_shape shape;
    size_t image;
    int y, x, size;
} square;

/** What a tile covers of `to`. */
static square outputs_of(const cnn_winograd_tiling *t, size_t tile)
{
    const size_t tiles = (size_t)t->high * (size_t)t->wide, within = tile % tiles;
    return (square){.shape = t->to,
                    .image = tile / tiles,
                    .y = (int)(within / (size_t)t->wide) * t->size,
                    .x = (int)(within % (size_t)t->wide) * t->size,
                    .size = t->size};
}

/** What it sees of `from`. */
static square inputs_of(const cnn_winograd_tiling *t, size_t tile)
{
    square s = outputs_of(t, tile);
    s.shape = t->from;
    s.y -= t->top;
    s.x -= t->left;
    s.size = TILE_IN;
    return s;
}

/** The places of the square's pixels within images, `outside` for those that lie there. */
static CNN_INLINE void find_pixels(square s, const cnn_real *images, const cnn_real *outside,
                                   const cnn_real *pixels[PLANES])
{
    const ptrdiff_t channels = s.shape.channels, row = s.shape.width * channels;
    const cnn_real *image = images + s.image * cnn_shape_size(s.shape);
    if (s.y >= 0 && s.x >= 0 && s.y + s.size <= s.shape.height && s.x + s.size <= s.shape.width) {
        const cnn_real *corner = image + s.y * row + s.x * channels;
        for (int i = 0; i < s.size; i++) {
            for (int j = 0; j < s.size; j++) {
                pixels[i * s.size + j] = corner + i * row + j * channels;
            }
        }
        return;
    }
    for (int i = 0; i < s.size; i++) {
        const bool row_inside = s.y + i >= 0 && s.y + i < s.shape.height;
        for (int j = 0; j < s.size; j++) {
            const bool inside = row_inside && s.x + j >= 0 && s.x + j < s.shape.width;
            pixels[i * s.size + j] = inside ? image + (s.y + i) * row + (s.x + j) * channels : outside;
        }
    }
}

void cnn_winograd_spread_group(const cnn_winograd_tiling *t, cnn_winograd_group group, const cnn_real *x, int channels,
                               const cnn_real *zeros, cnn_real *planes)
{
    const size_t count = (size_t)channels, stride = cnn_winograd_stride(t->group, channels);
    for (size_t i = 0; i < (size_t)group.count; i++) {
        const cnn_real *pixels[PLANES];
        find_pixels(inputs_of(t, group.first + i), x, zeros, pixels);
        cnn_winograd_spread(pixels, count, planes + i * count, stride);
    }
}

void cnn_winograd_evaluate_group(const cnn_winograd_tiling *t, cnn_winograd_group group, const cnn_real *dy,
                                 int channels, const cnn_real *zeros, cnn_real *planes)
{
    const size_t count = (size_t)channels, stride = cnn_winograd_stride(t->group, channels);
    for (size_t i = 0; i < (size_t)group.count; i++) {
        const cnn_real *pixels[PLANES];
        find_pixels(outputs_of(t, group.first + i), dy, zeros, pixels);
        cnn_winograd_evaluate(t->size, pixels, count, planes + i * count, stride);
    }
}

void cnn_winograd_collect_group(const cnn_winograd_tiling *t, cnn_winograd_group group, const cnn_real *planes,
                                const cnn_winograd_output *output)
{
    const size_t count = (size_t)output->channels, stride = cnn_winograd_stride(t->group, output->channels);
    for (size_t i = 0; i < (size_t)group.count; i++) {
        const cnn_real *pixels[PLANES];
        cnn_real *written[PLANES];
        find_pixels(outputs_of(t, group.first + i), output->y, output->nowhere, pixels);
        memcpy(written, pixels, sizeof written); /* the same pointers, to what may be written here */
        cnn_winograd_collect(t->size, planes + i * count, stride, count, output->finish, written);
    }
}

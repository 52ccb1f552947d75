/* The tiles of Winograd convolution: how they cover an image's outputs, and the transforms between images and planes
 * for groups of them. A group's planes are [36][group][channels], `stride` numbers apart. */
#ifndef CNN_LAYERS_WINOGRAD_TILES_H
#define CNN_LAYERS_WINOGRAD_TILES_H

#include "layers/conv.h"
#include "layers/winograd_transform.h"

/** One convolution done in tiles: the shapes it maps between, the padding, and the tiles that cover `to`. */
typedef struct cnn_winograd_tiling {
    cnn_shape from, to;
    int top, left;
    int size;       /* of a tile of outputs: 4 or 2; it sees 6 x 6 inputs */
    int high, wide; /* tiles of an image */
    int group;      /* most tiles of a group */
} cnn_winograd_tiling;

/** Tiles first .. first + count - 1 of all tiles of a lane's images. */
typedef struct cnn_winograd_group {
    size_t first;
    int count;
} cnn_winograd_group;

/** The pass's tiling, the weight gradient's being that of forward. */
cnn_winograd_tiling cnn_winograd_tile(const cnn_conv_geometry *geometry, cnn_conv_pass pass);

/** The groups, of about the same size, that the tiles of n images are cut into, and one of them. */
size_t cnn_winograd_groups(const cnn_winograd_tiling *tiling, int n);
cnn_winograd_group cnn_winograd_group_at(const cnn_winograd_tiling *tiling, int n, size_t index);

/** Numbers from one plane of [rows][columns] to the next: an odd count of cache lines, so that the 36 do not fall on
 * the same few sets of a cache. */
size_t cnn_winograd_stride(int rows, int columns);

/** planes[36][group][from.channels] = B^T x B of each tile, x being [n][from]; `zeros` [from.channels] stands for
 * pixels outside. */
void cnn_winograd_spread_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *x,
                               const cnn_real *zeros, cnn_real *planes);

/** planes[36][group][channels] = A dy A^T of each tile, of `channels` channels from `dy` on, which is within
 * [n][to]. */
void cnn_winograd_evaluate_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *dy,
                                 int channels, const cnn_real *zeros, cnn_real *planes);

/** y [n][to] = A^T m A + offset[to.channels] (unless NULL) of each tile; pixels outside go to `nowhere`
 * [to.channels]. */
void cnn_winograd_collect_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *planes,
                                const cnn_real *offset, cnn_real *nowhere, cnn_real *y);

#endif

/* The tiles of Winograd convolution: how they cover an image's outputs, and the transforms between images and planes
 * for groups of them. A group's planes are [36][group][channels], `stride` numbers apart. */
#ifndef CNN_LAYERS_WINOGRAD_TILES_H
#define CNN_LAYERS_WINOGRAD_TILES_H

#include "layers/conv.h"
#include "layers/winograd_transform.h"

#define cnn_winograd_tile CNN_VARIANT(cnn_winograd_tile)
#define cnn_winograd_piece CNN_VARIANT(cnn_winograd_piece)
#define cnn_winograd_group_at CNN_VARIANT(cnn_winograd_group_at)
#define cnn_winograd_stride CNN_VARIANT(cnn_winograd_stride)
#define cnn_winograd_spread_group CNN_VARIANT(cnn_winograd_spread_group)
#define cnn_winograd_evaluate_group CNN_VARIANT(cnn_winograd_evaluate_group)
#define cnn_winograd_collect_group CNN_VARIANT(cnn_winograd_collect_group)

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

/** Piece `piece` of `pieces` of the tiles of n images, and the groups, of about the same size, that it is cut into. */
typedef struct cnn_winograd_range {
    size_t first, end, groups;
} cnn_winograd_range;
cnn_winograd_range cnn_winograd_piece(const cnn_winograd_tiling *tiling, int n, int piece, int pieces);
cnn_winograd_group cnn_winograd_group_at(cnn_winograd_range range, size_t index);

/** Numbers from one plane of [rows][columns] to the next: an odd count of cache lines, so that the 36 do not fall on
 * the same few sets of a cache. */
size_t cnn_winograd_stride(int rows, int columns);

/* Each of the following takes `channels` channels of an image, from where x, dy or y points to. */

/** planes[36][group][channels] = B^T x B of each tile, x being within [n][from]; `zeros` [channels] stands for pixels
 * outside. */
void cnn_winograd_spread_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *x,
                               int channels, const cnn_real *zeros, cnn_real *planes);

/** planes[36][group][channels] = A dy A^T of each tile, dy being within [n][to]. */
void cnn_winograd_evaluate_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *dy,
                                 int channels, const cnn_real *zeros, cnn_real *planes);

/** Where outputs go, finished: `channels` channels within y [n][to]; pixels outside go to `nowhere` [channels]. */
typedef struct cnn_winograd_output {
    int channels;
    cnn_winograd_finish finish;
    cnn_real *nowhere, *y;
} cnn_winograd_output;

/** y = A^T m A, finished, of each tile, m being planes[36][group][channels]. */
void cnn_winograd_collect_group(const cnn_winograd_tiling *tiling, cnn_winograd_group group, const cnn_real *planes,
                                const cnn_winograd_output *output);

#endif

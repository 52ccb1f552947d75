/* The columns of im2col: the input under each kernel position, written out as the row of a matrix. */
#ifndef CNN_LAYERS_COLUMNS_H
#define CNN_LAYERS_COLUMNS_H

#include "layers/conv.h"

#define cnn_columns_gather CNN_VARIANT(cnn_columns_gather)
#define cnn_columns_scatter CNN_VARIANT(cnn_columns_scatter)

/** Output pixels first .. first + count - 1, counted over all images of a lane, as one group of channels sees them. */
typedef struct cnn_strip {
    const cnn_conv_geometry *geometry;
    int group;
    size_t first;
    int count;
} cnn_strip;

/** columns[count][kernel_h][kernel_w][group_channels] from x [n][h][w][c]; zero where the kernel leaves the image. */
void cnn_columns_gather(const cnn_strip *strip, const cnn_real *x, cnn_real *columns);

/** The adjoint: adds columns to the pixels of dx that they came from. */
void cnn_columns_scatter(const cnn_strip *strip, const cnn_real *columns, cnn_real *dx);

#endif

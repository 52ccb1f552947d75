/* The weights of Winograd convolution in the transformed domain, U = G w G^T, prepared once a batch for products
 * without transposition: planes [36][rows][columns], rows being what is read, columns what is written. A plane is stored
 * in panels of CNN_WINOGRAD_PANEL columns, one after the other, each contiguous: the kernels of OpenBLAS walk down such
 * panels, and from distant caches contiguous ones come a tenth faster with 32 tiles, a half with 4. */
#ifndef CNN_LAYERS_WINOGRAD_WEIGHTS_H
#define CNN_LAYERS_WINOGRAD_WEIGHTS_H

#include "layers/conv.h"

#define CNN_WINOGRAD_PANEL 64

#define cnn_winograd_prepare CNN_VARIANT(cnn_winograd_prepare)
#define cnn_winograd_prepare_turned CNN_VARIANT(cnn_winograd_prepare_turned)

/** Where a column begins in a plane. */
typedef struct cnn_winograd_panel {
    size_t offset; /* of its first row's number */
    int width;     /* from one row to the next */
    int left;      /* columns of the panel from this one on */
} cnn_winograd_panel;

static inline cnn_winograd_panel cnn_winograd_panel_at(int rows, int columns, int column)
{
    const int within = column % CNN_WINOGRAD_PANEL, first = column - within, rest = columns - first;
    const int width = rest < CNN_WINOGRAD_PANEL ? rest : CNN_WINOGRAD_PANEL;
    return (cnn_winograd_panel){(size_t)first * (size_t)rows + (size_t)within, width, width - within};
}

/** Forward's planes, [channels][filters], of filters first .. first + count - 1, which are at most 16 and of one panel;
 * weights [filters][size][size][channels]. */
void cnn_winograd_prepare(const cnn_conv_geometry *geometry, const cnn_real *weights, int first, int count,
                          cnn_real *planes);

/** The input gradient's planes, [filters][channels], of those filters, the weights being turned by 180 degrees. */
void cnn_winograd_prepare_turned(const cnn_conv_geometry *geometry, const cnn_real *weights, int first, int count,
                                 cnn_real *planes);

#endif

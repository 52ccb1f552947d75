/* The weights of Winograd convolution in the transformed domain, U = G w G^T, prepared once a batch for products
 * without transposition: planes [36][rows][columns] in panels, rows being what is read, columns what is written. */
#ifndef CNN_LAYERS_WINOGRAD_WEIGHTS_H
#define CNN_LAYERS_WINOGRAD_WEIGHTS_H

#include "layers/conv.h"
#include "layers/panels.h"

#define cnn_winograd_prepare CNN_VARIANT(cnn_winograd_prepare)
#define cnn_winograd_prepare_turned CNN_VARIANT(cnn_winograd_prepare_turned)

/** Forward's planes, [channels][filters], of filters first .. first + count - 1, which are at most 16 and of one panel;
 * weights [filters][size][size][channels]. */
void cnn_winograd_prepare(const cnn_conv_geometry *geometry, const cnn_real *weights, int first, int count,
                          cnn_real *planes);

/** The input gradient's planes, [filters][channels], of those filters, the weights being turned by 180 degrees. */
void cnn_winograd_prepare_turned(const cnn_conv_geometry *geometry, const cnn_real *weights, int first, int count,
                                 cnn_real *planes);

#endif

/* Whitening: convolutions on the images whose filters follow from the covariance of the training images' patches. */
#ifndef CNN_TRAIN_WHITEN_H
#define CNN_TRAIN_WHITEN_H

#include "data/dataset.h"
#include "net/model.h"

/** The filters of scale=whiten, the model's first node. Its scaling must be set. Fails with CNN_MISMATCH where the
 * images data[indices[count]] are smaller than a patch, and for lack of memory. */
cnn_status cnn_whiten_input(cnn_model *model, const cnn_dataset *data, const int *indices, int count, cnn_error *error);

/** The filters of each convolution with init=whiten; failures as above. */
cnn_status cnn_whiten_layers(cnn_model *model, const cnn_dataset *data, const int *indices, int count,
                             cnn_error *error);

#endif

/* What the input's scaling takes from the training images. */
#ifndef CNN_TRAIN_SCALE_H
#define CNN_TRAIN_SCALE_H

#include "data/dataset.h"
#include "net/model.h"

/** Fits the model's input scaling, and the fixed layer that it may begin with, to the images data[indices[count]], as
 * the recipe's scale= says; then the filters of layers with init=whiten. */
cnn_status cnn_scale_fit(cnn_model *model, const cnn_dataset *data, const int *indices, int count, cnn_error *error);

#endif

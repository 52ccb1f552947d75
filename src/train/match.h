/* Whether a model can be tried on a data set. */
#ifndef CNN_TRAIN_MATCH_H
#define CNN_TRAIN_MATCH_H

#include "net/model.h"

/** Checks that the data's images are of the model's size and their classes among the model's. *labels, the caller's to
 * cnn_free(): [data's classes] the model's class of the same name. */
cnn_status cnn_match_data(const cnn_model *model, const cnn_dataset *data, int **labels, cnn_error *error);

#endif

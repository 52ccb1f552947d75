/* Whether a model can be tried on a data set, and models together. */
#ifndef CNN_TRAIN_MATCH_H
#define CNN_TRAIN_MATCH_H

#include "net/model.h"

/** Checks that the data's images are of the model's size and their classes among the model's. *labels, the caller's to
 * cnn_free(): [data's classes] the model's class of the same name. */
cnn_status cnn_match_data(const cnn_model *model, const cnn_dataset *data, int **labels, cnn_error *error);

/** Checks that `other`, number `number` of an ensemble, reads images of the first model's size and has its classes, in
 * any order. *classes, the caller's to cnn_free(): [class_count] the other's class of the name that the first's has. */
cnn_status cnn_match_models(const cnn_model *first, const cnn_model *other, int number, int **classes,
                            cnn_error *error);

#endif

/* Updating the parameters: see update.c. */
#ifndef CNN_TRAIN_UPDATE_H
#define CNN_TRAIN_UPDATE_H

#include "train/trainer.h"

/** The states that a training has beside its weights, as checkpoints store them, without values; their number. */
int cnn_train_states(const cnn_train_options *options, cnn_state_block states[CNN_TRAINER_STATES]);

/** The numbers that a thread needs room for while it updates. */
size_t cnn_update_room(const cnn_network *network, const cnn_optimizer *optimizer);

/** Cuts the trained tensors into parts, and allocates the states and all that updating needs. The model is made, and
 * its weights are those that training begins with. */
cnn_status cnn_trainer_plan_update(cnn_trainer *trainer, cnn_error *error);

/** Fills trainer->squares: the sum of the squares of each part's gradient, summed over the lanes and not yet clipped.
 * Between a batch's backward pass and the next batch; costs one reading of the gradients. */
void cnn_trainer_measure_gradients(cnn_trainer *trainer);
/** The norm of all gradients together, as they were last measured: the root of the parts' sum, in their order. */
double cnn_trainer_gradient_norm(const cnn_trainer *trainer);

/** One step of all trained parameters along the gradients of the batch that the runner has just been through. */
void cnn_trainer_update(cnn_trainer *trainer);

#endif

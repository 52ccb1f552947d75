/* The training step: see step.c. */
#ifndef CNN_TRAIN_STEP_H
#define CNN_TRAIN_STEP_H

#include "train/trainer.h"

/** The runner's loss: fills the lane's result and the logits' gradient; `context` is the trainer. */
void cnn_trainer_loss(void *context, const cnn_loss_call *call);

/** Computes the logits of images held back, from number `first` on, as many as the validator takes; their number. Image
 * first + i's are cnn_runner_output() i. To be called with 0 first: the validator then takes on the model's weights. */
int cnn_trainer_classify_held_back(const cnn_trainer *trainer, int first);

/** CNN_DIVERGED, with advice, where the weights are not all finite. */
cnn_status cnn_trainer_check_finite(const cnn_trainer *trainer, cnn_error *error);

#endif

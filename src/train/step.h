/* The training step: see step.c. */
#ifndef CNN_TRAIN_STEP_H
#define CNN_TRAIN_STEP_H

#include "train/trainer.h"

/** The runner's loss: fills the lane's result and the logits' gradient; `context` is the trainer. */
void cnn_trainer_loss(void *context, const cnn_loss_call *call);

/** CNN_DIVERGED, with advice, where the weights are not all finite. */
cnn_status cnn_trainer_check_finite(const cnn_trainer *trainer, cnn_error *error);

#endif

/* A trainer's inspections, one at the end of each epoch: the outputs in the epoch's last steps, over about a thousand
 * images, and the gradients and the change of the weights in its very last. Training is not touched by it. */
#ifndef CNN_TRAIN_INSPECTOR_H
#define CNN_TRAIN_INSPECTOR_H

#include "train/watch.h"

typedef struct cnn_inspector {
    cnn_watch *watch;
    int first;                 /* step of an epoch, from 0, from which on outputs are looked at */
    cnn_real *former;          /* [parameter_count] the weights before an epoch's last step, then their change in it */
    int *images;               /* [epochs] that were looked at, 0: no inspection */
    cnn_layer_record *records; /* [epochs][layer_count] */
} cnn_inspector;

/** The trainer has its model, options, team, runner and steps. */
cnn_inspector *cnn_inspector_new(const cnn_trainer *trainer, cnn_error *error);
void cnn_inspector_free(cnn_inspector *inspector);

/* Around the passes of each step: before them, between the gradients and the update, and after the update. */
void cnn_inspector_begin_step(cnn_trainer *trainer);
void cnn_inspector_before_update(cnn_trainer *trainer);
void cnn_inspector_end_step(cnn_trainer *trainer);

/* In checkpoints, as metadata: inspector_save.c. */

/** Adds what is known to a checkpoint's model. */
cnn_status cnn_inspector_save(const cnn_trainer *trainer, cnn_model *checkpoint, cnn_error *error);
/** Takes over what the checkpoint has, where it has something, the trainer being at its position; false where that is
 * malformed. */
bool cnn_inspector_load(cnn_trainer *trainer, const cnn_model *checkpoint);

#endif

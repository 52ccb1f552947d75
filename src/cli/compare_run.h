/* One training of `cnn compare`: trained, gone on with, or read from the folder that the comparison is kept in. */
#ifndef CNN_CLI_COMPARE_RUN_H
#define CNN_CLI_COMPARE_RUN_H

#include "cnn.h"
#include "command.h"

/** How one epoch ended; what was not measured is NaN. */
typedef struct cnn_run_epoch {
    double loss, error;         /* over the training images, while weights change; error is 1 - accuracy */
    double val_loss, val_error; /* over the images held back */
    double dead, zeros;         /* shares of the hidden units, of the hidden activations */
    double seconds;
} cnn_run_epoch;

/** A run that has ended. */
typedef struct cnn_run {
    bool diverged; /* it stopped early: epochs are those before */
    int64_t parameters, multiply_adds;
    cnn_run_epoch *epochs; /* [epoch_count] */
    int epoch_count;
} cnn_run;

/** What is to be trained, and where it is kept. */
typedef struct cnn_run_order {
    const cnn_recipe *recipe;
    const char *data_spec;
    cnn_dataset *data;
    const char *folder;
    uint64_t seed;
    int threads;
} cnn_run_order;

/** Fills *run, by reading FOLDER/ID.json where that is there and was made of the same recipe, data and seed, and by
 * training otherwise, with a checkpoint FOLDER/ID.checkpoint after each epoch. *found tells which. CNN_EXIT_FAILED
 * where it was stopped, too: cnn_stop_requested() tells. */
cnn_exit cnn_run_get(const cnn_run_order *order, cnn_run *run, bool *found);
void cnn_run_clear(cnn_run *run);

#endif

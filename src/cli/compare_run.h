/* One training of `cnn compare`: trained, gone on with, or read from the folder that the comparison is kept in. */
#ifndef CNN_CLI_COMPARE_RUN_H
#define CNN_CLI_COMPARE_RUN_H

#include "cnn.h"
#include "command.h"
#include "compare_test.h"

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
    cnn_run_test tests[CNN_RUN_TESTS]; /* known are those that are asked for */
    char *model;                       /* its file's name in the folder, where tests are asked for; NULL: not kept */
} cnn_run;

/** What is to be trained, and where it is kept. */
typedef struct cnn_run_order {
    const cnn_recipe *recipe;
    const char *data_spec;
    const cnn_dataset *data;
    const cnn_dataset *test_data; /* NULL: neither model nor tests are asked for */
    cnn_tta tta;                  /* to test with, beside CNN_TTA_NONE */
    const char *folder;
    uint64_t seed;
    int threads;
} cnn_run_order;

/** Fills *run, by reading FOLDER/ID.json where that is there and was made of the same recipe, data and seed, and by
 * training otherwise, with a checkpoint FOLDER/ID.checkpoint after each epoch. *found tells which. Where tests are
 * asked for, training leaves the model FOLDER/ID.safetensors, the same file as `cnn train` writes, and it is evaluated
 * as far as the figures are not stored yet; a run that lacks both figures and model is trained again. CNN_EXIT_FAILED
 * where it was stopped, too: cnn_stop_requested() tells. */
cnn_exit cnn_run_get(const cnn_run_order *order, cnn_run *run, bool *found);
void cnn_run_clear(cnn_run *run);

#endif

/* Optimizers: how a gradient changes a parameter. One file a kind, one line in the list. */
#ifndef CNN_TRAIN_OPTIMIZER_H
#define CNN_TRAIN_OPTIMIZER_H

#include "math/vector.h"
#include "net/recipe.h"

#include <stddef.h>

#define CNN_OPTIMIZER_STATES 2

/** An update of a range of `count` parameters, all of one tensor, or of a whole matrix of them. */
typedef struct cnn_update {
    const cnn_vector_kernels *vectors;
    const cnn_train_options *options;
    double learning_rate; /* of this step */
    int64_t step;         /* since training began, from 1 */
    double weight_decay;  /* of this tensor */
    size_t count;
    cnn_real *parameters;
    const cnn_real *gradients;
    cnn_real *states[CNN_OPTIMIZER_STATES];
    int rows, columns; /* of a matrix, row-major: rows * columns == count; 0 of a range */
    cnn_real *room;    /* of a matrix: [matrix_room(rows, columns)], aligned, contents undefined */
} cnn_update;

typedef struct cnn_optimizer {
    const char *name;
    int state_count;
    const char *states[CNN_OPTIMIZER_STATES]; /* names, as checkpoints store them: "momentum" */
    void (*update)(const cnn_update *update);
    /** Where not NULL, the weights of layers come as whole matrices, with room for so many numbers. */
    size_t (*matrix_room)(int rows, int columns);
} cnn_optimizer;

/** By cnn_optimizer_name. */
extern const cnn_optimizer *const cnn_optimizers[];

/** Adam's step, without weight decay. */
cnn_adam_step cnn_adam_step_of(const cnn_update *update);
/** The update of SGD, whose momentum is states[0]. */
void cnn_sgd_update(const cnn_update *update);

/** The learning rate of step `step` (from 0) of `steps_per_epoch * options->epochs`; schedule.c. */
double cnn_schedule_rate(const cnn_train_options *options, int64_t step, int steps_per_epoch);

#endif

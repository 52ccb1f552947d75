/* A trainer's inside, shared by creation (trainer.c), the step (step.c, update.c) and checkpoints (checkpoint.c). */
#ifndef CNN_TRAIN_TRAINER_H
#define CNN_TRAIN_TRAINER_H

#include "base/team.h"
#include "data/loader.h"
#include "net/fold.h"
#include "net/model.h"
#include "net/runner.h"
#include "train/inspector.h"
#include "train/optimizer.h"

/** A range of one tensor that one thread updates at a time, or all of it where the optimizer wants a matrix. */
typedef struct cnn_update_part {
    int slot;
    size_t first, count; /* within the tensor */
    int rows, columns;   /* of a matrix, else 0 */
} cnn_update_part;

/** The most states: the optimizer's and, after them, the slow weights of lookahead and the average. */
#define CNN_TRAINER_STATES (CNN_OPTIMIZER_STATES + 2)

/** What a lane's loss adds up. */
typedef struct cnn_lane_result {
    double loss;
    int correct;
} cnn_lane_result;

struct cnn_trainer {
    const cnn_dataset *data;
    cnn_model *model; /* with the recipe's own copy */
    cnn_train_options options;
    uint64_t seed;
    bool borrowed; /* OpenBLAS's threads, of which there were: */
    int former_blas_threads;

    cnn_team *team;
    cnn_runner *runner;    /* training */
    cnn_runner *validator; /* inference over `folded`; both NULL where nothing is held back */
    cnn_folded *folded;
    cnn_loader *loader;
    cnn_real *scale_table;         /* [channels][256]: a pixel's value, scaled; for the images held back */
    cnn_batch batch;               /* of the step under way */
    cnn_lane_result *lane_results; /* [lanes] */
    int *indices;                  /* [train_count] of the images trained on, then those held back */
    int train_count, held_back;
    int steps; /* an epoch */

    const cnn_optimizer *optimizer;
    cnn_real *states[CNN_TRAINER_STATES]; /* each in the parameters' layout, as cnn_train_states() lists them */
    int state_count;
    cnn_update_part *parts; /* of all trained tensors, in the order of the slots */
    int part_count;
    double *squares;        /* [part_count]: each part's squared norm, of cnn_trainer_measure_gradients() */
    double gradient_factor; /* of this step: below 1 where gradients are clipped */
    cnn_real *room;         /* [threads][room_size] */
    size_t room_size;

    int epoch, step; /* finished ones: epochs in all, steps of the next */
    double loss_sum; /* over the epoch's images so far */
    int64_t correct;
    int64_t images;        /* of the epoch so far */
    double seconds;        /* of the epoch so far */
    double learning_rate;  /* of the last step */
    cnn_progress *history; /* [epochs], the finished ones filled */
    cnn_inspector *inspector;
};

/** The parameters that the model is to have: the average where there is one, else those that are trained. */
cnn_real *cnn_trainer_weights(const cnn_trainer *trainer);

/** Everything but the loader, which needs the position. */
cnn_trainer *cnn_trainer_create(const cnn_recipe *recipe, const cnn_dataset *data, const cnn_trainer_options *options,
                                uint64_t seed, cnn_error *error);
/** Starts loading at the position. */
cnn_status cnn_trainer_start(cnn_trainer *trainer, cnn_error *error);

#endif

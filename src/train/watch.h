/* What happens inside a network: its layers with weights and its sums, the moments of their outputs, the sizes of their
 * weights and gradients; and what all that says. Whoever runs a network gives its runner a watch for a tap, and adds up
 * each pass after it. Lanes are added in their order, pass after pass, so that figures do not depend on threads. */
#ifndef CNN_TRAIN_WATCH_H
#define CNN_TRAIN_WATCH_H

#include "base/team.h"
#include "net/model.h"
#include "net/runner.h"

/** Gradients are summed over the lanes in pieces of so many. */
#define CNN_WATCH_PIECE 4096

/** A layer, and the node whose outputs stand for it: the activation that follows, or itself. */
typedef struct cnn_watched {
    int layer, node;
    int slot;    /* of the layer's trained weights, -1: a sum, or frozen */
    int before;  /* index of the watched layer whose outputs it reads, -1: it reads the network's input */
    bool hidden; /* an activation stands for it, which is not the network's output */
    int units;   /* channels of the node */
    int pixels;  /* of a channel */
    int first;   /* unit among those of all layers */
    cnn_real bounds[2];
} cnn_watched;

typedef struct cnn_watch {
    const cnn_network *network;
    double input_size; /* about the root mean square of what the network reads */
    cnn_watched *layers;
    int layer_count, unit_count;
    int *of; /* [node_count] index of the layer that the node stands for, -1: none */
    int lanes;
    cnn_moments *lane_moments; /* [lanes][layer_count] of the pass under way */
    unsigned char *lane_live;  /* [lanes][unit_count] */
    cnn_real *room;            /* [threads][CNN_WATCH_PIECE] */
    /* What has been added up: */
    int images;
    cnn_moments *moments;     /* [layer_count] */
    unsigned char *live;      /* [unit_count] 1: the unit was not 0 somewhere */
    double *gradients;        /* [layer_count] squared norms */
    double *weights;          /* [layer_count] likewise */
    const cnn_runner *runner; /* while gradients are measured */
    cnn_real *parameters;     /* while weights are */
} cnn_watch;

/** A layer's figures as they are kept: as of cnn_layer_inspection. */
typedef struct cnn_layer_record {
    float mean, deviation, zeros, saturated, gradient_norm, weight_norm, update_ratio;
    int dead;
} cnn_layer_record;

/** A watch over the model's network, which must outlive it, for runners of so many lanes at most. */
cnn_watch *cnn_watch_new(const cnn_model *model, int lanes, int threads, cnn_error *error);
void cnn_watch_free(cnn_watch *watch);

/** Forgets the outputs seen. */
void cnn_watch_clear(cnn_watch *watch);
/** For cnn_runner_tap(), with the watch as context. */
cnn_runner_tap_function cnn_watch_tap;
/** Adds the pass over n images that has just been tapped. */
void cnn_watch_add(cnn_watch *watch, int n);

/** Sets watch->gradients to the squared norms of the gradients of cnn_runner_train(). */
void cnn_watch_gradients(cnn_watch *watch, const cnn_runner *runner, cnn_team *team);
/** Sets watch->weights to the squared norms of the weights among the parameters. */
void cnn_watch_weights(cnn_watch *watch, cnn_real *parameters, cnn_team *team);

/** Layer `index` from the watch's sums; update_ratio is the caller's to add. */
cnn_layer_record cnn_watch_record(const cnn_watch *watch, int index);

/** The inspection that records [layer_count] of so many images make, with what is to be said of them. */
cnn_status cnn_watch_report(const cnn_watch *watch, const cnn_layer_record *records, int images,
                            cnn_inspection *inspection, cnn_error *error);

/** Writes what is to be said of the layers, where there is something, into their warnings; diagnose.c. */
void cnn_diagnose(const cnn_watch *watch, const cnn_layer_record *records, cnn_layer_inspection *layers);

#endif

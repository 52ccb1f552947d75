/* A runner's inside: the arrays of its one block. */
#ifndef CNN_NET_RUNNER_MEMORY_H
#define CNN_NET_RUNNER_MEMORY_H

#include "net/program.h"
#include "net/runner.h"

/** Where a node's numbers over the batch lie, in doubles from the beginning of their arrays. */
typedef struct cnn_node_place {
    size_t sums_forward, sums_backward; /* within a lane's sums */
    size_t shared;
    size_t prepared; /* bytes from the beginning of what is prepared */
} cnn_node_place;

/** Where a trained tensor's gradient lies: once over the batch, or once in each lane. */
typedef struct cnn_gradient_place {
    bool whole;
    size_t offset;
} cnn_gradient_place;

struct cnn_runner {
    const cnn_network *network;
    cnn_team *team;
    cnn_program program;
    cnn_loss_function *loss;
    void *loss_context;
    uint64_t seed;
    cnn_runner_observer *observer; /* NULL: nobody measures */
    void *observer_context;
    cnn_runner_tap_function *tap; /* NULL: nobody looks at the outputs */
    void *tap_context;

    size_t scratch_size, sums_count, totals_count, shared_count, lane_gradient_count, whole_gradient_count;
    size_t prepared_size;
    int prepare_parts; /* of all nodes */
    bool draws_random;
    size_t size; /* of the block that all the following arrays lie in */
    void *block;
    cnn_node_place *node_places;         /* [node_count] */
    cnn_gradient_place *gradient_places; /* [slot_count] */
    unsigned char *lanes;                /* [lanes][lane_size] */
    unsigned char *whole;                /* [whole_size] */
    unsigned char *prepared;             /* [prepared_size] */
    unsigned char *scratch;              /* [threads][scratch_size] */
    cnn_random *random;                  /* [threads][lane_images] */
    double *sums;                        /* [lanes][sums_count] */
    double *totals, *shared;
    cnn_real *lane_gradients; /* [lanes][lane_gradient_count] */
    cnn_real *whole_gradients;

    /* of the call under way */
    cnn_real *parameters;
    int n;
    uint64_t image;
    const cnn_stage *stage;
};

/** Shows the tap what node `node` has written for n images of `lane`. */
void cnn_runner_show(const cnn_runner *runner, int node, int lane, int n, const cnn_real *values);

#endif

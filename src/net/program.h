/* The passes of a network over a batch, written out before the first float moves: operations in their order, stages
 * that end where all parts must meet, and a place in memory for every array, shared by arrays that are never alive
 * together.
 *
 * Lane buffers live in an arena of the lane's own, with the same layout in each lane, so that lanes at different places
 * of a stage never touch each other's bytes. Arrays that a layer sees over the whole batch are contiguous over the
 * lanes and share their memory with nothing. */
#ifndef CNN_NET_PROGRAM_H
#define CNN_NET_PROGRAM_H

#include "net/network.h"

typedef enum cnn_operation_type {
    CNN_OPERATION_FORWARD_SUMS,
    CNN_OPERATION_FORWARD,
    CNN_OPERATION_LOSS,
    CNN_OPERATION_REPEAT, /* forward once more, its output into y_again */
    CNN_OPERATION_BACKWARD_SUMS,
    CNN_OPERATION_BACKWARD,
    CNN_OPERATION_BACKWARD_INPUT /* of kinds with backward_input(), where dx is wanted */
} cnn_operation_type;

typedef struct cnn_operation {
    cnn_operation_type type;
    int node; /* -1 for the loss */
} cnn_operation;

/** Operations [first, first + count), run by `parts` parts (0: one a lane) that do not meet in between. */
typedef struct cnn_stage {
    int first, count;
    int parts;
    bool totals; /* the last operation adds up sums, which are totalled when the stage has ended */
} cnn_stage;

/** One array: `size` bytes an image, alive during operations [begin, end]. */
typedef struct cnn_buffer {
    size_t size;
    int begin, end;
    bool whole;    /* one array over the batch, else one in each lane's arena */
    int same_as;   /* the buffer this one shares its place with, -1: none */
    size_t offset; /* bytes from the arena's beginning */
} cnn_buffer;

/** The buffers of one node, -1 where it has none. */
typedef struct cnn_node_buffers {
    int x, x2, y, dy, dx, saved;
    int y_again;    /* y once more, for those whose backward reads it */
    int x_backward; /* backward's x: x, or y_again of who wrote that */
    int dx_sum;     /* dx is added to this buffer after backward */
    int dx2;        /* dy is copied, or with dx2_adds added, to this one before backward */
    bool dx2_adds;
} cnn_node_buffers;

typedef struct cnn_program {
    bool training;
    bool alone; /* inference over one lane, by all threads */
    int batch, lanes, lane_images;
    cnn_operation *operations;
    int operation_count;
    cnn_stage *stages;
    int stage_count;
    cnn_buffer *buffers;
    int buffer_count;
    cnn_node_buffers *nodes; /* [node_count] */
    bool *rectifies;         /* [node_count] the node does the work of the rectifier that follows too */
    int *repeated_for;       /* [node_count] the last node whose backward reads this one's output, which therefore is
                                made once more before that and not kept; -1: none, or it is kept */
    int input, output;       /* buffers of the network's input and logits */
    int output_gradient;     /* training: of the logits' gradient */
    size_t lane_size;        /* bytes of a lane's arena */
    size_t whole_size;       /* bytes of the batch's arena */
} cnn_program;

cnn_status cnn_program_make(cnn_program *program, const cnn_network *network, int batch, bool training,
                            cnn_error *error);
void cnn_program_clear(cnn_program *program);

/** The buffer whose place this one has, itself where it has its own. */
int cnn_buffer_place(const cnn_program *program, int buffer);

/** Keeps `buffer` (-1: none) alive during operation `time`, and over the whole batch if `whole`. */
void cnn_buffer_use(cnn_program *program, int buffer, int time, bool whole);

/** Gives every buffer its offset, and the arenas their sizes. */
cnn_status cnn_program_place(cnn_program *program, cnn_error *error);

/** Whether some of the node's tensors are trained. */
bool cnn_node_is_trained(const cnn_node *node);

#endif

/* A recipe with its shapes: the layers as a list of nodes over values, each node planned, and one block of parameters
 * in which every tensor has its place. Constant once made. */
#ifndef CNN_NET_NETWORK_H
#define CNN_NET_NETWORK_H

#include "math/vector.h"
#include "net/recipe.h"

/** Height and width of the patches that input scale=whiten decorrelates, as a recipe's number. */
#define CNN_WHITEN_KERNEL "5"
/** The most parameters, those that the largest model file holds as floats (net/modelfile.h), and the most classes. */
#define CNN_NETWORK_PARAMETERS ((size_t)1 << 29)
#define CNN_NETWORK_CLASSES 65536
/** The most numbers of a patch that init=whiten takes: the work grows with their cube. */
#define CNN_WHITEN_MOST 512

typedef struct cnn_node {
    const cnn_layer_kind *kind;
    char name[48]; /* "conv1", "residual2.projection" */
    char *text;    /* canonical statement */
    void *options; /* owned */
    void *state;   /* kind->state_size bytes, owned */
    cnn_layer_plan plan;
    int input, input2; /* values; input2 is -1 but for `add` */
    int output;        /* value */
    int tensors;       /* index of its first tensor among the network's */
} cnn_node;

/** What one node writes and others read. Value 0 is the network's input. */
typedef struct cnn_value {
    cnn_shape shape;
    int producer; /* node, -1 for value 0 */
    int readers;  /* nodes that read it */
} cnn_value;

/** A tensor's place: parameters [offset, offset + count) of the block. */
typedef struct cnn_slot {
    int node, index; /* the tensor is nodes[node].plan.tensors[index] */
    size_t offset, count;
} cnn_slot;

typedef struct cnn_network {
    cnn_isa isa; /* that it computes with, as all of its kinds */
    const cnn_vector_kernels *vectors;
    cnn_node *nodes;
    int node_count;
    cnn_value *values;
    int value_count;
    cnn_slot *slots;
    int slot_count;
    size_t parameter_count; /* of the block: all tensors, states included */
    int lane_images;        /* that plans take for granted */
    cnn_shape input;
    int class_count;
    int scale; /* cnn_scale */
} cnn_network;

/** Plans a complete recipe. Errors carry file:line:column. */
cnn_network *cnn_network_new(const cnn_recipe *recipe, cnn_error *error);
void cnn_network_free(cnn_network *network);

/** Chooses anew how the layers compute, by measuring on this machine what a runner of this batch will do: another
 * choice, so other roundings, each time. OpenBLAS shall be at one thread. To be called before a runner or a program is
 * made of the network. Fails for lack of memory only; the network then is as good as before. */
cnn_status cnn_network_tune(cnn_network *network, int batch, bool training, cnn_error *error);

/** A network without a node, whose input value is there, with room for `most` nodes of kinds of the level; its plans
 * are for lanes of CNN_LANE_IMAGES. */
cnn_network *cnn_network_empty(int most, cnn_isa isa, cnn_error *error);
/** Appends a node of `kind` over two values (the second -1 but for `add`), with a copy of `options`; its output is the
 * newest value. Errors are the plan's own, without place and kind's name. */
cnn_status cnn_network_append(cnn_network *network, const cnn_layer_kind *kind, const char *name, const void *options,
                              const int inputs[2], cnn_error *error);

const cnn_tensor *cnn_network_tensor(const cnn_network *network, int slot);
/** "conv1.weight" into out. */
#define CNN_TENSOR_NAME 80
void cnn_network_tensor_name(const cnn_network *network, int slot, char out[CNN_TENSOR_NAME]);

/** Settles how weights begin where that depends on the activation that follows, or where none does on the one before:
 * He for rectifiers and their kin, Glorot for sigmoid and tanh, LeCun for SELU; He without any. */
void cnn_network_suit_activations(cnn_network *network);

/** Fills the parameters [parameter_count] as the tensors declare. */
void cnn_network_initialize(const cnn_network *network, uint64_t seed, cnn_real *parameters);

#endif

/* What a layer is. A kind is one file: an options table, plan, forward, backward, and the constant struct that names
 * them. It declares what it needs; memory, initialization, saving, decay, threads and checks are the network's.
 *
 * A pass is cut into parts. Usually a part is a lane, a fixed slice of the batch's images: x, y, dy, dx, saved and
 * gradients are the lane's own. A layer whose weights outweigh its activations asks for parts of its own over the whole
 * batch instead (forward_parts and its like), and cuts the work among them as it likes. */
#ifndef CNN_LAYERS_LAYER_H
#define CNN_LAYERS_LAYER_H

#include "base/isa.h"
#include "base/option.h"
#include "base/random.h"
#include "base/real.h"

/** Images of a lane, where a batch has as many; plans take them for granted, so that they follow from shapes alone. */
#define CNN_LANE_IMAGES 8
/** The most tensors one layer may declare. */
#define CNN_LAYER_TENSORS 4

typedef enum cnn_role {
    CNN_ROLE_WEIGHT, /* trained */
    CNN_ROLE_BIAS,   /* trained, an offset */
    CNN_ROLE_GAIN,   /* trained, a factor */
    CNN_ROLE_STATE   /* not trained: running statistics, and what a recipe keeps as it begins */
} cnn_role;

/** X(name, word of a recipe, what it is): how weights begin. A unit's weights are a row, and `fan` the numbers that a
 * unit reads, or with fan=out the units that read a number; slope is that of the activation's negative side. */
#define CNN_INITIALIZATION_LIST(X)                                                                                     \
    X(AUTO, "auto", "what suits the activation that follows, or for the last layer the one before")                    \
    X(HE_NORMAL, "he-normal", "variance 2 / ((1 + slope^2) fan); He et al. 2015, arXiv 1502.01852")                    \
    X(HE_UNIFORM, "he-uniform", "the same variance, uniform")                                                          \
    X(GLOROT_NORMAL, "glorot-normal", "variance 2 / (fan_in + fan_out); Glorot and Bengio 2010")                       \
    X(GLOROT_UNIFORM, "glorot-uniform", "the same variance, uniform, as published")                                    \
    X(LECUN_NORMAL, "lecun-normal", "variance 1 / fan; LeCun et al. 1998")                                             \
    X(LECUN_UNIFORM, "lecun-uniform", "the same variance, uniform")                                                    \
    X(UNIFORM, "uniform", "from -limit to limit")                                                                      \
    X(NORMAL, "normal", "deviation std")                                                                               \
    X(ORTHOGONAL, "orthogonal", "orthogonal rows or columns; Saxe et al. 2014, arXiv 1312.6120")                       \
    X(DIRAC, "dirac", "unit i passes channel i through; those beyond the channels uniform in +-1 / sqrt(fan_in)")      \
    X(WHITEN, "whiten",                                                                                                \
      "of a conv that reads the images: eigenvectors of their patches' covariance / sqrt(eigenvalue), and negatives")  \
    X(ZEROS, "zeros", "all zero")

typedef enum cnn_initialization {
#define CNN_INITIALIZATION_ENTRY(name, word, help) CNN_INITIALIZE_##name,
    CNN_INITIALIZATION_LIST(CNN_INITIALIZATION_ENTRY)
#undef CNN_INITIALIZATION_ENTRY
        CNN_INITIALIZE_CONSTANT /* `value`; no word of a recipe */
} cnn_initialization;

/** What he and lecun divide by. */
typedef enum cnn_fan { CNN_FAN_AUTO, CNN_FAN_IN, CNN_FAN_OUT } cnn_fan;

/** What an activation means to others: which initialization suits the weights before it, and where it saturates. */
typedef struct cnn_activation {
    bool is;                  /* the layer is one */
    cnn_initialization suits; /* of the weights before it, unless the recipe names another */
    double slope;             /* of its negative side: He's 2 / fan becomes 2 / ((1 + slope^2) fan) */
    bool saturates;
    double low, high; /* where it saturates: the limits of its output, infinite on a side without one */
} cnn_activation;

typedef struct cnn_tensor {
    const char *name; /* "weight", "bias", "gain", "slope", "mean", "variance" */
    cnn_role role;
    int rank, sizes[4]; /* row-major; convolution weights are [filters][kernel_h][kernel_w][channels / groups] */
    cnn_initialization initialization;
    int fan_in, fan_out;
    cnn_fan fan;
    double value;                            /* of CONSTANT */
    double limit, std;                       /* of UNIFORM, NORMAL */
    double slope;                            /* of the activation that follows, for HE */
    double gain;                             /* standard deviation of what ORTHOGONAL makes of inputs of deviation 1 */
    double weight_decay, l1, max_norm, norm; /* of this tensor; 0: none */
} cnn_tensor;

/** What a layer computes in training: its output, its input's gradient, its tensors' gradients. */
typedef enum cnn_layer_pass { CNN_PASS_FORWARD, CNN_PASS_INPUT_GRADIENT, CNN_PASS_WEIGHT_GRADIENT } cnn_layer_pass;
#define CNN_LAYER_PASSES 3

/** What a layer declares. The network fills `images` and `input` and zeroes the rest before it calls plan(). */
typedef struct cnn_layer_plan {
    int images; /* of a lane, for choosing how to compute; CNN_LANE_IMAGES in training */
    cnn_shape input;
    cnn_shape output;
    cnn_tensor tensors[CNN_LAYER_TENSORS];
    int tensor_count;
    int64_t multiply_adds;                 /* forward, one image */
    const char *algorithm;                 /* for `cnn info`; NULL where there is one way only */
    const char *methods[CNN_LAYER_PASSES]; /* likewise how each pass is computed, with its grouping */
    bool in_place;                         /* forward may be called with y == x, backward with dx == dy */
    bool inactive;                         /* in inference the layer is the identity and is left out */
    cnn_activation activation;
    bool is_rectifier;       /* y = x < 0 ? 0 : x, which the layer before may do in its place */
    bool rectifies;          /* forward heeds call->rectify */
    bool rectifies_backward; /* backward_sums() and backward() do, too */
    bool backward_reads_input, backward_reads_output;
    bool repeatable;     /* in training forward() may be called again before backward_sums(), with x, tensors, prepared,
                            shared and scratch alone, and gives the same bits */
    size_t saved_size;   /* bytes an image, kept from a training forward to its backward */
    size_t scratch_size; /* bytes a thread, valid during one part only, whatever the number of images */
    int sums_forward;    /* doubles a lane that forward_sums() adds up in training */
    int sums_backward;   /* doubles a lane that backward_sums() adds up */
    int shared_count;    /* doubles a batch, from forward_total() to the end of backward */
    size_t prepared_size, prepared_size_training; /* bytes that prepare() makes of the tensors, for both passes */
    int prepare_parts, prepare_parts_training;    /* of prepare(); 0: nothing to prepare */
    int forward_parts;                            /* 0: one a lane; else so many over the whole batch */
    int backward_parts, backward_input_parts;     /* likewise; with parts of its own, a kind has backward_input() */
    int alone_parts; /* of forward in inference where the batch is one lane, for several threads to share; 0: one */
} cnn_layer_plan;

/** One part of one pass of one layer. Sizes: n images, plan->input, plan->output. */
typedef struct cnn_layer_call {
    const void *options; /* the kind's options struct */
    const cnn_layer_plan *plan;
    const void *state; /* what plan() left in its state, of the kind's state_size */
    int n;             /* images of this lane, or of the batch; at least 1 */
    int batch;         /* images of the whole batch */
    int part, parts;   /* where the layer has parts of its own, and in prepare(): 0 .. parts - 1; else 0 and 1 */
    bool alone;        /* forward runs as plan->alone_parts */
    bool training;
    bool rectify; /* a rectifier follows, whose forward is this layer's work: y = y < 0 ? 0 : y, so that NaN stays; and
                     where plan->rectifies_backward its backward: dy is the gradient of that y */
    const cnn_real *x;          /* [n][input]; in backward only if backward_reads_input */
    const cnn_real *x2;         /* the second input, of `add` only */
    cnn_real *y;                /* [n][output]; in backward only if backward_reads_output, and constant there */
    const cnn_real *dy;         /* [n][output]; may be overwritten only through dx, where in_place */
    cnn_real *dx;               /* [n][input], all of it to be written; NULL where nobody needs it */
    cnn_real *const *tensors;   /* by index; constant but for CNN_ROLE_STATE in forward_total() */
    cnn_real *const *gradients; /* by index, to be overwritten (not added to); NULL entries for CNN_ROLE_STATE */
    void *saved;                /* [n][saved_size] */
    void *prepared;             /* [prepared_size*]; written by prepare() only */
    void *scratch;              /* [scratch_size], this thread's; contents undefined */
    double *sums;               /* *_sums(): this lane's, zeroed; *_total(): the lanes' total, in lane order */
    double *shared;             /* [shared_count] */
    cnn_random *random;         /* [n], one stream an image (dropout); NULL for kinds without `random` */
} cnn_layer_call;

/** What a layer will run on, for tune(). */
typedef struct cnn_layer_tuning {
    int images, lanes;   /* images of a lane, lanes of a batch */
    bool training;       /* all passes, prepare() once a batch; else forward only, prepare() never again */
    bool input_gradient; /* in training: somebody needs it */
} cnn_layer_tuning;

typedef struct cnn_layer_kind {
    const char *name;
    const char *help; /* one line */
    const cnn_option *options;
    size_t options_size;
    size_t state_size;
    bool internal; /* made by the network, no word of a recipe */
    bool random;   /* draws random numbers in training */
    /** Declares everything, from plan->input and options; fails where they do not fit (message without place or kind's
     * name). `state` is state_size zeroed bytes. */
    cnn_status (*plan)(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error);
    /** Chooses anew how the passes are computed, by measuring each way that the options permit, with memory of its own,
     * and changes plan and state accordingly; neither on failure. NULL for kinds with one way only. */
    cnn_status (*tune)(cnn_layer_plan *plan, const void *options, void *state, const cnn_layer_tuning *tuning,
                       cnn_error *error);
    /** Makes call->prepared of call->tensors, cut into prepare_parts; no other array is there, and NULL for kinds that
     * never prepare. Called once after the tensors have changed, before forward(). */
    void (*prepare)(const cnn_layer_call *call);
    void (*forward)(const cnn_layer_call *call);
    void (*backward)(const cnn_layer_call *call);
    /** NULL for most. Where set, backward() writes gradients alone, and this one, called after it, writes dx where that
     * is wanted, without x and y. */
    void (*backward_input)(const cnn_layer_call *call);
    /* Layers with sums over the batch (batch normalization), NULL for others. In training, before forward():
     * forward_sums() a lane, then forward_total() once. Before backward(): backward_sums() a lane, then
     * backward_total() once, which alone writes gradients then. */
    void (*forward_sums)(const cnn_layer_call *call);
    void (*forward_total)(const cnn_layer_call *call);
    void (*backward_sums)(const cnn_layer_call *call);
    void (*backward_total)(const cnn_layer_call *call);
    /* Folding for inference, NULL for kinds that have no part in it. */
    /** Kinds that in inference only give each channel a factor and an offset, y[c] = factor[c] * x[c] + offset[c]:
     * both, [channels], of call->tensors; the call has options and plan besides. */
    void (*affine)(const cnn_layer_call *call, double *factor, double *offset);
    /** Kinds whose output channel c is row c of their CNN_ROLE_WEIGHT tensor times inputs, plus number c of their
     * CNN_ROLE_BIAS tensor where they have one, so that a factor and an offset for each channel fold into these: asks
     * for that bias. */
    void (*require_bias)(void *options);
} cnn_layer_kind;

/** The name of a kind's struct, which each instruction set level has of its own: all that differs is the speed. */
#define CNN_LAYER(name) CNN_VARIANT(cnn_layer_##name)

/** A level's kinds, NULL-terminated, in the order of the help. A new kind is one line in kinds.c. */
const cnn_layer_kind *const *cnn_layer_kinds(cnn_isa isa);

/** The level's kind with this name (`length` bytes), internal ones included, or NULL. */
const cnn_layer_kind *cnn_layer_find(cnn_isa isa, const char *name, size_t length);

/** height * width * channels. */
size_t cnn_shape_size(cnn_shape shape);

#endif

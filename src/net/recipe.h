/* A recipe in memory: its statements in the order of the text, each with its options parsed and its place kept for
 * messages. Nothing here knows shapes: that is network.h. */
#ifndef CNN_NET_RECIPE_H
#define CNN_NET_RECIPE_H

#include "layers/weights.h"

/** The most residuals within each other. */
#define CNN_RECIPE_NESTING 16

/** The range of a model's temperature, and of its threshold of familiarity on either side of 0. */
#define CNN_TEMPERATURE_LEAST 0.01
#define CNN_TEMPERATURE_MOST 100.0
#define CNN_FAMILIARITY_MOST 1e5

typedef enum cnn_statement_type {
    CNN_STATEMENT_INPUT,
    CNN_STATEMENT_LAYER,
    CNN_STATEMENT_RESIDUAL, /* "residual projection=... {" */
    CNN_STATEMENT_END,      /* "}" */
    CNN_STATEMENT_TRAIN,
    CNN_STATEMENT_AUGMENT
} cnn_statement_type;

typedef enum cnn_scale {
    CNN_SCALE_STANDARDIZE,
    CNN_SCALE_UNIT,
    CNN_SCALE_SYMMETRIC,
    CNN_SCALE_NONE,
    CNN_SCALE_STANDARDIZE_PIXELS, /* 0..1, then a layer "input.standardize" */
    CNN_SCALE_WHITEN              /* standardized, then a layer "input.whiten" */
} cnn_scale;

typedef struct cnn_input_options {
    cnn_shape shape;
    int scale; /* cnn_scale */
    int fit;   /* cnn_fit */
} cnn_input_options;

typedef enum cnn_projection { CNN_PROJECTION_NONE, CNN_PROJECTION_CONV, CNN_PROJECTION_BATCHNORM } cnn_projection;

typedef struct cnn_residual_options {
    int projection; /* cnn_projection: none; a 1x1 convolution without bias; the same and batch normalization */
} cnn_residual_options;

typedef enum cnn_optimizer_name {
    CNN_OPTIMIZER_SGD,
    CNN_OPTIMIZER_ADAMW,
    CNN_OPTIMIZER_ADAM,
    CNN_OPTIMIZER_RMSPROP,
    CNN_OPTIMIZER_MUON
} cnn_optimizer_name;
typedef enum cnn_schedule_name {
    CNN_SCHEDULE_CONSTANT,
    CNN_SCHEDULE_STEP,
    CNN_SCHEDULE_COSINE,
    CNN_SCHEDULE_LINEAR
} cnn_schedule_name;

typedef struct cnn_train_options {
    int epochs, batch;
    int optimizer; /* cnn_optimizer_name */
    double lr, momentum;
    int nesterov;
    double beta1, beta2, epsilon;
    cnn_weight_options weights; /* of all layers that say nothing else */
    double activation_l1;
    double bias_lr;                 /* factor of lr for biases, those of batch normalization too */
    double head_lr;                 /* the same for the weights of the last layer */
    double clip;                    /* the most that the norm of all gradients together may be, 0: anything */
    int lookahead;                  /* steps between synchronizations with the slow weights, 0: there are none */
    double lookahead_share;         /* of the way that the slow weights go each time */
    double average;                 /* share of the weights' running average that a step keeps, 0: there is none */
    int schedule;                   /* cnn_schedule_name */
    double warmup;                  /* epochs of linear warm-up, fractions allowed */
    double step_every, step_factor; /* schedule=step: every so many epochs, times this */
    double lr_final;                /* cosine, linear: the last step's share of lr */
    double label_smoothing;
    double val;                      /* below 1: share of the training images held back; from 1: their count */
    double temperature, familiarity; /* of the model; CNN_OPTION_AUTO: fitted on the images held back */
    int images;                      /* the most of the others to train on; 0: all */
} cnn_train_options;

typedef enum cnn_fill { CNN_FILL_ZERO, CNN_FILL_REFLECT } cnn_fill;
typedef enum cnn_flip { CNN_FLIP_OFF, CNN_FLIP_ON, CNN_FLIP_ALTERNATE } cnn_flip;

typedef struct cnn_augment_options {
    int shift;            /* up to so many pixels each way */
    int fill;             /* cnn_fill: what comes in from outside */
    int flip;             /* cnn_flip: mirror left-right with probability 1/2, or in every other epoch */
    double rotate;        /* up to so many degrees each way */
    double scale;         /* size times 1 - scale .. 1 + scale */
    double shear;         /* up to so many degrees each way */
    double elastic;       /* deviation of each pixel's own shift, in pixels, 0: none */
    double elastic_sigma; /* of the Gaussian that makes neighbours shift alike, in pixels */
    int cutout;           /* side of a square set to zero, 0: none */
    double erase;         /* probability that a random rectangle becomes noise */
    double brightness;    /* plus up to this share of the range each way */
    double contrast;      /* around the image's mean, times 1 - contrast .. 1 + contrast */
    double mixup;         /* alpha of the Beta distribution of the shares, 0: images are not mixed */
} cnn_augment_options;

typedef struct cnn_statement {
    cnn_statement_type type;
    const cnn_layer_kind *kind; /* CNN_STATEMENT_LAYER only */
    void *options;              /* the kind's or type's options struct; NULL for CNN_STATEMENT_END */
    char name[32];              /* layers and residuals: "conv1"; others: the type's word */
    int line, column;           /* of the statement's word, from 1 */
} cnn_statement;

struct cnn_recipe {
    cnn_isa isa; /* of the kinds of its statements, chosen when it was begun */
    char *name;  /* before line and column in messages */
    cnn_statement *statements;
    int count, capacity;
    int depth; /* of open residuals */
    int lines; /* read so far */
};

/** The option table of a statement. */
const cnn_option *cnn_statement_table(const cnn_statement *statement);

/** "NAME:LINE:COLUMN: WORD: " and the formatted text, as an error of status CNN_USAGE. */
cnn_status cnn_recipe_fail(const cnn_recipe *recipe, const cnn_statement *statement, cnn_error *error,
                           const char *format, ...) CNN_PRINTF(4, 5);

/** A deep copy. */
cnn_recipe *cnn_recipe_copy(const cnn_recipe *recipe, cnn_error *error);

/** The train (augment) statement's options, or the defaults into *out where the recipe has none. */
void cnn_recipe_train_options(const cnn_recipe *recipe, cnn_train_options *out);
void cnn_recipe_augment_options(const cnn_recipe *recipe, cnn_augment_options *out);
/** Whether the recipe has an augment statement that asks for something. */
bool cnn_recipe_augments(const cnn_recipe *recipe);

/** Appends the canonical text of one statement, without indentation and line end: "conv filters=20 kernel=5". */
void cnn_statement_print(const cnn_statement *statement, cnn_text *text);

#endif

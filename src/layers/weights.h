/* What a recipe may say of trained weights, a layer or for all: how they begin and what holds them small. The layers
 * `conv` and `dense` and the statement `train` have these options; "auto" in a layer is what `train` says. */
#ifndef CNN_LAYERS_WEIGHTS_H
#define CNN_LAYERS_WEIGHTS_H

#include "layers/planning.h"

typedef struct cnn_weight_options {
    int init;     /* cnn_initialization */
    int fan;      /* cnn_fan */
    double limit; /* of init=uniform; CNN_OPTION_AUTO in a layer */
    double std;   /* of init=normal; likewise */
    double bias;  /* what biases begin as; in a layer CNN_BIAS_OFF or CNN_BIAS_ON too */
    double weight_decay, l1, max_norm, norm;
} cnn_weight_options;

/** The words of a number that a layer may leave to the train statement. */
#define CNN_OPTION_AUTO CNN_OPTION_WORD(0)
#define CNN_OPTION_AUTO_WORDS ((const char *const[]){"auto", NULL})
/** The words of a layer's bias: none, or one that begins as the train statement says. */
#define CNN_BIAS_OFF CNN_OPTION_WORD(0)
#define CNN_BIAS_ON CNN_OPTION_WORD(1)

#define CNN_INITIALIZATION_WORD(name, word, help) word,
#define CNN_INITIALIZATION_WORDS ((const char *const[]){CNN_INITIALIZATION_LIST(CNN_INITIALIZATION_WORD) NULL})
#define CNN_FAN_WORDS ((const char *const[]){"auto", "in", "out", NULL})

/* One row of the table below. */
#define CNN_WEIGHT_ROW(offset, type, name, field, least, most, fallback, words, help)                                  \
    {                                                                                                                  \
        name, type, (offset) + offsetof(cnn_weight_options, field), least, most, fallback, words, help, false          \
    }
#define CNN_WEIGHT_CHOICE(offset, name, field, words, help)                                                            \
    CNN_WEIGHT_ROW(offset, CNN_OPTION_CHOICE, name, field, 0, 0, "auto", words, help)
#define CNN_WEIGHT_NUMBER(offset, name, field, most, help)                                                             \
    CNN_WEIGHT_ROW(offset, CNN_OPTION_NUMBER, name, field, 0, most, "auto", CNN_OPTION_AUTO_WORDS, help)

/** The rows of a layer's option table for the weight options at `offset` of its options struct. */
#define CNN_WEIGHT_TABLE(offset)                                                                                       \
    CNN_WEIGHT_ROW(offset, CNN_OPTION_NUMBER, "bias", bias, -1000, 1000, "on", CNN_OPTION_OFF_ON,                      \
                   "a trained offset of each output: whether, or what it begins as; on: as train says"),               \
        CNN_WEIGHT_CHOICE(offset, "init", init, CNN_INITIALIZATION_WORDS,                                              \
                          "how the weights begin: see the words of init= at the end; auto: as train says"),            \
        CNN_WEIGHT_CHOICE(                                                                                             \
            offset, "fan", fan, CNN_FAN_WORDS,                                                                         \
            "init=he-... and lecun-... divide by a unit's inputs (in) or by the units that read an input (out)"),      \
        CNN_WEIGHT_NUMBER(offset, "limit", limit, 1000, "of init=uniform: from -limit to limit"),                      \
        CNN_WEIGHT_NUMBER(offset, "std", std, 1000, "of init=normal: standard deviation"),                             \
        CNN_WEIGHT_NUMBER(offset, "weight-decay", weight_decay, 10, "pull of the weights towards 0 (L2)"),             \
        CNN_WEIGHT_NUMBER(offset, "l1", l1, 10,                                                                        \
                          "pull towards 0 by an amount that does not depend on the weight's size (L1)"),               \
        CNN_WEIGHT_NUMBER(offset, "max-norm", max_norm, 1e6,                                                           \
                          "length to which a unit's weight vector is cut where it is longer; 0: any"),                 \
        CNN_WEIGHT_NUMBER(offset, "norm", norm, 1e6,                                                                   \
                          "root mean square of the units' weight vectors' lengths, which each step restores; 0: any")

/** The tensor "weight" as a layer's options describe it: `shape` has rank and sizes, units first and channels last;
 * units and channels are in `groups` groups. Fails where it has more than INT_MAX numbers. */
cnn_status cnn_plan_weight(cnn_layer_plan *plan, const cnn_weight_options *options, cnn_tensor shape, int groups,
                           cnn_error *error);

/** The bias [units], where the options ask for one. */
cnn_status cnn_plan_bias(cnn_layer_plan *plan, const cnn_weight_options *options, int units, cnn_error *error);

/** Asks for a bias where there is none: the kinds' require_bias(). */
void cnn_weights_require_bias(cnn_weight_options *options);

/** Whether cnn_plan_weight() made it, trained or frozen. */
static inline bool cnn_tensor_is_weight(const cnn_tensor *tensor)
{
    return tensor->fan_in > 0;
}

/** Puts what `train` says into a tensor that leaves it open. Initializations that suit an activation stay AUTO. Fails
 * where an initialization lacks its number. */
cnn_status cnn_tensor_inherit(cnn_tensor *tensor, const cnn_weight_options *train, cnn_error *error);

#endif

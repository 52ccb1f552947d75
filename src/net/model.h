/* A model: the planned network, its parameters, and the metadata that its file carries. */
#ifndef CNN_NET_MODEL_H
#define CNN_NET_MODEL_H

#include "net/network.h"

/** One state of a checkpoint: a block in the layout of the parameters, of which the trained tensors' ranges are stored,
 * or all, each as a tensor "PREFIX/conv1.weight". */
typedef struct cnn_state_block {
    const char *prefix; /* "momentum" */
    cnn_real *values;   /* [count] */
    size_t count;       /* must be the network's parameter_count */
    bool whole;         /* all tensors are stored */
} cnn_state_block;

/** Figures of an image at first sight. */
#define CNN_APPEARANCE_COUNT 4

struct cnn_model {
    cnn_network *network;
    cnn_recipe *recipe;
    cnn_real *parameters;
    char **class_names; /* [network->class_count] */
    /* x = (pixel / 255 - mean[c]) / deviation[c]; [input channels] */
    double mean[4], deviation[4];
    double temperature; /* probabilities are softmax(logits / temperature) */
    double familiarity; /* images of less are unlike those trained on, train/calibrate.h; -INFINITY: not known */
    bool has_appearance;
    double appearance[CNN_APPEARANCE_COUNT][2]; /* least and most of images like those trained on, train/appearance.h */
    /* pairs of strings in the file, sorted by key; the keys that the fields above are stored under are among them */
    char **keys, **values;
    int metadata_count;
};

/** An initialized model over the recipe, which is copied. */
cnn_model *cnn_model_create(const cnn_recipe *recipe, uint64_t seed, cnn_error *error);
/** A deep copy. */
cnn_model *cnn_model_copy(const cnn_model *model, cnn_error *error);
cnn_status cnn_model_set_classes(cnn_model *model, const char *const *names, int count, cnn_error *error);
/** Sets mean and deviation, [input channels] each, finite and deviations above 0. */
cnn_status cnn_model_set_scale(cnn_model *model, const double *mean, const double *deviation, cnn_error *error);
/** Sets the temperature, 0.01 to 100. */
cnn_status cnn_model_set_temperature(cnn_model *model, double temperature, cnn_error *error);
/** Sets the threshold of familiarity, -1e5 to 1e5. */
cnn_status cnn_model_set_familiarity(cnn_model *model, double familiarity, cnn_error *error);
/** Sets the ranges of the images' appearance, finite. */
cnn_status cnn_model_set_appearance(cnn_model *model, const double ranges[CNN_APPEARANCE_COUNT][2], cnn_error *error);
/** Sets temperature and familiarity where the recipe's train statement names them. */
cnn_status cnn_model_plan_calibration(cnn_model *model, cnn_error *error);
/** Sets all three where the model's metadata has them; there they are what a file says. */
cnn_status cnn_model_read_calibration(cnn_model *model, cnn_error *error);
/** Sets one entry of the metadata; a NULL value removes it. */
cnn_status cnn_model_set_metadata(cnn_model *model, const char *key, const char *value, cnn_error *error);
/** The same from a text, which is used up. */
cnn_status cnn_model_take_metadata(cnn_model *model, const char *key, cnn_text *text, cnn_error *error);
/** The same from a finite number, which reads back as it is. */
cnn_status cnn_model_set_number(cnn_model *model, const char *key, double value, cnn_error *error);

/* The file (modelfile.c). A checkpoint is a model with optimizer state blocks and metadata of its own. */

/** The whole file in memory, the caller's to cnn_free(). */
cnn_status cnn_model_encode(const cnn_model *model, const cnn_state_block *states, int state_count,
                            unsigned char **bytes, size_t *size, cnn_error *error);

/** Decodes and verifies a whole file, whose tensors must be the model's and those of `states` (0 for a plain model),
 * which are filled. `name` stands in messages. */
cnn_model *cnn_model_decode(const unsigned char *bytes, size_t size, const char *name, const cnn_state_block *states,
                            int state_count, cnn_error *error);

#endif

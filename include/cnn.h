/*
 * cnn: a small convolutional image classifier.
 *
 * Everything a program needs to train a classifier, to load a trained one and to classify pictures. Handles are opaque.
 * A function that can fail returns a `cnn_status`, or NULL instead of a handle, and describes the failure in `error`,
 * which may be NULL; its other outputs are then untouched. Every `_free` accepts NULL. Strings are UTF-8. The library
 * never prints, never exits, never installs signal handlers and keeps no mutable global state.
 *
 * Threads: recipes, models and data sets may be read by any number of threads at once; a session or a trainer belongs
 * to one thread at a time. OpenBLAS keeps one thread count for the process: see cnn_blas_single_thread().
 *
 * Environment: on x86-64 the library has its kernels for several levels of instruction sets, which give the same bits,
 * and takes the processor's best. CNN_ISA=baseline, x86-64-v3 or x86-64-v4 names another. It is read where a recipe or
 * model is made or loaded, which fails with CNN_PLATFORM where it names no level or one that the processor lacks.
 */
#ifndef CNN_H
#define CNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CNN_VERSION_MAJOR 0
#define CNN_VERSION_MINOR 1
#define CNN_VERSION_PATCH 0

#if defined(__GNUC__)
#define CNN_API __attribute__((visibility("default")))
#else
#define CNN_API
#endif

/** The version of the library that runs, as "MAJOR.MINOR.PATCH". */
CNN_API const char *cnn_version(void);

/* ---------------------------------------------------------------- failures */

/** X(name, meaning): every way in which a call can end. */
#define CNN_STATUS_LIST(X)                                                                                             \
    X(OK, "success")                                                                                                   \
    X(USAGE, "an argument or a recipe is wrong")                                                                       \
    X(MEMORY, "out of memory")                                                                                         \
    X(IO, "a file cannot be read or written")                                                                          \
    X(FORMAT, "a file's content is malformed or unsupported")                                                          \
    X(MISMATCH, "recipe, model and data do not fit together")                                                          \
    X(DIVERGED, "training diverged: the loss is no longer finite")                                                     \
    X(PLATFORM, "the machine, its BLAS library or CNN_ISA is unsuitable")

typedef enum cnn_status {
#define CNN_STATUS_ENTRY(name, meaning) CNN_##name,
    CNN_STATUS_LIST(CNN_STATUS_ENTRY)
#undef CNN_STATUS_ENTRY
} cnn_status;

/** One failure: its kind, and one line that says what, where and what to do. */
typedef struct cnn_error {
    cnn_status status;
    char message[1024];
} cnn_error;

/** The meaning of a status, a constant string; "unknown status" for a value outside the list. */
CNN_API const char *cnn_status_text(cnn_status status);

/** Frees a string that this library returned for the caller to keep. */
CNN_API void cnn_free(void *memory);

/**
 * Sets OpenBLAS to one thread for the whole process: the library's own threads each call it. Training does this for its
 * duration and restores the former count; a program that only classifies calls it once at its start. Fails with
 * CNN_PLATFORM where OpenBLAS's build cannot be told (the OpenMP build, unless OMP_NUM_THREADS=1).
 */
CNN_API cnn_status cnn_blas_single_thread(cnn_error *error);

/**
 * The value of the environment's OPENBLAS_CORETYPE with which OpenBLAS would be several times as fast, or NULL where
 * its own choice of kernels is good, or the variable is set: on a processor newer than itself it takes its oldest. It
 * reads the variable when it is loaded, so a program that finds a value here sets it and executes itself anew, once, as
 * the command does. A constant.
 */
CNN_API const char *cnn_blas_faster_kernels(void);

/** The number of processors this process may run on, at least 1: the default of every `threads` below. */
CNN_API int cnn_processor_count(void);

/* ----------------------------------------------------------------- recipes */

/** An image's size. Pixels are stored [height][width][channels]; channels is 1 (grey) or 3 (red, green, blue). */
typedef struct cnn_shape {
    int height, width, channels;
} cnn_shape;

/** How a picture file of any size becomes an image of the network's, as a recipe's input statement says. Data sets of
 * ready images (IDX, CIFAR-10) are not touched. */
typedef enum cnn_fit {
    CNN_FIT_CROP, /**< scaled so that it covers the image, of which the centre is kept */
    CNN_FIT_DIGIT /**< a handwritten digit, dark on light or light on dark, is found and placed as those of MNIST are:
                       white on black, 20/28 of the image long, its centre of mass in the middle; needs 1 channel. Where
                       none is found it is as above */
} cnn_fit;

/** A network and its training, as text: see README.md, "Recipes". */
typedef struct cnn_recipe cnn_recipe;

/** An empty recipe, to be filled by cnn_recipe_add(). */
CNN_API cnn_recipe *cnn_recipe_new(cnn_error *error);
/** A recipe from `text`; `name` stands before line and column in error messages. */
CNN_API cnn_recipe *cnn_recipe_parse(const char *text, const char *name, cnn_error *error);
/** A recipe from a file of at most 1 MiB. */
CNN_API cnn_recipe *cnn_recipe_load(const char *path, cnn_error *error);
/** Appends one statement, as a recipe's line has it: "conv filters=20 kernel=5", "residual {", "}". */
CNN_API cnn_status cnn_recipe_add(cnn_recipe *recipe, const char *line, cnn_error *error);
/**
 * Changes one option. "lr=0.1" is the train statement's; "NAME.KEY=VALUE" is another's, NAME being `input`, `augment`
 * or a layer's name as cnn_model_layer() gives it ("conv2.filters=64"). Adds a train or augment statement where none
 * is. "KIND=STATEMENT" puts a layer in the place of all layers of a kind: "relu=tanh", "relu=leakyrelu slope=0.1".
 */
CNN_API cnn_status cnn_recipe_set(cnn_recipe *recipe, const char *assignment, cnn_error *error);
/** The canonical text: defaults left out, options in a fixed order. To be freed with cnn_free(). */
CNN_API char *cnn_recipe_text(const cnn_recipe *recipe, cnn_error *error);
/** Every statement and option a recipe may have, with ranges, defaults and meanings, to be freed with cnn_free(). */
CNN_API char *cnn_recipe_reference(cnn_error *error);
/** The size of the images that the recipe reads; all zero before its input statement. */
CNN_API cnn_shape cnn_recipe_input(const cnn_recipe *recipe);
/** How pictures become such images; CNN_FIT_CROP before the input statement. */
CNN_API cnn_fit cnn_recipe_fit(const cnn_recipe *recipe);
CNN_API void cnn_recipe_free(cnn_recipe *recipe);

/* --------------------------------------------------------------- data sets */

typedef enum cnn_split { CNN_SPLIT_TRAIN, CNN_SPLIT_TEST } cnn_split;

/** Labelled images in memory, one byte a channel. */
typedef struct cnn_dataset cnn_dataset;

/**
 * Opens a data set: "mnist:DIR", "fashion-mnist:DIR" (IDX files, plain or gzip), "cifar10:DIR" (binary batches) or
 * "folder:DIR" (a subfolder a class, or train/ and test/ with such subfolders). Folder images are resized to `shape`,
 * the others must have it.
 */
CNN_API cnn_dataset *cnn_dataset_open(const char *spec, cnn_split split, cnn_shape shape, cnn_error *error);
/** The same with the fit that the recipe or model asks for; cnn_dataset_open() takes CNN_FIT_CROP. */
CNN_API cnn_dataset *cnn_dataset_open_fitted(const char *spec, cnn_split split, cnn_shape shape, cnn_fit fit,
                                             cnn_error *error);

/** What cnn_dataset_new() copies. */
typedef struct cnn_dataset_content {
    const uint8_t *pixels; /**< [count][height][width][channels] */
    const int *labels;     /**< [count], each in 0 .. class_count - 1 */
    int count;
    cnn_shape shape;
    const char *const *class_names; /**< [class_count] */
    int class_count;
} cnn_dataset_content;

/** A data set from the caller's own images, which are copied. */
CNN_API cnn_dataset *cnn_dataset_new(const cnn_dataset_content *content, cnn_error *error);
CNN_API int cnn_dataset_count(const cnn_dataset *data);
CNN_API cnn_shape cnn_dataset_shape(const cnn_dataset *data);
CNN_API int cnn_dataset_class_count(const cnn_dataset *data);
/** The name of class `index`, or NULL outside 0 .. class_count - 1. It lives as long as the data set. */
CNN_API const char *cnn_dataset_class_name(const cnn_dataset *data, int index);
/** Image `index`'s pixels and label; NULL and -1 outside 0 .. count - 1. */
CNN_API const uint8_t *cnn_dataset_pixels(const cnn_dataset *data, int index);
CNN_API int cnn_dataset_label(const cnn_dataset *data, int index);
/** Files that were passed over because they could not be read as pictures (folder: only). */
CNN_API int cnn_dataset_skipped(const cnn_dataset *data);
CNN_API void cnn_dataset_free(cnn_dataset *data);

/* ------------------------------------------------------------------ models */

/** A network with its weights, class names and input scaling: constant once made, but for cnn_model_record_test(). */
typedef struct cnn_model cnn_model;

/** An untrained model: the recipe's network, initialized from `seed`. Classes are named "0", "1", ... */
CNN_API cnn_model *cnn_model_new(const cnn_recipe *recipe, uint64_t seed, cnn_error *error);
/** Loads a model file (safetensors) of at most 2 GiB. Nothing in it is trusted: sizes, names, values and checksum must
 * all agree. A checkpoint is no model: it fails with CNN_FORMAT. */
CNN_API cnn_model *cnn_model_load(const char *path, cnn_error *error);
/** The same from memory, which may be freed afterwards. */
CNN_API cnn_model *cnn_model_load_memory(const void *bytes, size_t size, cnn_error *error);
/** Writes the model file; an existing one is replaced whole or stays as it was. */
CNN_API cnn_status cnn_model_save(const cnn_model *model, const char *path, cnn_error *error);
CNN_API cnn_shape cnn_model_input(const cnn_model *model);
/** How the model's sessions make images of picture files. */
CNN_API cnn_fit cnn_model_fit(const cnn_model *model);
CNN_API int cnn_model_class_count(const cnn_model *model);
/** The name of class `index`, or NULL outside 0 .. class_count - 1. It lives as long as the model. */
CNN_API const char *cnn_model_class_name(const cnn_model *model, int index);
/** One entry of the file's metadata ("recipe", "origin.data", "accuracy.validation", ...: README.md, "The model file"),
 * or NULL where it has none. */
CNN_API const char *cnn_model_metadata(const cnn_model *model, const char *key);

/** One layer of a model. Strings live as long as the model. */
typedef struct cnn_layer_info {
    const char *name;      /**< "conv1" */
    const char *text;      /**< "conv filters=20 kernel=5" */
    const char *algorithm; /**< how it is computed, "" where there is one way only */
    cnn_shape output;
    int64_t parameters;    /**< trained numbers */
    int64_t multiply_adds; /**< for one image, forward */
} cnn_layer_info;

/** A model as a whole. */
typedef struct cnn_model_info {
    int layer_count;
    int64_t parameters;
    int64_t multiply_adds;   /**< for one image, forward */
    int64_t file_bytes;      /**< of the weights in the model file */
    int64_t inference_bytes; /**< memory of a session for one image on one thread, weights included */
    const char *isa;         /**< instruction set level of the kernels: "x86-64-v4", or "baseline" */
    int64_t training_bytes;  /**< memory of a trainer at the recipe's batch on one thread, data set excluded */
} cnn_model_info;

CNN_API cnn_status cnn_model_describe(const cnn_model *model, cnn_model_info *info, cnn_error *error);
/** Layer `index`, 0 .. layer_count - 1; false outside. */
CNN_API bool cnn_model_layer(const cnn_model *model, int index, cnn_layer_info *info);

/** One pass of a layer in training, as it is planned. Strings live as long as the model. */
typedef struct cnn_pass_info {
    const char *layer;  /**< "conv1" */
    const char *pass;   /**< "forward", "forward, relu" of a layer that applies the rectifier after it as well, "input
                             gradient", "weight gradient"; "sums", "gradient sums" over a batch */
    const char *method; /**< "winograd F(4x4,3x3), 64 tiles a group"; "" where there is one way only */
    int stage;          /**< 1, 2, ...: passes of one stage follow each other within a lane, without meeting others */
    int slices;         /**< 0: cut into lanes; else the whole batch's work, in so many slices */
    int64_t scratch_bytes; /**< of the layer, a thread */
} cnn_pass_info;

/** All passes of a training step, in their order. A rectifier that the layer before applies has no forward pass, and
 * none at all where that layer's gradients take it in. */
typedef struct cnn_pass_list {
    int batch;              /**< of the recipe */
    int lanes, lane_images; /**< that it is cut into; the last lane may have fewer images */
    int stages;
    int64_t scratch_bytes; /**< a thread */
    int pass_count;
    cnn_pass_info *passes; /**< [pass_count], the caller's, to be freed with cnn_free() */
} cnn_pass_list;

/** How the planner computes a training step at the recipe's batch; by rule, so the same each time. */
CNN_API cnn_status cnn_model_passes(const cnn_model *model, cnn_pass_list *list, cnn_error *error);
CNN_API void cnn_model_free(cnn_model *model);

/* ------------------------------------------------------------- classifying */

/** The memory and threads for classifying with a model, or several, which must outlive it. Nothing is allocated after
 * creation but what decoding a picture needs, the result of an evaluation, and OpenBLAS's buffers at its first
 * products. */
typedef struct cnn_session cnn_session;

/** Test-time augmentation: an image's logits are the mean over several views of it, for as many times the work. */
typedef enum cnn_tta {
    CNN_TTA_NONE,      /**< the image alone */
    CNN_TTA_FLIP,      /**< 2 views: the image and its mirror, left-right */
    CNN_TTA_FLIP_SHIFT /**< 6 views: half the mean of image and mirror, half the mean of the same over the image shifted
                            by one pixel to the lower right and to the upper left (reflected at the border) */
} cnn_tta;

typedef struct cnn_session_options {
    int threads; /**< 0: one a processor */
    int batch;   /**< images computed at once, 0: 64 */
    bool tune;   /**< choose the algorithms by measuring, not by rule: creation takes up to some seconds, and results
                      may differ in the last bits each time. cnn_blas_single_thread() before, or it measures amiss */
    cnn_tta tta;
} cnn_session_options;

/** `options` may be NULL for the defaults. */
CNN_API cnn_session *cnn_session_new(const cnn_model *model, const cnn_session_options *options, cnn_error *error);
/**
 * A session over an ensemble: probabilities are the mean of those of models[count], each of which must outlive it. They
 * read images of one size and fit and have the same classes by name, or it fails with CNN_MISMATCH; the first one's
 * order of classes counts. Recipes and scalings may differ. A model may be in it more than once.
 */
CNN_API cnn_session *cnn_session_new_ensemble(const cnn_model *const *models, int count,
                                              const cnn_session_options *options, cnn_error *error);
/**
 * Classifies `count` images of the model's own size, [count][height][width][channels], into
 * probabilities[count][class_count], each row of which sums to 1: softmax of the model's outputs, divided by the
 * temperature that was fitted when it was trained. Any count; batches are formed inside. Where the model's outputs for
 * an image are not finite it fails with CNN_DIVERGED, and the rows before that one are written.
 */
CNN_API cnn_status cnn_session_classify_pixels(cnn_session *session, const uint8_t *pixels, int count,
                                               float *probabilities, cnn_error *error);
/**
 * The same, and how familiar each image is into familiarity[count], which may be NULL: from 0 on it is like the images
 * that the model was trained on; below 0 it is unlike them, and its probabilities say little. NAN where the model does
 * not know, since it was trained on fewer than 1999 images, with fewer than 199 held back. An ensemble gives the mean
 * over its models that know.
 */
CNN_API cnn_status cnn_session_assess_pixels(cnn_session *session, const uint8_t *pixels, int count,
                                             float *probabilities, float *familiarity, cnn_error *error);
/** Classifies one picture file (JPEG, PNG, BMP of any size, fitted as cnn_model_fit() says) into
 * probabilities[class_count]. */
CNN_API cnn_status cnn_session_classify_file(cnn_session *session, const char *path, float *probabilities,
                                             cnn_error *error);
/** The same for a picture file's bytes. */
CNN_API cnn_status cnn_session_classify_memory(cnn_session *session, const void *bytes, size_t size,
                                               float *probabilities, cnn_error *error);
/** How familiar the image is that was classified last, of several their last, as cnn_session_assess_pixels() gives it;
 * NAN before the first. */
CNN_API float cnn_session_familiarity(const cnn_session *session);
CNN_API void cnn_session_free(cnn_session *session);

/** How a model does on a data set. */
typedef struct cnn_evaluation {
    int count, correct;
    double accuracy;                    /**< correct / count */
    double interval_low, interval_high; /**< 95% interval of the accuracy (Wilson 1927) */
    double loss;                        /**< mean cross-entropy, in nats */
    double calibration_error;           /**< expected calibration error (Guo et al. 2017): how far the probabilities of
                                             the predicted classes are from how often these are right, over 15 bins */
    int unfamiliar;                     /**< images unlike those trained on; -1 where the model does not know */
    int class_count;
    int *confusion; /**< [actual][predicted] counts, class_count squared */
    int model_count;
    int *model_correct; /**< [model_count] `correct` of each model of an ensemble alone; in the memory of `confusion` */
} cnn_evaluation;

/**
 * Evaluates on all images of `data`, whose classes must be among the model's, by name. The confusion matrix is the
 * caller's, to be freed with cnn_free(), and model_correct with it.
 */
CNN_API cnn_status cnn_session_evaluate(cnn_session *session, const cnn_dataset *data, cnn_evaluation *evaluation,
                                        cnn_error *error);
/**
 * Records in `model` what evaluating it with `tta` on `data`, images that it was not trained on, has given: two entries
 * of its metadata, "accuracy.test" and "accuracy.test.data" ("mnist, 10000 images, crc32 1a2b3c4d": no path), or
 * "accuracy.test.flip" and "accuracy.test.flip-shift" and theirs; a former record with the same views is replaced.
 * cnn_model_save() writes them; nothing else in the file but its checksum changes. No other thread may use the model
 * meanwhile, nor anybody strings that cnn_model_metadata() gave before. Fails with CNN_USAGE for an ensemble's
 * evaluation, CNN_MISMATCH for one of other images or classes, with the model untouched; where memory is out, the
 * record with these views may be gone.
 */
CNN_API cnn_status cnn_model_record_test(cnn_model *model, const cnn_dataset *data, cnn_tta tta,
                                         const cnn_evaluation *evaluation, cnn_error *error);

/* -------------------------------------------------------------- inspecting */

/** What happens in one layer with weights, or where an activation follows in a residual's sum or a frozen layer. Its
 * outputs are those of the activation that follows it, through batch normalization, pooling and dropout, or its own
 * where none follows; a unit is a channel of these. */
typedef struct cnn_layer_inspection {
    const char *name;       /**< "conv1" */
    bool has_weights;       /**< that are trained; else gradient_norm, weight_norm and update_ratio are 0 */
    bool hidden;            /**< an activation follows, whose output is not the network's */
    int units, dead;        /**< dead: the unit's output was 0 for every image, everywhere */
    double mean, deviation; /**< of the outputs */
    double zeros;           /**< share of the outputs that are exactly 0 */
    double saturated; /**< share of the outputs within 1% of a limit of the activation: of the distance between its
                           limits, or of the only one; 0 where it has none */
    double gradient_norm, weight_norm; /**< of the weights; the gradient is that of a batch's mean loss */
    double update_ratio;               /**< norm of a step's change of the weights / weight_norm */
    int severity;                      /**< of the warning: 0 is none, larger is worse */
    char warning[200];                 /**< what is wrong and what may help, in words; "" where nothing is */
} cnn_layer_inspection;

/** A network from inside. Figures are kept to 7 digits. Where a number is not finite, the network has diverged. */
typedef struct cnn_inspection {
    int images;           /**< whose outputs were looked at */
    double dead;          /**< share of dead units among those of all hidden layers */
    double zeros;         /**< share of exact zeros among the outputs of all hidden layers */
    double gradient_norm; /**< of the weights of all layers together */
    double update_ratio;  /**< the largest of a layer */
    int layer_count;
    cnn_layer_inspection *layers; /**< [layer_count] in the network's order, the caller's, to be freed with cnn_free();
                                       names live as long as the model or trainer */
} cnn_inspection;

typedef struct cnn_inspect_options {
    int threads; /**< 0: one a processor; the figures do not depend on it */
    int images;  /**< the most to look at, evenly chosen; 0: all */
} cnn_inspect_options;

/** Looks into a model while it classifies the images of `data`, whose classes must be among the model's, by name, and
 * while it learns from up to 1024 of them, evenly chosen, with the recipe's batch, label smoothing and dropout, but
 * without augmentation: gradient norms are root mean squares over these batches, and the step's change is that of plain
 * gradient descent at the recipe's lr. The model does not change. `options` may be NULL. OpenBLAS is held at one thread
 * for the duration. */
CNN_API cnn_status cnn_model_inspect(const cnn_model *model, const cnn_dataset *data,
                                     const cnn_inspect_options *options, cnn_inspection *inspection, cnn_error *error);

/* ---------------------------------------------------------------- training */

/** Weights, optimizer state and position of a training. */
typedef struct cnn_trainer cnn_trainer;

typedef struct cnn_trainer_options {
    int threads;   /**< 0: one a processor; the result does not depend on it */
    uint64_t seed; /**< of initialization, order, augmentation and dropout */
    bool tune;     /**< as of a session: the model is no longer the same to the byte each time */
} cnn_trainer_options;

/** Where a training stands. Accuracies and losses of training are means over the epoch so far, while weights change. */
typedef struct cnn_progress {
    int epoch, epochs;     /**< epochs begin at 1 */
    int step, steps;       /**< within the epoch, begin at 1 */
    int images;            /**< trained in this epoch so far */
    int training_images;   /**< that an epoch has, known from the start like the next */
    int validation_images; /**< that are held back */
    double loss, accuracy;
    double learning_rate;  /**< of the last step */
    bool epoch_done, done; /**< this step ended an epoch, the training */
    bool validated;        /**< the recipe holds images back: the next two are set at an epoch's end */
    double validation_loss, validation_accuracy;
    double seconds; /**< computed in this epoch so far, before a stop included */
} cnn_progress;

/**
 * Prepares to train `recipe` on `data`, both of which must outlive the trainer. OpenBLAS is held at one thread until
 * cnn_trainer_free().
 */
CNN_API cnn_trainer *cnn_trainer_new(const cnn_recipe *recipe, const cnn_dataset *data,
                                     const cnn_trainer_options *options, cnn_error *error);
/**
 * Goes on from a checkpoint: with the same recipe and data the final model is byte-identical to that of a training that
 * was never stopped. The seed comes from the checkpoint. Fails with CNN_MISMATCH where recipe or data differ.
 */
CNN_API cnn_trainer *cnn_trainer_resume(const cnn_recipe *recipe, const cnn_dataset *data, const char *checkpoint_path,
                                        const cnn_trainer_options *options, cnn_error *error);
/** One optimization step, and the validation after an epoch's last. CNN_DIVERGED leaves the trainer fit to be freed
 * only. A call after the last step fails with CNN_USAGE. */
CNN_API cnn_status cnn_trainer_step(cnn_trainer *trainer, cnn_progress *progress, cnn_error *error);
/** The position without a step: what resuming found, or all zero but the totals at the start. */
CNN_API void cnn_trainer_progress(const cnn_trainer *trainer, cnn_progress *progress);
/** How finished epoch `epoch` (from 1, those before a stop included) ended; false where it has not finished. */
CNN_API bool cnn_trainer_epoch(const cnn_trainer *trainer, int epoch, cnn_progress *progress);
/** What happened inside the network at the end of finished epoch `epoch`: in its last steps, those over about 1000
 * images, as they were trained on; gradients and the change of the weights are those of its very last step. Fails with
 * CNN_USAGE where the epoch has not finished, or a checkpoint had no figures of it: one of version 0.1, or of a network
 * with so many layers that only the latest epochs' are kept. */
CNN_API cnn_status cnn_trainer_inspection(const cnn_trainer *trainer, int epoch, cnn_inspection *inspection,
                                          cnn_error *error);
/** Writes a checkpoint; an existing one is replaced whole or stays as it was. */
CNN_API cnn_status cnn_trainer_save(const cnn_trainer *trainer, const char *path, cnn_error *error);
/** A copy of the model as it stands; where the recipe asks for an average of the weights, that has it. Its temperature
 * and familiarity are fitted to the images held back, where there are such and the recipe does not name them. */
CNN_API cnn_model *cnn_trainer_model(const cnn_trainer *trainer, cnn_error *error);
CNN_API void cnn_trainer_free(cnn_trainer *trainer);

/* ------------------------------------------------------------------ charts */

/** A line through points in their order. A point whose x or y is not finite, or beyond 1e300, is a gap. */
typedef struct cnn_curve {
    const char *name;    /**< for the legend; NULL or "": not in it */
    const double *x, *y; /**< [count] each */
    int count;
} cnn_curve;

typedef struct cnn_chart {
    const char *title, *x_label, *y_label; /**< NULL or "": none */
    bool log_y;                            /**< logarithmic y axis; what is not positive is a gap */
    const cnn_curve *curves;               /**< [curve_count], at most 200; 28 can be told apart */
    int curve_count;
} cnn_chart;

/**
 * Draws a chart into a file, SVG or PNG by the ending of `path` (.svg, .png, in any case); an existing file is replaced
 * whole or stays as it was. The same chart gives the same bytes. Text that is too long is cut; PNG has ASCII letters
 * only and shows others as "?". Fails with CNN_USAGE where `path` ends otherwise or `chart` makes no sense.
 */
CNN_API cnn_status cnn_chart_write(const cnn_chart *chart, const char *path, cnn_error *error);

#ifdef __cplusplus
}
#endif

#endif

/* Creating a trainer: the split, the scaling, the model, and all memory that training needs. */
#include "train/trainer.h"

#include "base/memory.h"
#include "math/gemm.h"
#include "train/scale.h"
#include "train/step.h"
#include "train/update.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/** Sorts which images are trained on and which are held back, each in the data set's order. */
static cnn_status split(cnn_trainer *t, cnn_error *error)
{
    enum { TRAINED, HELD_BACK, LEFT_OUT };
    const int count = t->data->count;
    const double val = t->options.val;
    const double held_back = floor(val < 1 ? val * count : val);
    if (held_back >= count || (val > 0 && held_back < 1)) {
        return cnn_fail(error, CNN_MISMATCH,
                        "val=%g holds back %.0f of %d training images: at least one must be left on "
                        "either side",
                        val, held_back, count);
    }
    const int most = t->options.images;
    t->held_back = (int)held_back;
    t->train_count = most > 0 && most < count - t->held_back ? most : count - t->held_back;
    t->indices = cnn_alloc((size_t)count, sizeof *t->indices);
    unsigned char *uses = cnn_alloc((size_t)count, sizeof *uses);
    if (t->indices == NULL || uses == NULL) {
        cnn_free(uses);
        return cnn_fail_memory(error);
    }
    cnn_loader_order(t->seed, CNN_RANDOM_SPLIT, 0, count, t->indices);
    for (int i = 0; i < t->held_back; i++) {
        uses[t->indices[i]] = HELD_BACK;
    }
    for (int i = t->held_back + t->train_count; i < count; i++) {
        uses[t->indices[i]] = LEFT_OUT;
    }
    int next[] = {[TRAINED] = 0, [HELD_BACK] = t->train_count, [LEFT_OUT] = t->train_count + t->held_back};
    for (int i = 0; i < count; i++) {
        t->indices[next[uses[i]]++] = i;
    }
    cnn_free(uses);
    return CNN_OK;
}

static cnn_status check_fit(const cnn_network *network, const cnn_dataset *data, cnn_error *error)
{
    const cnn_shape in = network->input, images = data->shape;
    if (in.height != images.height || in.width != images.width || in.channels != images.channels) {
        return cnn_fail(error, CNN_MISMATCH,
                        "the recipe reads %dx%dx%d images, the data set's are %dx%dx%d: change the "
                        "recipe's input statement",
                        in.height, in.width, in.channels, images.height, images.width, images.channels);
    }
    if (network->class_count != data->class_count) {
        return cnn_fail(error, CNN_MISMATCH,
                        "the recipe ends in %d units, the data set has %d classes: change the last "
                        "dense layer to units=%d",
                        network->class_count, data->class_count, data->class_count);
    }
    return CNN_OK;
}

static cnn_status set_up_model(cnn_trainer *t, cnn_error *error)
{
    char seed[24];
    char *origin = cnn_dataset_origin(t->data, error);
    cnn_status status = origin == NULL ? CNN_MEMORY : CNN_OK;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->seed);
    if (status == CNN_OK) {
        status =
            cnn_model_set_classes(t->model, (const char *const *)t->data->class_names, t->data->class_count, error);
    }
    if (status == CNN_OK) {
        status = cnn_scale_fit(t->model, t->data, t->indices, t->train_count, error);
    }
    if (status == CNN_OK) {
        status = cnn_model_set_metadata(t->model, "origin.data", origin, error);
    }
    if (status == CNN_OK) {
        status = cnn_model_set_metadata(t->model, "origin.seed", seed, error);
    }
    cnn_free(origin);
    return status;
}

/** What classifying the images held back needs; `training` is the training runner's options. */
static cnn_status set_up_validator(cnn_trainer *t, const cnn_runner_options *training, cnn_error *error)
{
    const int channels = t->model->network->input.channels;
    t->scale_table = cnn_alloc((size_t)channels * 256, sizeof *t->scale_table);
    if (t->scale_table == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_scale_table(channels, t->model->mean, t->model->deviation, t->scale_table);
    t->folded = cnn_network_fold(t->model->network, training->batch, error);
    if (t->folded == NULL) {
        return CNN_MEMORY;
    }
    t->validator =
        cnn_runner_new(t->folded->network, &(cnn_runner_options){.batch = training->batch, .team = t->team}, error);
    return t->validator != NULL ? CNN_OK : CNN_MEMORY;
}

static cnn_status set_up_runners(cnn_trainer *t, bool tune, cnn_error *error)
{
    const int batch = t->options.batch < t->train_count ? t->options.batch : t->train_count;
    if (tune && cnn_network_tune(t->model->network, batch, true, error) != CNN_OK) {
        return CNN_MEMORY;
    }
    const cnn_runner_options options = {
        .batch = batch,
        .team = t->team,
        .loss = cnn_trainer_loss,
        .loss_context = t,
        .seed = t->seed,
    };
    t->steps = (t->train_count + options.batch - 1) / options.batch;
    t->runner = cnn_runner_new(t->model->network, &options, error);
    if (t->runner == NULL) {
        return CNN_MEMORY;
    }
    t->lane_results = cnn_alloc((size_t)cnn_runner_lanes(t->runner), sizeof *t->lane_results);
    t->history = cnn_alloc((size_t)t->options.epochs, sizeof *t->history);
    if (t->lane_results == NULL || t->history == NULL) {
        return cnn_fail_memory(error);
    }
    t->inspector = cnn_inspector_new(t, error);
    if (t->inspector == NULL) {
        return CNN_MEMORY;
    }
    return t->held_back > 0 ? set_up_validator(t, &options, error) : CNN_OK;
}

cnn_trainer *cnn_trainer_create(const cnn_recipe *recipe, const cnn_dataset *data, const cnn_trainer_options *options,
                                uint64_t seed, cnn_error *error)
{
    const cnn_trainer_options chosen = options != NULL ? *options : (cnn_trainer_options){0};
    const int threads = chosen.threads > 0 ? chosen.threads : cnn_processor_count();
    cnn_trainer *t = cnn_alloc(1, sizeof *t);
    if (t == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    t->data = data;
    t->seed = seed;
    cnn_recipe_train_options(recipe, &t->options);
    t->model = cnn_model_create(recipe, seed, error);
    if (t->model == NULL || check_fit(t->model->network, data, error) != CNN_OK || split(t, error) != CNN_OK ||
        set_up_model(t, error) != CNN_OK || cnn_blas_borrow(&t->former_blas_threads, error) != CNN_OK) {
        goto failed;
    }
    t->borrowed = true;
    t->team = cnn_team_new(threads, error);
    if (t->team == NULL || cnn_trainer_plan_update(t, error) != CNN_OK ||
        set_up_runners(t, chosen.tune, error) != CNN_OK) {
        goto failed;
    }
    return t;
failed:
    cnn_trainer_free(t);
    return NULL;
}

/** What the recipe says of single images, as the loader reads it. */
static cnn_augmentation augmentation_of(const cnn_augment_options *options)
{
    return (cnn_augmentation){
        .shift = options->shift,
        .reflect = options->fill == CNN_FILL_REFLECT,
        .flip = options->flip != CNN_FLIP_OFF,
        .alternate = options->flip == CNN_FLIP_ALTERNATE,
        .rotate = options->rotate,
        .scale = options->scale,
        .shear = options->shear,
        .elastic = {options->elastic, options->elastic_sigma},
        .cutout = options->cutout,
        .erase = options->erase,
        .brightness = options->brightness,
        .contrast = options->contrast,
    };
}

cnn_status cnn_trainer_start(cnn_trainer *t, cnn_error *error)
{
    cnn_augment_options augment;
    cnn_recipe_augment_options(t->model->recipe, &augment);
    const cnn_loader_options options = {
        .data = t->data,
        .indices = t->indices,
        .count = t->train_count,
        .batch = t->options.batch,
        .seed = t->seed,
        .augments = cnn_recipe_augments(t->model->recipe),
        .augmentation = augmentation_of(&augment),
        .mixup = augment.mixup,
        .mean = t->model->mean,
        .deviation = t->model->deviation,
        .epoch = t->epoch,
        .step = t->step,
    };
    t->loader = cnn_loader_new(&options, error);
    return t->loader != NULL ? CNN_OK : CNN_MEMORY;
}

cnn_trainer *cnn_trainer_new(const cnn_recipe *recipe, const cnn_dataset *data, const cnn_trainer_options *options,
                             cnn_error *error)
{
    cnn_trainer *trainer = cnn_trainer_create(recipe, data, options, options != NULL ? options->seed : 0, error);
    if (trainer != NULL && cnn_trainer_start(trainer, error) != CNN_OK) {
        cnn_trainer_free(trainer);
        return NULL;
    }
    return trainer;
}

void cnn_trainer_free(cnn_trainer *trainer)
{
    if (trainer == NULL) {
        return;
    }
    cnn_loader_free(trainer->loader);
    cnn_runner_free(trainer->runner);
    cnn_inspector_free(trainer->inspector);
    cnn_runner_free(trainer->validator);
    cnn_folded_free(trainer->folded);
    cnn_team_free(trainer->team);
    cnn_model_free(trainer->model);
    for (int i = 0; i < CNN_TRAINER_STATES; i++) {
        cnn_free(trainer->states[i]);
    }
    cnn_free(trainer->scale_table);
    cnn_free(trainer->lane_results);
    cnn_free(trainer->indices);
    cnn_free(trainer->parts);
    cnn_free(trainer->squares);
    cnn_free(trainer->room);
    cnn_free(trainer->history);
    if (trainer->borrowed) {
        cnn_blas_return(trainer->former_blas_threads);
    }
    cnn_free(trainer);
}

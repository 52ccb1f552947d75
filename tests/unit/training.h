/* Trainings of small networks on the data of inspect.h. To be included by one file of a test. */
#ifndef CNN_TESTS_TRAINING_H
#define CNN_TESTS_TRAINING_H

#include "base/memory.h"
#include "train/update.h"
#include "unit/inspect.h"

static cnn_dataset *data;

static inline int make_training_data(void **state)
{
    (void)state;
    data = make_data(IMAGES);
    return 0;
}

static inline int free_training_data(void **state)
{
    (void)state;
    cnn_dataset_free(data);
    return 0;
}

static inline cnn_recipe *make_recipe(const char *text)
{
    cnn_error error = {0};
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    if (recipe == NULL) {
        fail_msg("%s", error.message);
    }
    return recipe;
}

static inline cnn_trainer *make_training(const char *text, int threads)
{
    cnn_error error = {0};
    cnn_recipe *recipe = make_recipe(text);
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = threads, .seed = 5}, &error);
    if (trainer == NULL) {
        fail_msg("%s", error.message);
    }
    cnn_recipe_free(recipe);
    return trainer;
}

/** The network of most tests, with options for the convolution and the first dense layer, and for the training, whose
 * epochs have 5 steps. */
static inline cnn_trainer *make_trainer(const char *conv, const char *dense, const char *train, int threads)
{
    char text[1024];
    snprintf(text, sizeof text,
             "input 7x5x3\nconv filters=6 padding=same %s\nrelu\nmaxpool size=2\ndense units=20 %s\nrelu\n"
             "dense units=3\ntrain epochs=40 batch=20 %s\n",
             conv, dense, train);
    return make_training(text, threads);
}

/** Goes so many steps; how the last one ended. */
static inline cnn_progress run(cnn_trainer *trainer, int steps)
{
    cnn_progress progress = {0};
    cnn_error error = {0};
    for (int i = 0; i < steps; i++) {
        if (cnn_trainer_step(trainer, &progress, &error) != CNN_OK) {
            fail_msg("%s", error.message);
        }
    }
    return progress;
}

static inline size_t block_size(const cnn_trainer *trainer)
{
    return trainer->model->network->parameter_count * sizeof(cnn_real);
}

/** A copy of a block of the parameters' size, to be freed. */
static inline cnn_real *copy_block(const cnn_trainer *trainer, const cnn_real *block)
{
    cnn_real *copy = cnn_alloc(1, block_size(trainer));
    assert_non_null(copy);
    return memcpy(copy, block, block_size(trainer));
}

#endif

/* Noise in three classes, and trainers of a network on it. To be included by one file of a test. */
#ifndef CNN_TESTS_NOISE_H
#define CNN_TESTS_NOISE_H

#include "train/trainer.h"
#include "unit/unit.h"

#include <stdio.h>

enum { IMAGES = 44, SIDE = 8, SIZE = SIDE * SIDE, CLASSES = 3 };

static uint8_t pixels[IMAGES * SIZE];
static cnn_dataset *data;

static inline int set_up(void **state)
{
    (void)state;
    static int labels[IMAGES];
    cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, 0);
    for (size_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)cnn_random_below(&random, 256);
    }
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
    }
    const cnn_dataset_content content = {.pixels = pixels,
                                         .labels = labels,
                                         .count = IMAGES,
                                         .shape = {SIDE, SIDE, 1},
                                         .class_names = (const char *const[]){"a", "b", "c"},
                                         .class_count = CLASSES};
    data = cnn_dataset_new(&content, NULL);
    return data == NULL;
}

static inline int tear_down(void **state)
{
    (void)state;
    cnn_dataset_free(data);
    return 0;
}

/** A trainer of the recipe that consists of `network` and `train`, the train statement. */
static inline cnn_trainer *make_noise_trainer(const char *network, const char *train, int threads)
{
    char text[1024];
    cnn_error error = {0};
    snprintf(text, sizeof text, "%s%s\n", network, train);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    cnn_trainer *trainer =
        recipe == NULL ? NULL
                       : cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = threads, .seed = 5}, &error);
    if (trainer == NULL) {
        fail_msg("%s", error.message);
    }
    cnn_recipe_free(recipe);
    return trainer;
}

#endif

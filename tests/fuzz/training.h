/* The trainings whose checkpoints are fuzzed: tiny ones, chosen by an input's first byte. */
#ifndef CNN_TESTS_FUZZ_TRAINING_H
#define CNN_TESTS_FUZZ_TRAINING_H

#include "fuzz.h"

enum { TRAININGS = 3, TRAINING_IMAGES = 6 };

static const char *const training_recipes[TRAININGS] = {
    "input 2x2x1\ndense units=2\ntrain epochs=2 batch=4\n",
    "input 2x2x1 scale=unit\nconv filters=2 kernel=1\nbatchnorm\nrelu\ndense units=2\n"
    "train epochs=3 batch=2 optimizer=adamw lookahead=2 average=0.9\n",
    "input 2x2x1 scale=standardize-pixels\ndense units=3\ntanh\ndense units=2\n"
    "train epochs=4 batch=3 optimizer=muon val=2 warmup=1 clip=1\n",
};

static inline cnn_recipe *training_recipe(unsigned choice)
{
    return cnn_recipe_parse(training_recipes[choice % TRAININGS], "training", NULL);
}

static inline cnn_dataset *training_data(void)
{
    static const uint8_t pixels[TRAINING_IMAGES * 4] = {0, 255, 3, 70, 250, 12, 99, 1, 2, 200, 7, 60};
    static const int labels[TRAINING_IMAGES] = {0, 1, 0, 1, 0, 1};
    const cnn_dataset_content content = {.pixels = pixels,
                                         .labels = labels,
                                         .count = TRAINING_IMAGES,
                                         .shape = {2, 2, 1},
                                         .class_names = (const char *const[]){"0", "1"},
                                         .class_count = 2};
    return cnn_dataset_new(&content, NULL);
}

static const cnn_trainer_options training_options = {.threads = 1, .seed = 7};

#endif

/* Networks to look into, and data for them. To be included by one file of a test, which need not use all. */
#ifndef CNN_TESTS_INSPECT_H
#define CNN_TESTS_INSPECT_H

#include "net/model.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 83, HEIGHT = 7, WIDTH = 5, INPUTS = 3, CLASSES = 3 };

static const char *const small = "input 7x5x3 scale=unit\nconv filters=5 padding=same\nrelu\ndense units=7\nrelu\n"
                                 "dense units=3\ntrain batch=20 lr=0.05\n";
static const char *const deep = "input 7x5x3\nconv filters=12 padding=same\nrelu\nconv filters=12 padding=same\nrelu\n"
                                "maxpool size=2\nconv filters=16 padding=same\nrelu\ndense units=40\nrelu\n"
                                "dense units=3\ntrain batch=20 lr=0.02\n";
static const char *const residual = "input 7x5x3\nconv filters=8 padding=same bias=off\nbatchnorm\nrelu\nresidual {\n"
                                    "conv filters=8 padding=same bias=off\nbatchnorm\nmaxpool size=3 stride=1 "
                                    "padding=same\nrelu\nconv filters=8 padding=same\nbatchnorm\n}\nrelu\n"
                                    "residual projection=batchnorm {\nconv filters=10 stride=2 padding=same\n}\n"
                                    "globalavgpool\ndropout rate=0.1\ndense units=3\ntrain batch=16 lr=0.05\n";

static uint8_t pixels[IMAGES][HEIGHT][WIDTH][INPUTS];

static inline cnn_dataset *make_data(int count)
{
    static int labels[IMAGES];
    uint32_t seed = 1;
    for (int i = 0; i < count; i++) {
        labels[i] = i % CLASSES;
        for (int p = 0; p < HEIGHT * WIDTH * INPUTS; p++) {
            seed = seed * 1664525u + 1013904223u;
            (&pixels[i][0][0][0])[p] = (uint8_t)((seed >> 24) % 200 + (p % CLASSES == labels[i] ? 50 : 0));
        }
    }
    const cnn_dataset_content content = {.pixels = &pixels[0][0][0][0],
                                         .labels = labels,
                                         .count = count,
                                         .shape = {HEIGHT, WIDTH, INPUTS},
                                         .class_names = (const char *const[]){"0", "1", "2"},
                                         .class_count = CLASSES};
    cnn_dataset *made = cnn_dataset_new(&content, NULL);
    assert_non_null(made);
    return made;
}

/** A model as a training begins with it. */
static inline cnn_model *make_model(const char *text, const cnn_dataset *data)
{
    cnn_error error = {0};
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    cnn_trainer *trainer =
        recipe != NULL ? cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = 1, .seed = 4}, &error) : NULL;
    cnn_model *model = trainer != NULL ? cnn_trainer_model(trainer, &error) : NULL;
    if (model == NULL) {
        fail_msg("%s", error.message);
    }
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    return model;
}

static inline cnn_inspection inspect(const cnn_model *model, const cnn_dataset *data, int threads)
{
    cnn_inspection inspection;
    cnn_error error = {0};
    if (cnn_model_inspect(model, data, &(cnn_inspect_options){.threads = threads}, &inspection, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
    return inspection;
}

/** Place of the tensor with this name. */
static inline cnn_slot find_tensor(const cnn_model *model, const char *name)
{
    for (int s = 0; s < model->network->slot_count; s++) {
        char own[CNN_TENSOR_NAME];
        cnn_network_tensor_name(model->network, s, own);
        if (strcmp(own, name) == 0) {
            return model->network->slots[s];
        }
    }
    fail_msg("no tensor %s", name);
    return model->network->slots[0];
}

#endif

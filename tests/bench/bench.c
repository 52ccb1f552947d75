/* cnn-bench: how fast a recipe's network trains and classifies, over pictures of noise already in memory, and where the
 * time goes. What it measures and what was learnt from it: README.md beside this file. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The same pictures at every run: a linear congruential sequence's upper bits. */
static cnn_dataset *make_data(cnn_shape shape, int count, int classes, cnn_error *error)
{
    const size_t size = (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels * (size_t)count;
    uint8_t *pixels = malloc(size);
    int *labels = malloc((size_t)count * sizeof *labels);
    char(*texts)[12] = malloc((size_t)classes * sizeof *texts);
    const char **names = malloc((size_t)classes * sizeof *names);
    cnn_dataset *data = NULL;
    if (pixels && labels && texts && names) {
        uint64_t state = 1;
        for (size_t i = 0; i < size; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            pixels[i] = (uint8_t)(state >> 56);
        }
        for (int i = 0; i < count; i++) {
            labels[i] = i % classes;
        }
        for (int i = 0; i < classes; i++) {
            snprintf(texts[i], sizeof texts[i], "%d", i);
            names[i] = texts[i];
        }
        const cnn_dataset_content content = {pixels, labels, count, shape, names, classes};
        data = cnn_dataset_new(&content, error);
    }
    free(pixels);
    free(labels);
    free(texts);
    free(names);
    return data;
}

/* Measuring wants no augmentation, no validation, no end of training, and a rate at which noise does not diverge. */
static cnn_recipe *load_recipe(const bench_settings *set, cnn_error *error)
{
    static const char *const changes[] = {"epochs=100000",      "lr=1e-4",          "val=0",
                                          "augment.shift=0",    "augment.flip=off", "augment.rotate=0",
                                          "augment.scale=0",    "augment.cutout=0", "augment.brightness=0",
                                          "augment.contrast=0", "augment.mixup=0"};
    cnn_recipe *recipe = cnn_recipe_load(set->recipe, error);
    for (size_t i = 0; recipe && i < sizeof changes / sizeof *changes; i++) {
        if (cnn_recipe_set(recipe, changes[i], error) != CNN_OK) {
            cnn_recipe_free(recipe);
            recipe = NULL;
        }
    }
    char batch[32];
    snprintf(batch, sizeof batch, "batch=%d", set->batch);
    if (recipe && set->batch > 0 && cnn_recipe_set(recipe, batch, error) != CNN_OK) {
        cnn_recipe_free(recipe);
        recipe = NULL;
    }
    return recipe;
}

/* The tables are asked for by name only: observing costs a little time, and activations are not the recipe's. */
static bool wants(const bench_settings *set, const char *measure)
{
    return set->only ? strcmp(set->only, measure) == 0
                     : strcmp(measure, "layers") != 0 && strcmp(measure, "activations") != 0;
}

static bool measure(const bench_settings *set, bench_results *out, cnn_error *error)
{
    cnn_recipe *recipe = load_recipe(set, error);
    cnn_model *model = recipe ? cnn_model_new(recipe, 1, error) : NULL;
    cnn_dataset *data =
        model ? make_data(cnn_model_input(model), set->images, cnn_model_class_count(model), error) : NULL;
    bool done = data && cnn_blas_single_thread(error) == CNN_OK;
    if (wants(set, "train")) {
        done = done && bench_train(set, recipe, data, out, error);
    }
    if (wants(set, "classify")) {
        done = done && bench_classify(set, model, data, out, error);
    }
    if (wants(set, "latency")) {
        done = done && bench_latency(set, model, data, out, error);
    }
    if (wants(set, "layers")) {
        done = done && bench_layers(set, recipe, model, data, out, error);
    }
    if (wants(set, "activations")) {
        done = done && bench_activations(set, out, error);
    }
    cnn_dataset_free(data);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
    return done;
}

static bool is_measure(const char *name)
{
    static const char *const measures[] = {"train", "classify", "latency", "layers", "activations"};
    bool found = false;
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        found = found || strcmp(name, measures[i]) == 0;
    }
    return found;
}

static bool parse(int argc, char **argv, bench_settings *set)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--json") == 0) {
            set->json = true;
        } else if (strncmp(name, "--", 2) != 0 && !set->recipe) {
            set->recipe = name;
        } else if (i + 1 == argc) {
            return false;
        } else if (strcmp(name, "--only") == 0) {
            set->only = argv[++i];
        } else if (strcmp(name, "--threads") == 0) {
            set->threads = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(name, "--batch") == 0) {
            set->batch = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(name, "--images") == 0) {
            set->images = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(name, "--seconds") == 0) {
            set->seconds = strtod(argv[++i], NULL);
        } else {
            return false;
        }
    }
    return set->recipe && (!set->only || is_measure(set->only)) && set->threads > 0 && set->images > 0 &&
           set->batch >= 0 && set->seconds > 0;
}

int main(int argc, char **argv)
{
    bench_settings set = {.threads = cnn_processor_count(), .images = 4096, .seconds = 3};
    if (!parse(argc, argv, &set)) {
        fprintf(stderr, "usage: cnn-bench RECIPE [--only train|classify|latency|layers|activations] [--threads N] "
                        "[--batch N] [--seconds S] [--images N] [--json]\n"
                        "--only activations measures every activation on one thread, whatever the recipe\n");
        return 2;
    }
    bench_results found = {0};
    cnn_error error = {CNN_MEMORY, "out of memory"};
    const bool done = measure(&set, &found, &error);
    if (done) {
        bench_report(&set, &found);
    } else {
        fprintf(stderr, "cnn-bench: %s\n", error.message);
    }
    free(found.layers_train.rows);
    free(found.layers_classify.rows);
    free(found.activations);
    return done ? 0 : 1;
}

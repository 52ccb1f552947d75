/* cnn-bench: how fast a recipe's network trains and classifies, over pictures of noise already in memory, by the public
 * API alone. What it measures and what was learnt from it: README.md beside this file. */
#include "cnn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct settings {
    const char *recipe;
    const char *only; /* "train", "classify", "latency"; NULL: all three */
    int threads;
    int images;
    int batch; /* of training and of classifying; 0: the recipe's, and a session's own */
    double seconds; /* measured, after a warm-up of a fifth of it */
    bool json;
} settings;

typedef struct results {
    double train, classify; /* images a second; 0: not measured */
    double p50, p99;        /* milliseconds for one image; 0: not measured */
} results;

static double now(void)
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

/* Trains for `seconds`; returns images a second, or a negative number. */
static double train_for(cnn_trainer *trainer, double seconds, cnn_error *error)
{
    const double begin = now();
    double elapsed = 0;
    cnn_progress progress;
    cnn_trainer_progress(trainer, &progress);
    int64_t images = 0;
    int seen = progress.images;
    while (elapsed < seconds) {
        if (cnn_trainer_step(trainer, &progress, error) != CNN_OK) {
            return -1;
        }
        images += progress.step == 1 ? progress.images : progress.images - seen;
        seen = progress.images;
        elapsed = now() - begin;
    }
    return (double)images / elapsed;
}

static bool bench_train(const settings *set, const cnn_recipe *recipe, const cnn_dataset *data, results *out,
                        cnn_error *error)
{
    const cnn_trainer_options options = {.threads = set->threads, .seed = 1};
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &options, error);
    const bool warm = trainer && train_for(trainer, set->seconds / 5, error) >= 0;
    out->train = warm ? train_for(trainer, set->seconds, error) : -1;
    cnn_trainer_free(trainer);
    return out->train >= 0;
}

/* Classifies `count` images a call for `seconds`, writing the calls' durations, up to `limit`; returns their number, -1
 * on failure. */
static int classify_for(cnn_session *session, const cnn_dataset *data, int count, double seconds, double *durations,
                        int limit, cnn_error *error)
{
    float *probabilities = malloc(sizeof *probabilities * (size_t)count * (size_t)cnn_dataset_class_count(data));
    const double begin = now();
    double last = begin;
    int calls = 0;
    while (probabilities && calls < limit && last - begin < seconds) {
        const uint8_t *pixels = cnn_dataset_pixels(data, calls % (cnn_dataset_count(data) - count + 1));
        if (cnn_session_classify_pixels(session, pixels, count, probabilities, error) != CNN_OK) {
            calls = -1;
            break;
        }
        const double end = now();
        durations[calls++] = end - last;
        last = end;
    }
    free(probabilities);
    return probabilities ? calls : -1;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All images a call, or one: sorts the durations of the measured calls into *durations, the caller's to free. */
static int bench_calls(const settings *set, const cnn_model *model, const cnn_dataset *data, int count,
                       double **durations, cnn_error *error)
{
    enum { LIMIT = 1 << 20 };
    const cnn_session_options options = {.threads = set->threads, .batch = count == 1 ? 1 : set->batch};
    cnn_session *session = cnn_session_new(model, &options, error);
    *durations = malloc(sizeof **durations * LIMIT);
    int calls = -1;
    if (session && *durations && classify_for(session, data, count, set->seconds / 5, *durations, LIMIT, error) >= 0) {
        calls = classify_for(session, data, count, set->seconds, *durations, LIMIT, error);
    }
    if (calls > 0) {
        qsort(*durations, (size_t)calls, sizeof **durations, compare_doubles);
    }
    cnn_session_free(session);
    return calls;
}

static bool bench_classify(const settings *set, const cnn_model *model, const cnn_dataset *data, results *out,
                           cnn_error *error)
{
    double *durations = NULL;
    const int calls = bench_calls(set, model, data, set->images, &durations, error);
    double total = 0;
    for (int i = 0; i < calls; i++) {
        total += durations[i];
    }
    out->classify = calls > 0 ? (double)calls * set->images / total : 0;
    free(durations);
    return calls > 0;
}

static bool bench_latency(const settings *set, const cnn_model *model, const cnn_dataset *data, results *out,
                          cnn_error *error)
{
    double *durations = NULL;
    const int calls = bench_calls(set, model, data, 1, &durations, error);
    if (calls > 0) {
        out->p50 = 1e3 * durations[calls / 2];
        out->p99 = 1e3 * durations[(int)((double)calls * 0.99)];
    }
    free(durations);
    return calls > 0;
}

/* Measuring wants no augmentation, no validation, no end of training, and a rate at which noise does not diverge. */
static cnn_recipe *load_recipe(const settings *set, cnn_error *error)
{
    static const char *const changes[] = {"epochs=100000",     "lr=1e-4",          "val=0",
                                          "augment.shift=0",   "augment.flip=off", "augment.rotate=0",
                                          "augment.scale=0",   "augment.cutout=0", "augment.brightness=0",
                                          "augment.contrast=0"};
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

static bool measure(const settings *set, results *out, cnn_error *error)
{
    cnn_recipe *recipe = load_recipe(set, error);
    cnn_model *model = recipe ? cnn_model_new(recipe, 1, error) : NULL;
    cnn_dataset *data =
        model ? make_data(cnn_model_input(model), set->images, cnn_model_class_count(model), error) : NULL;
    bool done = data && cnn_blas_single_thread(error) == CNN_OK;
    if (!set->only || strcmp(set->only, "train") == 0) {
        done = done && bench_train(set, recipe, data, out, error);
    }
    if (!set->only || strcmp(set->only, "classify") == 0) {
        done = done && bench_classify(set, model, data, out, error);
    }
    if (!set->only || strcmp(set->only, "latency") == 0) {
        done = done && bench_latency(set, model, data, out, error);
    }
    cnn_dataset_free(data);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
    return done;
}

static void print_results(const settings *set, const results *found)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct {
        const char *key, *text, *unit;
        double value;
    } figures[] = {{"train", "trained", "images/s", found->train},
                   {"classify", "classified", "images/s", found->classify},
                   {"latency_p50_ms", "one image, median", "ms", found->p50},
                   {"latency_p99_ms", "one image, 99 of 100", "ms", found->p99},
                   {"peak_mib", "peak memory", "MiB", (double)usage.ru_maxrss / 1024}};
    printf(set->json ? "{\"program\":\"cnn %s\",\"recipe\":\"%s\",\"threads\":%d" : "cnn %s, %s, threads %d\n",
           cnn_version(), set->recipe, set->threads);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (figures[i].value > 0 && set->json) {
            printf(",\"%s\":%.6g", figures[i].key, figures[i].value);
        } else if (figures[i].value > 0) {
            printf("%-22s %.6g %s\n", figures[i].text, figures[i].value, figures[i].unit);
        }
    }
    fputs(set->json ? "}\n" : "", stdout);
}

static bool parse(int argc, char **argv, settings *set)
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
    return set->recipe && set->threads > 0 && set->images > 0 && set->batch >= 0 && set->seconds > 0;
}

int main(int argc, char **argv)
{
    settings set = {.threads = cnn_processor_count(), .images = 4096, .seconds = 3};
    if (!parse(argc, argv, &set)) {
        fprintf(stderr, "usage: cnn-bench RECIPE [--only train|classify|latency] [--threads N] [--batch N] [--seconds S] "
                        "[--images N] [--json]\n");
        return 2;
    }
    results found = {0};
    cnn_error error = {CNN_MEMORY, "out of memory"};
    if (!measure(&set, &found, &error)) {
        fprintf(stderr, "cnn-bench: %s\n", error.message);
        return 1;
    }
    print_results(&set, &found);
    return 0;
}

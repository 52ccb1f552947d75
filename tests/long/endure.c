/* Does one thing for a long time, and fails where that takes more and more memory or descriptors:
 *
 *     endure rounds MODEL PICTURE ROUNDS    loads the model, classifies the picture and frees all
 *     endure train RECIPE SECONDS           trains on noise, and at least 60 epochs
 *
 * As many blocks must be allocated, and descriptors open, after round or epoch 50 as at the end, and as many bytes, but
 * for what malloc() gives with a block beyond its size, which is not the same each time. */
#include "unit/heap.h"

#include <cnn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SETTLED = 50, LEAST_EPOCHS = 60, IMAGES = 512, MOST_DESCRIPTORS = 1024, LINES = 20, ROUNDING = 32 };

static int fail(const cnn_error *error)
{
    fprintf(stderr, "endure: %s\n", error->message);
    return 1;
}

/* ---- what is held */

typedef struct holding {
    long blocks, bytes;
    int descriptors;
} holding;

static holding held_now(void)
{
    holding held = {.blocks = atomic_load(&heap_blocks), .bytes = atomic_load(&heap_bytes)};
    for (int i = 0; i < MOST_DESCRIPTORS; i++) {
        held.descriptors += fcntl(i, F_GETFD) != -1;
    }
    return held;
}

/** The process's resident memory in KiB, which the system may also page out; 0 without /proc. */
static long resident(void)
{
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%ld %ld", &size, &pages) != 2) {
        pages = 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void report(const char *unit, long count)
{
    const holding held = held_now();
    printf("%s %ld: %ld bytes in %ld blocks allocated, %d descriptors, %ld KiB resident\n", unit, count, held.bytes,
           held.blocks, held.descriptors, resident());
    fflush(stdout);
}

static int compare(holding settled)
{
    const holding held = held_now();
    if (held.blocks == settled.blocks && held.bytes <= settled.bytes + ROUNDING * settled.blocks &&
        held.descriptors == settled.descriptors) {
        return 0;
    }
    fprintf(stderr, "endure: %ld bytes in %ld blocks and %d descriptors have become %ld in %ld and %d\n", settled.bytes,
            settled.blocks, settled.descriptors, held.bytes, held.blocks, held.descriptors);
    return 1;
}

/* ---- rounds */

/** What succeeds, and what fails half way. */
static bool go_round(const char *model_path, const char *picture, cnn_error *error)
{
    bool good = false;
    cnn_model *model = cnn_model_load(model_path, error);
    cnn_session *session = NULL;
    if (model != NULL && cnn_model_class_count(model) <= 1000) {
        session = cnn_session_new(model, &(cnn_session_options){.threads = 2}, error);
    }
    if (session != NULL) {
        float probabilities[1000];
        good = cnn_session_classify_file(session, picture, probabilities, error) == CNN_OK &&
               cnn_session_classify_file(session, model_path, probabilities, NULL) != CNN_OK &&
               cnn_session_classify_file(session, "/absent", probabilities, NULL) != CNN_OK &&
               cnn_model_load(picture, NULL) == NULL;
    }
    cnn_session_free(session);
    cnn_model_free(model);
    return good;
}

static int go_rounds(const char *model, const char *picture, long rounds)
{
    cnn_error error = {.message = "what must fail does not"};
    holding settled = {0};
    for (long round = 1; round <= rounds; round++) {
        if (!go_round(model, picture, &error)) {
            return fail(&error);
        }
        if (round == SETTLED || round % (rounds / LINES + 1) == 0 || round == rounds) {
            report("round", round);
        }
        if (round == SETTLED) { /* with what the first report took */
            settled = held_now();
        }
    }
    return compare(settled);
}

/* ---- training */

static cnn_dataset *make_noise(const cnn_recipe *recipe, int classes, cnn_error *error)
{
    static int labels[IMAGES];
    static char names[1000][8];
    const char *name_of[1000];
    const cnn_shape shape = cnn_recipe_input(recipe);
    const size_t size = (size_t)IMAGES * (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
    uint8_t *pixels = malloc(size);
    uint32_t seed = 1;
    for (size_t i = 0; pixels != NULL && i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % classes;
    }
    for (int i = 0; i < classes; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        name_of[i] = names[i];
    }
    cnn_dataset *data = NULL;
    if (pixels != NULL) {
        data = cnn_dataset_new(&(cnn_dataset_content){pixels, labels, IMAGES, shape, name_of, classes}, error);
    }
    free(pixels);
    return data;
}

/** One epoch, a checkpoint and the model, as the command does. */
static bool go_epoch(cnn_trainer *trainer, const char *folder, cnn_error *error)
{
    char path[64];
    cnn_progress progress;
    do {
        if (cnn_trainer_step(trainer, &progress, error) != CNN_OK) {
            return false;
        }
    } while (!progress.epoch_done);
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    bool good = cnn_trainer_save(trainer, path, error) == CNN_OK;
    cnn_model *model = good ? cnn_trainer_model(trainer, error) : NULL;
    snprintf(path, sizeof path, "%s/model", folder);
    good = model != NULL && cnn_model_save(model, path, error) == CNN_OK;
    cnn_model_free(model);
    return good;
}

/** Goes on from the checkpoint, as after a stop. */
static bool resume(const cnn_recipe *recipe, const cnn_dataset *data, const char *folder, cnn_trainer **trainer,
                   cnn_error *error)
{
    char path[64];
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    cnn_trainer_free(*trainer);
    *trainer = cnn_trainer_resume(recipe, data, path, NULL, error);
    return *trainer != NULL;
}

static int train(const cnn_recipe *recipe, const cnn_dataset *data, long seconds, const char *folder)
{
    cnn_error error = {0};
    holding settled = {0};
    const time_t start = time(NULL);
    time_t reported = start;
    int result = -1;
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, NULL, &error);
    for (long epoch = 1; trainer != NULL && result < 0; epoch++) {
        if (!go_epoch(trainer, folder, &error) ||
            (epoch % (SETTLED / 2) == 0 && !resume(recipe, data, folder, &trainer, &error))) {
            break;
        }
        const time_t now = time(NULL);
        const bool done = epoch >= LEAST_EPOCHS && now - start >= seconds;
        if (epoch == SETTLED || done || now - reported > seconds / LINES) {
            report("epoch", epoch);
            reported = now;
        }
        if (epoch == SETTLED) {
            settled = held_now();
        }
        result = done ? compare(settled) : -1;
    }
    cnn_trainer_free(trainer);
    return result < 0 ? fail(&error) : result;
}

static int start_training(const char *recipe_path, long seconds)
{
    cnn_error error = {0};
    char folder[] = "/tmp/cnn-endure-XXXXXX";
    int result = 1;
    cnn_recipe *recipe = cnn_recipe_load(recipe_path, &error);
    if (recipe != NULL && cnn_recipe_set(recipe, "epochs=100000", &error) != CNN_OK) {
        cnn_recipe_free(recipe);
        recipe = NULL;
    }
    cnn_model *model = recipe != NULL ? cnn_model_new(recipe, 1, &error) : NULL;
    cnn_dataset *data = model != NULL ? make_noise(recipe, cnn_model_class_count(model), &error) : NULL;
    cnn_model_free(model);
    if (data != NULL && mkdtemp(folder) != NULL) {
        char path[64];
        result = train(recipe, data, seconds, folder);
        snprintf(path, sizeof path, "%s/checkpoint", folder);
        unlink(path);
        snprintf(path, sizeof path, "%s/model", folder);
        unlink(path);
        rmdir(folder);
    } else {
        fail(&error);
    }
    cnn_dataset_free(data);
    cnn_recipe_free(recipe);
    return result;
}

int main(int argc, char **argv)
{
    cnn_error error;
    if (cnn_blas_single_thread(&error) != CNN_OK) {
        return fail(&error);
    }
    if (argc == 5 && strcmp(argv[1], "rounds") == 0 && atol(argv[4]) > SETTLED) {
        return go_rounds(argv[2], argv[3], atol(argv[4]));
    }
    if (argc == 4 && strcmp(argv[1], "train") == 0) {
        return start_training(argv[2], atol(argv[3]));
    }
    fprintf(stderr, "usage: endure rounds MODEL PICTURE ROUNDS | endure train RECIPE SECONDS\n");
    return 2;
}

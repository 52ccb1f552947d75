/* Checkpoints. An input is a byte that chooses a training, and the checkpoint's file. What is resumed from is saved as
 * a checkpoint that is resumed from and saved to the same bytes; and training goes on. */
#include "base/file.h"
#include "container.h"
#include "training.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***words);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static cnn_recipe *recipes[TRAININGS];
static cnn_dataset *images;
static fuzz_file file;
static char saved_path[2][128];

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    json_object_seed(1); /* the same order of work each time */
    for (unsigned i = 0; i < TRAININGS; i++) {
        recipes[i] = training_recipe(i);
    }
    images = training_data();
    file = fuzz_file_new();
    for (int i = 0; i < 2; i++) {
        snprintf(saved_path[i], sizeof saved_path[i], "%s/%d", fuzz_folder(), i);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    if (size < 2 || most < 2) {
        return LLVMFuzzerMutate(data, size, most);
    }
    return 1 + fuzz_container_mutate(data + 1, size - 1, most - 1, seed);
}

static cnn_trainer *resume(unsigned choice, const char *path, cnn_error *error)
{
    return cnn_trainer_resume(recipes[choice], images, path, &training_options, error);
}

/** Saves the trainer's state, reads the file and deletes it. */
static void save(const cnn_trainer *trainer, const char *path, unsigned char **bytes, size_t *size)
{
    cnn_error error = fuzz_no_error();
    assert(cnn_trainer_save(trainer, path, &error) == CNN_OK);
    assert(cnn_file_read(path, 1 << 20, bytes, size, &error) == CNN_OK);
}

static void check_saved(const cnn_trainer *trainer, unsigned choice)
{
    cnn_error error = fuzz_no_error();
    unsigned char *first, *second;
    size_t first_size, second_size;
    save(trainer, saved_path[0], &first, &first_size);
    cnn_trainer *again = resume(choice, saved_path[0], &error);
    assert(again != NULL);
    save(again, saved_path[1], &second, &second_size);
    assert(first_size == second_size && memcmp(first, second, first_size) == 0);
    cnn_trainer_free(again);
    cnn_free(first);
    cnn_free(second);
}

/** A training that was resumed may end or diverge, whatever its numbers. */
static void check_training(cnn_trainer *trainer)
{
    cnn_error error = fuzz_no_error();
    cnn_progress progress;
    cnn_trainer_progress(trainer, &progress);
    cnn_status status = CNN_OK;
    for (int step = 0; status == CNN_OK && !progress.done && step < 2; step++) {
        status = cnn_trainer_step(trainer, &progress, &error);
    }
    assert(status == CNN_OK || status == CNN_DIVERGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const unsigned choice = fuzz_take_byte(&input) % TRAININGS;
    cnn_error error = fuzz_no_error();
    fuzz_file_fill(&file, input.bytes, input.size);
    fuzz_begin(((size_t)1 << 19) + 2048 * size);
    cnn_trainer *trainer = resume(choice, file.path, &error);
    if (trainer == NULL) {
        fuzz_check_error(&error);
    } else {
        check_saved(trainer, choice);
        check_training(trainer);
    }
    cnn_trainer_free(trainer);
    fuzz_end();
    return 0;
}

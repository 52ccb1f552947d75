/* Checkpoints: the model file with the trainer's states as further tensors, and the position, the epoch's sums and
 * the history as further metadata. Numbers are written so that they read back to the bit. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/calibrate.h"
#include "train/step.h"
#include "train/trainer.h"
#include "train/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_LIMIT ((size_t)1 << 31)

/* ---- numbers as metadata */

static void append_numbers(cnn_text *text, const double *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        char number[CNN_NUMBER_LENGTH];
        cnn_format_number(numbers[i], number);
        cnn_text_append(text, i > 0 ? " " : "");
        cnn_text_append(text, number);
    }
}

/** Reads `count` numbers separated by blanks, the last ended by `end`; the place after it, or NULL. */
static const char *read_numbers(const char *text, double *numbers, int count, char end)
{
    for (int i = 0; i < count; i++) {
        const int stop = i + 1 < count ? ' ' : end;
        const char *after = strchr(text, stop);
        if (after == NULL || !cnn_parse_number(text, (size_t)(after - text), &numbers[i])) {
            return NULL;
        }
        text = after + (stop != '\0');
    }
    return text;
}

/* ---- position and history */

enum { POSITION_NUMBERS = 7, EPOCH_NUMBERS = 9 };

static void append_position(const cnn_trainer *t, cnn_text *text)
{
    const double numbers[POSITION_NUMBERS] = {t->epoch,          t->step,    t->loss_sum,     (double)t->correct,
                                              (double)t->images, t->seconds, t->learning_rate};
    append_numbers(text, numbers, POSITION_NUMBERS);
}

static bool is_count(double number, double most)
{
    return number >= 0 && number <= most && number == (double)(int64_t)number;
}

static bool read_position(cnn_trainer *t, const char *text)
{
    double n[POSITION_NUMBERS];
    if (text == NULL || read_numbers(text, n, POSITION_NUMBERS, '\0') == NULL || !is_count(n[0], t->options.epochs) ||
        !is_count(n[1], t->steps - 1) || !is_count(n[3], t->train_count) || !is_count(n[4], t->train_count) ||
        !(n[5] >= 0)) {
        return false;
    }
    const int batch = t->options.batch;
    t->epoch = (int)n[0];
    t->step = (int)n[1];
    t->loss_sum = n[2];
    t->correct = (int64_t)n[3];
    t->images = (int64_t)n[4];
    t->seconds = n[5];
    t->learning_rate = n[6];
    return t->images == (int64_t)t->step * batch && (t->epoch < t->options.epochs || t->step == 0);
}

static void append_history(const cnn_trainer *t, cnn_text *text)
{
    for (int i = 0; i < t->epoch; i++) {
        const cnn_progress *e = &t->history[i];
        const double numbers[EPOCH_NUMBERS] = {e->epoch,
                                               e->images,
                                               e->loss,
                                               e->accuracy,
                                               e->learning_rate,
                                               e->validated,
                                               e->validation_loss,
                                               e->validation_accuracy,
                                               e->seconds};
        append_numbers(text, numbers, EPOCH_NUMBERS);
        cnn_text_append(text, ";");
    }
}

static bool read_history(cnn_trainer *t, const char *text)
{
    for (int i = 0; i < t->epoch && text != NULL; i++) {
        double n[EPOCH_NUMBERS];
        text = read_numbers(text, n, EPOCH_NUMBERS, ';');
        if (text == NULL || n[0] != i + 1 || !is_count(n[1], t->train_count)) {
            return false;
        }
        t->history[i] = (cnn_progress){
            .epoch = i + 1,
            .epochs = t->options.epochs,
            .step = t->steps,
            .steps = t->steps,
            .images = (int)n[1],
            .training_images = t->train_count,
            .validation_images = t->held_back,
            .loss = n[2],
            .accuracy = n[3],
            .learning_rate = n[4],
            .epoch_done = true,
            .done = i + 1 == t->options.epochs,
            .validated = n[5] != 0,
            .validation_loss = n[6],
            .validation_accuracy = n[7],
            .seconds = n[8],
        };
    }
    return text != NULL && *text == '\0';
}

/* ---- saving */

/** The states, with their values where there is a trainer; their number. */
static int state_blocks(const cnn_train_options *options, const cnn_trainer *t,
                        cnn_state_block blocks[CNN_TRAINER_STATES])
{
    const int count = cnn_train_states(options, blocks);
    for (int i = 0; i < count && t != NULL; i++) {
        blocks[i].values = t->states[i];
        blocks[i].count = t->model->network->parameter_count;
    }
    return count;
}

cnn_status cnn_trainer_save(const cnn_trainer *trainer, const char *path, cnn_error *error)
{
    cnn_status status = cnn_trainer_check_finite(trainer, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_state_block blocks[CNN_TRAINER_STATES];
    cnn_text position = {0}, history = {0};
    unsigned char *bytes = NULL;
    size_t size = 0;
    const int count = state_blocks(&trainer->options, trainer, blocks);
    cnn_model *model = cnn_model_copy(trainer->model, error);
    append_position(trainer, &position);
    append_history(trainer, &history);
    status = model != NULL ? cnn_model_take_metadata(model, "checkpoint.position", &position, error) : CNN_MEMORY;
    if (status == CNN_OK) {
        status = cnn_model_take_metadata(model, "checkpoint.history", &history, error);
    }
    if (status == CNN_OK) {
        status = cnn_inspector_save(trainer, model, error);
    }
    if (status == CNN_OK) {
        status = cnn_model_encode(model, blocks, count, &bytes, &size, error);
    }
    if (status == CNN_OK) {
        status = cnn_file_write(path, &(cnn_piece){bytes, size}, 1, error);
    }
    cnn_text_clear(&position);
    cnn_text_clear(&history);
    cnn_model_free(model);
    cnn_free(bytes);
    return status;
}

/* ---- resuming */

/** Whether recipe, data and seed are those that the checkpoint was made with; the trainer's own model says what ours
 * are. */
static cnn_status check_same(const cnn_trainer *t, const cnn_model *saved, const char *path, cnn_error *error)
{
    static const struct {
        const char *key, *what;
    } entries[] = {{"recipe", "another recipe (or other --set and --epochs)"}, {"origin.data", "other data"}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const char *ours = cnn_model_metadata(t->model, entries[i].key);
        const char *theirs = cnn_model_metadata(saved, entries[i].key);
        if (ours == NULL || theirs == NULL || strcmp(ours, theirs) != 0) {
            return cnn_fail(error, CNN_MISMATCH, "%s: the checkpoint was made with %s: resume with the same", path,
                            entries[i].what);
        }
    }
    return CNN_OK;
}

static cnn_status take_over(cnn_trainer *t, const cnn_model *saved, const char *path, cnn_error *error)
{
    const cnn_status status = check_same(t, saved, path, error);
    if (status != CNN_OK) {
        return status;
    }
    if (!read_position(t, cnn_model_metadata(saved, "checkpoint.position")) ||
        !read_history(t, cnn_model_metadata(saved, "checkpoint.history")) || !cnn_inspector_load(t, saved)) {
        return cnn_fail(error, CNN_FORMAT, "%s: the checkpoint's position is malformed", path);
    }
    memcpy(t->model->parameters, saved->parameters, t->model->network->parameter_count * sizeof *saved->parameters);
    return CNN_OK;
}

/** The seed that the saved training began with. */
static bool read_seed(const cnn_model *saved, uint64_t *seed)
{
    const char *text = cnn_model_metadata(saved, "origin.seed");
    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    char *end;
    errno = 0;
    *seed = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/** Decodes the checkpoint, its optimizer's states into blocks of the recipe's network, which are allocated here. */
static cnn_model *read_checkpoint(const cnn_recipe *recipe, const char *path, cnn_state_block *blocks, int block_count,
                                  cnn_error *error)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    cnn_model *saved = NULL;
    cnn_network *network = cnn_network_new(recipe, error);
    if (network == NULL || cnn_file_read(path, CHECKPOINT_LIMIT, &bytes, &size, error) != CNN_OK) {
        goto end;
    }
    for (int i = 0; i < block_count; i++) {
        blocks[i].count = network->parameter_count;
        blocks[i].values = cnn_alloc(network->parameter_count, sizeof *blocks[i].values);
        if (blocks[i].values == NULL) {
            cnn_fail_memory(error);
            goto end;
        }
    }
    saved = cnn_model_decode(bytes, size, path, blocks, block_count, error);
end:
    cnn_network_free(network);
    cnn_free(bytes);
    return saved;
}

cnn_trainer *cnn_trainer_resume(const cnn_recipe *recipe, const cnn_dataset *data, const char *checkpoint_path,
                                const cnn_trainer_options *options, cnn_error *error)
{
    cnn_train_options train;
    cnn_recipe_train_options(recipe, &train);
    cnn_state_block blocks[CNN_TRAINER_STATES];
    const int block_count = state_blocks(&train, NULL, blocks);
    cnn_trainer *trainer = NULL;
    uint64_t seed = 0;
    cnn_model *saved = read_checkpoint(recipe, checkpoint_path, blocks, block_count, error);
    if (saved != NULL && !read_seed(saved, &seed)) {
        cnn_fail(error, CNN_FORMAT, "%s: the checkpoint's seed is malformed", checkpoint_path);
    } else if (saved != NULL) {
        trainer = cnn_trainer_create(recipe, data, options, seed, error);
    }
    if (trainer != NULL) {
        for (int i = 0; i < block_count; i++) { /* the trainer's own are exchanged for the saved ones */
            cnn_real *own = trainer->states[i];
            trainer->states[i] = blocks[i].values;
            blocks[i].values = own;
        }
        if (take_over(trainer, saved, checkpoint_path, error) != CNN_OK ||
            cnn_trainer_start(trainer, error) != CNN_OK) {
            cnn_trainer_free(trainer);
            trainer = NULL;
        }
    }
    for (int i = 0; i < block_count; i++) {
        cnn_free(blocks[i].values);
    }
    cnn_model_free(saved);
    return trainer;
}

/* ---- the result */

cnn_model *cnn_trainer_model(const cnn_trainer *trainer, cnn_error *error)
{
    if (cnn_trainer_check_finite(trainer, error) != CNN_OK) {
        return NULL;
    }
    cnn_model *model = cnn_model_copy(trainer->model, error);
    if (model != NULL) {
        memcpy(model->parameters, cnn_trainer_weights(trainer),
               model->network->parameter_count * sizeof *model->parameters);
    }
    if (model == NULL || trainer->epoch == 0) {
        return model;
    }
    const cnn_progress *last = &trainer->history[trainer->epoch - 1];
    if (cnn_model_set_number(model, "origin.epochs", trainer->epoch, error) != CNN_OK ||
        cnn_model_set_number(model, "accuracy.training", last->accuracy, error) != CNN_OK ||
        (last->validated &&
         cnn_model_set_number(model, "accuracy.validation", last->validation_accuracy, error) != CNN_OK) ||
        cnn_trainer_calibrate(trainer, model, error) != CNN_OK) {
        cnn_model_free(model);
        return NULL;
    }
    return model;
}

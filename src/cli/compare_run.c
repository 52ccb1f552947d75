/* One training of `cnn compare`: see compare_run.h. A run's files are named by a hash of what it is made of, so that
 * another grid in the same folder finds the runs that it shares. */
#include "compare_run.h"

#include "output.h"
#include "paths.h"
#include "stop.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A run's files and what they are made of. */
typedef struct files {
    char *recipe; /* canonical text, the library's */
    char seed[24];
    char *result, *checkpoint, *model;
} files;

/* ------------------------------------------------------------------------------------------------------- files */

/** FNV-1a, 64 bits (Fowler, Noll, Vo), of a text and its end. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    } while (*text++);
    return hash;
}

static char *file_path(const char *folder, uint64_t id, const char *ending)
{
    const size_t size = strlen(folder) + 64;
    char *path = malloc(size);
    if (path) {
        snprintf(path, size, "%s/%016" PRIx64 "%s", folder, id, ending);
    }
    return path;
}

static void clear_files(files *f)
{
    cnn_free(f->recipe);
    free(f->result);
    free(f->checkpoint);
    free(f->model);
}

static cnn_exit name_files(const cnn_run_order *order, files *f)
{
    cnn_error error;
    f->recipe = cnn_recipe_text(order->recipe, &error);
    if (!f->recipe) {
        return cnn_complain_error(&error);
    }
    snprintf(f->seed, sizeof f->seed, "%" PRIu64, order->seed);
    const uint64_t begin = UINT64_C(14695981039346656037);
    const uint64_t id = hash_text(hash_text(hash_text(begin, f->recipe), order->data_spec), f->seed);
    f->result = file_path(order->folder, id, ".json");
    f->checkpoint = file_path(order->folder, id, ".checkpoint");
    f->model = file_path(order->folder, id, ".safetensors");
    return f->result && f->checkpoint && f->model ? CNN_EXIT_DONE : cnn_complain_memory();
}

/* ----------------------------------------------------------------------------------------------------- results */

void cnn_run_clear(cnn_run *run)
{
    free(run->epochs);
    free(run->model);
    *run = (cnn_run){0};
}

/** The names of cnn_run_epoch's fields in the file. */
static const struct {
    const char *name;
    size_t offset;
} epoch_fields[] = {
    {"train_loss", offsetof(cnn_run_epoch, loss)},   {"train_error", offsetof(cnn_run_epoch, error)},
    {"val_loss", offsetof(cnn_run_epoch, val_loss)}, {"val_error", offsetof(cnn_run_epoch, val_error)},
    {"dead", offsetof(cnn_run_epoch, dead)},         {"zeros", offsetof(cnn_run_epoch, zeros)},
    {"seconds", offsetof(cnn_run_epoch, seconds)},
};
#define EPOCH_FIELDS (sizeof epoch_fields / sizeof *epoch_fields)

static double *epoch_field(cnn_run_epoch *epoch, size_t index)
{
    return (double *)(void *)((char *)epoch + epoch_fields[index].offset);
}

static bool has_text(const json_t *stored, const char *key, const char *text)
{
    json_t *wanted = cnn_json_text(text);
    const bool same = wanted && json_equal(json_object_get(stored, key), wanted);
    json_decref(wanted);
    return same;
}

/** Fills run->epochs, as far as they are there. */
static bool take_epochs(const json_t *epochs, cnn_run *run)
{
    bool whole = true;
    for (int i = 0; i < run->epoch_count; i++) {
        for (size_t k = 0; k < EPOCH_FIELDS; k++) {
            const json_t *number = json_object_get(json_array_get(epochs, (size_t)i), epoch_fields[k].name);
            *epoch_field(&run->epochs[i], k) = json_is_number(number) ? json_number_value(number) : NAN;
            whole = whole && (json_is_number(number) || json_is_null(number));
        }
    }
    return whole;
}

/** Whether the stored run is what is asked for, and is whole; if so *run is filled. */
static bool take_result(const cnn_run_order *order, const files *f, const json_t *stored, cnn_run *run)
{
    const json_t *epochs = json_object_get(stored, "epochs");
    if (!has_text(stored, "recipe", f->recipe) || !has_text(stored, "data", order->data_spec) ||
        json_integer_value(json_object_get(stored, "seed")) != (json_int_t)order->seed) {
        return false;
    }
    run->diverged = json_is_true(json_object_get(stored, "diverged"));
    run->parameters = json_integer_value(json_object_get(stored, "parameters"));
    run->multiply_adds = json_integer_value(json_object_get(stored, "multiply_adds"));
    cnn_run_tests_take(json_object_get(stored, "tests"), run->tests);
    run->epoch_count = (int)json_array_size(epochs);
    run->epochs = calloc((size_t)run->epoch_count + 1, sizeof *run->epochs);
    if (run->epochs && (run->epoch_count > 0 || run->diverged) && take_epochs(epochs, run)) {
        return true;
    }
    cnn_run_clear(run);
    return false;
}

/** Damaged or foreign files are trained anew. */
static bool read_result(const cnn_run_order *order, const files *f, cnn_run *run)
{
    json_t *stored = json_load_file(f->result, 0, NULL);
    const bool taken = stored && take_result(order, f, stored, run);
    json_decref(stored);
    return taken;
}

static json_t *result_json(const cnn_run_order *order, const files *f, cnn_run *run)
{
    json_t *epochs = json_array();
    for (int i = 0; i < run->epoch_count; i++) {
        json_t *epoch = json_object();
        for (size_t k = 0; k < EPOCH_FIELDS; k++) {
            json_object_set_new(epoch, epoch_fields[k].name, cnn_json_number(*epoch_field(&run->epochs[i], k)));
        }
        json_array_append_new(epochs, epoch);
    }
    return json_pack("{s:o, s:o, s:I, s:b, s:I, s:I, s:o, s:o}", "recipe", cnn_json_text(f->recipe), "data",
                     cnn_json_text(order->data_spec), "seed", (json_int_t)order->seed, "diverged", run->diverged,
                     "parameters", (json_int_t)run->parameters, "multiply_adds", (json_int_t)run->multiply_adds,
                     "tests", cnn_run_tests_json(run->tests), "epochs", epochs);
}

static cnn_exit write_result(const cnn_run_order *order, const files *f, cnn_run *run)
{
    json_t *result = result_json(order, f, run);
    char *text = result ? json_dumps(result, JSON_INDENT(1)) : NULL;
    json_decref(result);
    if (!text) {
        return cnn_complain_memory();
    }
    const bool written = cnn_path_write(f->result, text, strlen(text));
    free(text);
    if (written) {
        remove(f->checkpoint);
    }
    return written ? CNN_EXIT_DONE : CNN_EXIT_FAILED;
}

/* ---------------------------------------------------------------------------------------------------- training */

/** Goes on from a checkpoint where one fits, and begins anew otherwise. */
static cnn_trainer *open_trainer(const cnn_run_order *order, const files *f, cnn_error *error)
{
    const cnn_trainer_options options = {.threads = order->threads, .seed = order->seed};
    cnn_trainer *trainer = cnn_path_exists(f->checkpoint)
                               ? cnn_trainer_resume(order->recipe, order->data, f->checkpoint, &options, error)
                               : NULL;
    return trainer ? trainer : cnn_trainer_new(order->recipe, order->data, &options, error);
}

static void add_inspection(const cnn_trainer *trainer, int number, cnn_run_epoch *epoch)
{
    cnn_inspection inspection;
    epoch->dead = epoch->zeros = NAN;
    if (cnn_trainer_inspection(trainer, number, &inspection, NULL) == CNN_OK) {
        epoch->dead = inspection.dead;
        epoch->zeros = inspection.zeros;
        cnn_free(inspection.layers);
    }
}

static cnn_exit collect_epochs(const cnn_trainer *trainer, cnn_run *run)
{
    cnn_progress progress;
    cnn_trainer_progress(trainer, &progress);
    run->epochs = calloc((size_t)progress.epochs + 1, sizeof *run->epochs);
    if (!run->epochs) {
        return cnn_complain_memory();
    }
    while (cnn_trainer_epoch(trainer, run->epoch_count + 1, &progress)) {
        cnn_run_epoch *epoch = &run->epochs[run->epoch_count++];
        *epoch = (cnn_run_epoch){
            .loss = progress.loss,
            .error = 1 - progress.accuracy,
            .val_loss = progress.validated ? progress.validation_loss : NAN,
            .val_error = progress.validated ? 1 - progress.validation_accuracy : NAN,
            .seconds = progress.seconds,
        };
        add_inspection(trainer, run->epoch_count, epoch);
    }
    return CNN_EXIT_DONE;
}

/** Trains to the end, to divergence, or until it is stopped, which is CNN_EXIT_FAILED. */
static cnn_exit train(cnn_trainer *trainer, const char *checkpoint, cnn_run *run)
{
    cnn_progress progress;
    cnn_error error;
    cnn_status status = CNN_OK;
    cnn_trainer_progress(trainer, &progress);
    while (!progress.done && status == CNN_OK && !cnn_stop_requested()) {
        status = cnn_trainer_step(trainer, &progress, &error);
        if (status == CNN_OK && progress.epoch_done && !progress.done) {
            status = cnn_trainer_save(trainer, checkpoint, &error);
        }
    }
    run->diverged = status == CNN_DIVERGED;
    if (status != CNN_OK && !run->diverged) {
        return cnn_complain_error(&error);
    }
    if (!progress.done && !run->diverged) { /* stopped */
        if (cnn_trainer_save(trainer, checkpoint, &error) != CNN_OK) {
            cnn_complain_error(&error);
        }
        return CNN_EXIT_FAILED;
    }
    return collect_epochs(trainer, run);
}

static cnn_exit describe(const cnn_run_order *order, cnn_run *run)
{
    cnn_error error;
    cnn_model_info info;
    cnn_model *model = cnn_model_new(order->recipe, order->seed, &error);
    const bool described = model && cnn_model_describe(model, &info, &error) == CNN_OK;
    cnn_model_free(model);
    if (!described) {
        return cnn_complain_error(&error);
    }
    run->parameters = info.parameters;
    run->multiply_adds = info.multiply_adds;
    return CNN_EXIT_DONE;
}

/** Writes the model, and hands it over to be tested. */
static cnn_exit keep_model(const cnn_trainer *trainer, const files *f, cnn_model **model)
{
    cnn_error error;
    *model = cnn_trainer_model(trainer, &error);
    const bool kept = *model && cnn_model_save(*model, f->model, &error) == CNN_OK;
    return kept ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

static cnn_exit train_run(const cnn_run_order *order, const files *f, cnn_run *run, cnn_model **model)
{
    cnn_error error;
    cnn_exit code = describe(order, run);
    cnn_trainer *trainer = code == CNN_EXIT_DONE ? open_trainer(order, f, &error) : NULL;
    if (code == CNN_EXIT_DONE) {
        code = trainer ? train(trainer, f->checkpoint, run) : cnn_complain_error(&error);
    }
    if (code == CNN_EXIT_DONE && order->test_data && !run->diverged) {
        code = keep_model(trainer, f, model);
    }
    cnn_trainer_free(trainer);
    return code == CNN_EXIT_DONE ? write_result(order, f, run) : code;
}

/* ------------------------------------------------------------------------------------------------------ testing */

static bool is_asked_for(const cnn_run_order *order, int tta)
{
    return order->test_data && (tta == (int)CNN_TTA_NONE || tta == (int)order->tta);
}

static bool lacks_tests(const cnn_run_order *order, const cnn_run *run)
{
    bool lacks = false;
    for (int i = 0; i < CNN_RUN_TESTS; i++) {
        lacks = lacks || (is_asked_for(order, i) && !run->tests[i].known);
    }
    return lacks && !run->diverged;
}

static bool is_model_of(const cnn_model *model, const files *f)
{
    const char *recipe = cnn_model_metadata(model, "recipe"), *seed = cnn_model_metadata(model, "origin.seed");
    return recipe && seed && strcmp(recipe, f->recipe) == 0 && strcmp(seed, f->seed) == 0;
}

/** The model that was kept of the run, into *model: NULL where there is none, or one that is damaged or foreign. */
static cnn_exit find_model(const files *f, cnn_model **model)
{
    cnn_error error;
    *model = NULL;
    if (!cnn_path_exists(f->model)) {
        return CNN_EXIT_DONE;
    }
    *model = cnn_model_load(f->model, &error);
    if (!*model) {
        return error.status == CNN_IO || error.status == CNN_MEMORY ? cnn_complain_error(&error) : CNN_EXIT_DONE;
    }
    if (!is_model_of(*model, f)) {
        cnn_model_free(*model);
        *model = NULL;
    }
    return CNN_EXIT_DONE;
}

/** Makes what tests the run lacks. Each is stored at once, so that a stop loses no more than the one it waits for. */
static cnn_exit make_tests(const cnn_run_order *order, const files *f, cnn_model *model, cnn_run *run)
{
    cnn_exit code = CNN_EXIT_DONE;
    for (int i = 0; i < CNN_RUN_TESTS && code == CNN_EXIT_DONE; i++) {
        if (is_asked_for(order, i) && !run->tests[i].known) {
            const cnn_session_options options = {.threads = order->threads, .tta = (cnn_tta)i};
            code = cnn_stop_requested() ? CNN_EXIT_FAILED
                                        : cnn_run_test_make(model, order->test_data, &options, &run->tests[i]);
            code = code == CNN_EXIT_DONE ? write_result(order, f, run) : code;
        }
    }
    return code;
}

/** Leaves in *run what is asked for: tests that an earlier command made are no part of this one's table. */
static cnn_exit finish_run(const cnn_run_order *order, const files *f, cnn_run *run)
{
    for (int i = 0; i < CNN_RUN_TESTS; i++) {
        run->tests[i].known = run->tests[i].known && is_asked_for(order, i);
    }
    if (order->test_data && !run->diverged && cnn_path_exists(f->model)) {
        run->model = strdup(strrchr(f->model, '/') + 1);
        return run->model ? CNN_EXIT_DONE : cnn_complain_memory();
    }
    return CNN_EXIT_DONE;
}

/* ----------------------------------------------------------------------------------------------------- the whole */

static cnn_exit get_run(const cnn_run_order *order, const files *f, cnn_run *run, bool *found)
{
    cnn_model *model = NULL;
    cnn_exit code = CNN_EXIT_DONE;
    *found = read_result(order, f, run);
    if (*found && lacks_tests(order, run)) {
        code = find_model(f, &model);
        *found = model != NULL;
    }
    if (code == CNN_EXIT_DONE && !*found) {
        cnn_run_clear(run);
        code = train_run(order, f, run, &model);
    }
    if (code == CNN_EXIT_DONE && lacks_tests(order, run)) {
        code = make_tests(order, f, model, run);
    }
    cnn_model_free(model);
    return code == CNN_EXIT_DONE ? finish_run(order, f, run) : code;
}

cnn_exit cnn_run_get(const cnn_run_order *order, cnn_run *run, bool *found)
{
    files f = {0};
    *run = (cnn_run){0};
    *found = false;
    cnn_exit code = name_files(order, &f);
    if (code == CNN_EXIT_DONE) {
        code = get_run(order, &f, run, found);
    }
    clear_files(&f);
    return code;
}

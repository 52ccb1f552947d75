/* The files of a run: see compare_store.h. They are named by a hash of what the run is made of, so that another grid in
 * the same folder finds the runs that it shares. */
#include "compare_store.h"

#include "output.h"
#include "paths.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void cnn_run_files_clear(cnn_run_files *f)
{
    cnn_free(f->recipe);
    free(f->result);
    free(f->checkpoint);
    free(f->model);
}

cnn_exit cnn_run_files_name(const cnn_run_order *order, cnn_run_files *f)
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
static bool take_result(const cnn_run_order *order, const cnn_run_files *f, const json_t *stored, cnn_run *run)
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

bool cnn_run_read(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run)
{
    json_t *stored = json_load_file(f->result, 0, NULL);
    const bool taken = stored && take_result(order, f, stored, run);
    json_decref(stored);
    return taken;
}

static json_t *result_json(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run)
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

cnn_exit cnn_run_write(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run)
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

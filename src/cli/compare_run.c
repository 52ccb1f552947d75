/* One training of `cnn compare`: see compare_run.h. */
#include "compare_run.h"

#include "compare_store.h"
#include "output.h"
#include "paths.h"
#include "stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cnn_run_clear(cnn_run *run)
{
    free(run->epochs);
    free(run->model);
    *run = (cnn_run){0};
}

/* ---------------------------------------------------------------------------------------------------- training */

/** Goes on from a checkpoint where one fits, and begins anew otherwise. */
static cnn_trainer *open_trainer(const cnn_run_order *order, const cnn_run_files *f, cnn_error *error)
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
static cnn_exit keep_model(const cnn_trainer *trainer, const cnn_run_files *f, cnn_model **model)
{
    cnn_error error;
    *model = cnn_trainer_model(trainer, &error);
    const bool kept = *model && cnn_model_save(*model, f->model, &error) == CNN_OK;
    return kept ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

static cnn_exit train_run(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run, cnn_model **model)
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
    return code == CNN_EXIT_DONE ? cnn_run_write(order, f, run) : code;
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

static bool is_model_of(const cnn_model *model, const cnn_run_files *f)
{
    const char *recipe = cnn_model_metadata(model, "recipe"), *seed = cnn_model_metadata(model, "origin.seed");
    return recipe && seed && strcmp(recipe, f->recipe) == 0 && strcmp(seed, f->seed) == 0;
}

/** The model that was kept of the run, into *model: NULL where there is none, or one that is damaged or foreign. */
static cnn_exit find_model(const cnn_run_files *f, cnn_model **model)
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
static cnn_exit make_tests(const cnn_run_order *order, const cnn_run_files *f, cnn_model *model, cnn_run *run)
{
    cnn_exit code = CNN_EXIT_DONE;
    for (int i = 0; i < CNN_RUN_TESTS && code == CNN_EXIT_DONE; i++) {
        if (is_asked_for(order, i) && !run->tests[i].known) {
            const cnn_session_options options = {.threads = order->threads, .tta = (cnn_tta)i};
            code = cnn_stop_requested() ? CNN_EXIT_FAILED
                                        : cnn_run_test_make(model, order->test_data, &options, &run->tests[i]);
            code = code == CNN_EXIT_DONE ? cnn_run_write(order, f, run) : code;
        }
    }
    return code;
}

/** Leaves in *run what is asked for: tests that an earlier command made are no part of this one's table. */
static cnn_exit finish_run(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run)
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

static cnn_exit get_run(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run, bool *found)
{
    cnn_model *model = NULL;
    cnn_exit code = CNN_EXIT_DONE;
    *found = cnn_run_read(order, f, run);
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
    cnn_run_files f = {0};
    *run = (cnn_run){0};
    *found = false;
    cnn_exit code = cnn_run_files_name(order, &f);
    if (code == CNN_EXIT_DONE) {
        code = get_run(order, &f, run, found);
    }
    cnn_run_files_clear(&f);
    return code;
}

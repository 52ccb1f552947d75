/* cnn train: trains a recipe on a data set. After each epoch, and when it is stopped, a checkpoint is left from which
 * --resume goes on; it goes away when the model is written. */
#include "command.h"
#include "format.h"
#include "history.h"
#include "open.h"
#include "output.h"
#include "stop.h"
#include "train_report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct train_settings {
    const char *data, *out;
    int epochs, threads;
    uint64_t seed;
    cnn_args_list set;
    bool resume, tune, inspect, json, quiet;
} train_settings;

/* One run of the command. */
typedef struct training {
    const cnn_args *args;
    const train_settings *settings;
    const char *recipe_path;
    cnn_paths paths;
    cnn_recipe *recipe;
    cnn_dataset *data;
    cnn_trainer *trainer;
    cnn_report report;
    int checkpoint_epochs; /* finished ones in the checkpoint file, where that is this training's */
} training;

/* ------------------------------------------------------------------------------------------------- preparation */

/* Plans the network without training it, so that a recipe that does not fit fails before the data is read. */
static cnn_exit describe_recipe(const training *run, cnn_model_info *info)
{
    cnn_error error;
    cnn_model *model = cnn_model_new(run->recipe, run->settings->seed, &error);
    const bool described = model && cnn_model_describe(model, info, &error) == CNN_OK;
    cnn_model_free(model);
    return described ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

static cnn_exit check_files(const training *run)
{
    const cnn_paths *paths = &run->paths;
    if (!cnn_path_check_writable(paths->model) || !cnn_path_check_writable(paths->history) ||
        !cnn_path_check_writable(paths->checkpoint)) {
        return CNN_EXIT_FAILED;
    }
    const bool found = cnn_path_exists(paths->checkpoint);
    if (run->settings->resume && !found) {
        cnn_complain("no checkpoint '%s' to resume from%s%s%s", paths->checkpoint,
                     cnn_path_exists(paths->model) ? ": '" : "; leave out --resume to begin",
                     cnn_path_exists(paths->model) ? paths->model : "",
                     cnn_path_exists(paths->model) ? "' is complete; leave out --resume to train it anew" : "");
        return CNN_EXIT_FAILED;
    }
    if (!run->settings->resume && found && !run->settings->quiet) {
        cnn_tell("note: the checkpoint '%s' of an earlier training will be replaced; --resume would go on with it",
                 paths->checkpoint);
    }
    return CNN_EXIT_DONE;
}

static cnn_exit open_trainer(training *run)
{
    const train_settings *settings = run->settings;
    const cnn_trainer_options options = {.threads = settings->threads, .seed = settings->seed, .tune = settings->tune};
    cnn_error error;
    if (cnn_blas_single_thread(&error) != CNN_OK) {
        return cnn_complain_error(&error);
    }
    run->data = cnn_dataset_open_fitted(settings->data, CNN_SPLIT_TRAIN, cnn_recipe_input(run->recipe),
                                        cnn_recipe_fit(run->recipe), &error);
    if (!run->data) {
        return cnn_complain_error(&error);
    }
    if (settings->tune && !settings->quiet) {
        cnn_tell_tuning();
    }
    run->trainer = settings->resume
                       ? cnn_trainer_resume(run->recipe, run->data, run->paths.checkpoint, &options, &error)
                       : cnn_trainer_new(run->recipe, run->data, &options, &error);
    return run->trainer ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

static int finished_epochs(const cnn_trainer *trainer)
{
    cnn_progress epoch;
    int count = 0;
    while (cnn_trainer_epoch(trainer, count + 1, &epoch)) {
        count++;
    }
    return count;
}

static cnn_exit prepare(training *run)
{
    const train_settings *settings = run->settings;
    cnn_model_info info;
    cnn_exit code = cnn_open_recipe(run->recipe_path, &settings->set, settings->epochs, &run->recipe);
    if (code == CNN_EXIT_DONE) {
        code = describe_recipe(run, &info);
    }
    if (code == CNN_EXIT_DONE) {
        code = check_files(run);
    }
    if (code == CNN_EXIT_DONE) {
        code = open_trainer(run);
    }
    if (code == CNN_EXIT_DONE) {
        cnn_progress progress;
        cnn_stop_watch();
        cnn_trainer_progress(run->trainer, &progress);
        run->checkpoint_epochs = finished_epochs(run->trainer);
        cnn_report_begin(&run->report,
                         &(cnn_report_start){.model = &info,
                                             .dataset = run->data,
                                             .progress = &progress,
                                             .seed = settings->seed,
                                             .threads = settings->threads ? settings->threads : cnn_processor_count(),
                                             .resumed = settings->resume});
    }
    return code;
}

/* ---------------------------------------------------------------------------------------------------- training */

static cnn_exit fail(const training *run, const cnn_error *error)
{
    cnn_report_pause(&run->report);
    if (run->checkpoint_epochs > 0) {
        cnn_complain("%s; the checkpoint of epoch %d stays: %s", error->message, run->checkpoint_epochs,
                     run->paths.checkpoint);
        return CNN_EXIT_FAILED;
    }
    return cnn_complain_error(error);
}

static cnn_exit save_checkpoint(training *run)
{
    cnn_error error;
    if (cnn_trainer_save(run->trainer, run->paths.checkpoint, &error) != CNN_OK) {
        return fail(run, &error);
    }
    run->checkpoint_epochs = finished_epochs(run->trainer);
    return CNN_EXIT_DONE;
}

static cnn_exit end_epoch(training *run, const cnn_progress *progress)
{
    cnn_report_epoch(&run->report, run->trainer, progress);
    const cnn_exit code = save_checkpoint(run);
    if (code != CNN_EXIT_DONE) {
        return code;
    }
    return cnn_history_write(run->trainer, run->paths.history) ? CNN_EXIT_DONE : CNN_EXIT_FAILED;
}

/* The words of this command line with --resume, as a shell reads them; to be freed. */
static char *resume_command(const cnn_args *args, bool resuming)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return NULL;
    }
    for (int i = 0; i < args->word_count; i++) {
        fputs(i > 0 ? " " : "", stream);
        cnn_format_shell(stream, args->words[i]);
        if (i == 1 && !resuming) {
            fputs(" --resume", stream);
        }
    }
    return cnn_text_finish(stream, &text);
}

static cnn_exit stop(training *run, const cnn_progress *progress)
{
    cnn_exit code = save_checkpoint(run);
    if (code == CNN_EXIT_DONE) {
        char *command = resume_command(run->args, run->settings->resume);
        cnn_report_stopped(&run->report, progress, command ? command : "the same command with --resume");
        free(command);
        code = CNN_EXIT_FAILED;
    }
    return code;
}

/* Trains to the end; on Ctrl-C to the end of the step, and leaves a checkpoint. */
static cnn_exit train(training *run, cnn_progress *progress)
{
    cnn_error error;
    while (!progress->done) {
        if (cnn_stop_requested()) {
            return stop(run, progress);
        }
        if (cnn_trainer_step(run->trainer, progress, &error) != CNN_OK) {
            return fail(run, &error);
        }
        cnn_report_step(&run->report, progress);
        if (progress->epoch_done) {
            const cnn_exit code = end_epoch(run, progress);
            if (code != CNN_EXIT_DONE) {
                return code;
            }
        }
    }
    return CNN_EXIT_DONE;
}

static double total_seconds(const cnn_trainer *trainer)
{
    double seconds = 0;
    cnn_progress epoch;
    for (int number = 1; cnn_trainer_epoch(trainer, number, &epoch); number++) {
        seconds += epoch.seconds;
    }
    return seconds;
}

static cnn_exit save_model(const training *run, const cnn_progress *progress)
{
    cnn_error error;
    cnn_model *model = cnn_trainer_model(run->trainer, &error);
    if (!model || cnn_model_save(model, run->paths.model, &error) != CNN_OK) {
        cnn_model_free(model);
        return fail(run, &error);
    }
    if (remove(run->paths.checkpoint) != 0 && errno != ENOENT) {
        cnn_complain("cannot remove '%s': %s", run->paths.checkpoint, strerror(errno));
    }
    cnn_report_done(&run->report, model, progress, total_seconds(run->trainer));
    cnn_model_free(model);
    return CNN_EXIT_DONE;
}

static cnn_exit run_train(const cnn_args *args)
{
    const train_settings *settings = args->settings;
    training run = {.args = args, .settings = settings, .recipe_path = args->operands[0]};
    run.report = (cnn_report){
        .mode = settings->json    ? CNN_REPORT_JSON
                : settings->quiet ? CNN_REPORT_QUIET
                                  : CNN_REPORT_TEXT,
        .terminal = cnn_terminal_probe(stderr),
        .paths = &run.paths,
        .recipe = run.recipe_path,
        .data = settings->data,
        .inspect = settings->inspect,
    };
    cnn_exit code = cnn_paths_fill(&run.paths, settings->out, run.recipe_path) ? prepare(&run) : CNN_EXIT_FAILED;
    cnn_progress progress;
    if (code == CNN_EXIT_DONE) {
        cnn_trainer_progress(run.trainer, &progress);
        code = train(&run, &progress);
    }
    if (code == CNN_EXIT_DONE) {
        code = save_model(&run, &progress);
    }
    cnn_trainer_free(run.trainer);
    cnn_dataset_free(run.data);
    cnn_recipe_free(run.recipe);
    cnn_paths_clear(&run.paths);
    cnn_report_clear(&run.report);
    return code;
}

/* -------------------------------------------------------------------------------------------------- description */

#define FIELD(name) offsetof(train_settings, name)

static const cnn_args_option train_options[] = {
    CNN_DATA_OPTION(train_settings),
    {.name = "out",
     .placeholder = "FILE",
     .help = "the model file to write; history and checkpoint are kept beside it\n"
             "(default: the recipe's name with .safetensors, in this folder)",
     .type = CNN_ARGS_TEXT,
     .offset = FIELD(out)},
    CNN_EPOCHS_OPTION(train_settings),
    {.name = "seed",
     .placeholder = "N",
     .help = "of all that is random (default: 1); with --resume the checkpoint's counts",
     .type = CNN_ARGS_SEED,
     .offset = FIELD(seed),
     .fallback = "1"},
    CNN_THREADS_OPTION(train_settings, "; the model is the\n"
                                       "same for any number"),
    {.name = "resume",
     .help = "go on from the checkpoint beside the model file",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(resume)},
    {.name = "tune", .help = CNN_TUNE_HELP, .type = CNN_ARGS_FLAG, .offset = FIELD(tune)},
    {.name = "inspect",
     .help = "show after each epoch what its layers' outputs, gradients and weights are\n"
             "like ('cnn inspect --help'); with --json they are always there",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(inspect)},
    {.name = "set",
     .placeholder = "K=V",
     .help = "change the recipe: lr=0.1 of its train statement, conv2.filters=64,\n"
             "augment.flip=on, ... of another; relu=tanh, relu=\"elu alpha=0.5\":\n"
             "another layer for all of a kind; may be repeated",
     .type = CNN_ARGS_LIST,
     .offset = FIELD(set)},
    {.name = "json",
     .help = "one JSON object a line on stdout instead of text",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(json)},
    CNN_QUIET_OPTION(train_settings),
    {.name = NULL},
};

const cnn_command cnn_train_command = {
    .name = "train",
    .summary = "train a recipe's network on a data set and write the model file",
    .details = "Ctrl-C finishes the step, saves NAME.checkpoint and tells how to resume; a second one quits\n"
               "at once. NAME.history.csv has a row for each epoch. 'cnn help recipe' explains recipes.",
    .exits = "0 the model is written, 1 failed or stopped, 2 wrong usage",
    .arguments = {.options = train_options, .operands = (const char *const[]){"RECIPE", NULL}},
    .settings_size = sizeof(train_settings),
    .run = run_train,
};

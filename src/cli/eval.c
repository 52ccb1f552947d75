/* cnn eval: how a model, or an ensemble of several, does on a data set's test images. */
#include "command.h"
#include "eval_report.h"
#include "format.h"
#include "open.h"
#include "output.h"
#include "paths.h"

typedef struct eval_settings {
    const char *data, *tta;
    int threads;
    bool json, tune, record;
} eval_settings;

/* Into the file of the only model. */
static cnn_exit record(const cnn_eval_report *report, const cnn_dataset *data, cnn_tta tta, cnn_model *model)
{
    const char *path = report->model_paths[0];
    cnn_error error;
    if (cnn_model_record_test(model, data, tta, report->evaluation, &error) != CNN_OK ||
        cnn_model_save(model, path, &error) != CNN_OK) {
        return cnn_complain_error(&error);
    }
    cnn_tell("recorded in %s", path);
    return CNN_EXIT_DONE;
}

static cnn_exit evaluate(const cnn_models *models, const cnn_dataset *data, cnn_tta tta, const cnn_args *args)
{
    const eval_settings *settings = args->settings;
    const cnn_session_options session_options = {.threads = settings->threads, .tune = settings->tune, .tta = tta};
    cnn_session *session = cnn_open_session(models, &session_options);
    if (!session) {
        return CNN_EXIT_FAILED;
    }
    cnn_error error;
    cnn_evaluation evaluation;
    const cnn_status status = cnn_session_evaluate(session, data, &evaluation, &error);
    cnn_session_free(session);
    if (status != CNN_OK) {
        return cnn_complain_error(&error);
    }
    const cnn_eval_report report = {.model_paths = args->operands,
                                    .data_spec = settings->data,
                                    .tta = settings->tta,
                                    .model = models->items[0],
                                    .evaluation = &evaluation};
    if (settings->json) {
        cnn_eval_report_json(&report);
    } else {
        cnn_eval_report_text(&report);
    }
    const cnn_exit code = settings->record ? record(&report, data, tta, models->items[0]) : CNN_EXIT_DONE;
    cnn_free(evaluation.confusion);
    return code;
}

static cnn_exit open_and_evaluate(const cnn_models *models, cnn_tta tta, const cnn_args *args)
{
    const eval_settings *settings = args->settings;
    cnn_error error;
    cnn_dataset *data = cnn_dataset_open_fitted(settings->data, CNN_SPLIT_TEST, cnn_model_input(models->items[0]),
                                                cnn_model_fit(models->items[0]), &error);
    if (data && cnn_dataset_skipped(data) > 0) {
        cnn_tell("note: %s passed over: not readable as pictures",
                 cnn_format_things(cnn_dataset_skipped(data), "file", CNN_FORMAT_ROOM));
    }
    const cnn_exit code = data ? evaluate(models, data, tta, args) : cnn_complain_error(&error);
    cnn_dataset_free(data);
    return code;
}

/* Whether what is measured can be recorded: it is one model's, and can be measured again. */
static bool check_record(const cnn_args *args)
{
    const eval_settings *settings = args->settings;
    if (args->operand_count > 1) {
        cnn_complain("%s: --record takes a single MODEL: an ensemble has no file of its own", args->command);
        return false;
    }
    if (settings->tune) {
        cnn_complain("%s: --record does not go with --tune, which may measure something else each time", args->command);
        return false;
    }
    return true;
}

static cnn_exit run_eval(const cnn_args *args)
{
    const eval_settings *settings = args->settings;
    cnn_tta tta;
    if (!cnn_open_tta(args, settings->tta, &tta) || (settings->record && !check_record(args))) {
        return CNN_EXIT_USAGE;
    }
    cnn_models models;
    const bool opened = cnn_open_models(args->operands, args->operand_count, &models) &&
                        (!settings->record || cnn_path_check_writable(args->operands[0]));
    const cnn_exit code = opened ? open_and_evaluate(&models, tta, args) : CNN_EXIT_FAILED;
    cnn_close_models(&models);
    return code;
}

#define FIELD(name) offsetof(eval_settings, name)

static const cnn_args_option options[] = {
    CNN_DATA_OPTION(eval_settings),
    CNN_THREADS_OPTION(eval_settings, ""),
    CNN_TTA_OPTION(eval_settings),
    {.name = "tune", .help = CNN_TUNE_HELP, .type = CNN_ARGS_FLAG, .offset = FIELD(tune)},
    {.name = "record",
     .help = "keep the accuracy in the model's file, where 'cnn info' shows it",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(record)},
    {.name = "json", .help = "one JSON object instead of text", .type = CNN_ARGS_FLAG, .offset = FIELD(json)},
    {.name = NULL},
};

const cnn_command cnn_eval_command = {
    .name = "eval",
    .summary = "measure a model, or an ensemble, on a data set's test images",
    .details = "Prints accuracy with its 95% interval, loss, precision and recall of each class, and the\n"
               "confusion matrix. Several MODELs are an ensemble, which takes the mean of their\n"
               "probabilities: all figures are the ensemble's, and a line is the accuracy of each alone.",
    .exits = "0 done, 1 failed, 2 wrong usage",
    .arguments = {.options = options, .operands = (const char *const[]){"MODEL", NULL}, .repeats = true},
    .settings_size = sizeof(eval_settings),
    .run = run_eval,
};

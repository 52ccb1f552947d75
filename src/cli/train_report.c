/* What a training tells: see train_report.h. */
#include "train_report.h"

#include "format.h"
#include "history.h"
#include "inspect_report.h"
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REDRAW_SECONDS 0.1

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* "after epoch 3" or "in epoch 4 after step 17 of 938" */
static const char *format_place(const cnn_progress *progress, char out[CNN_FORMAT_LENGTH])
{
    if (progress->step == progress->steps) {
        snprintf(out, CNN_FORMAT_LENGTH, "after epoch %d", progress->epoch);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "in epoch %d after step %d of %d", progress->epoch, progress->step,
                 progress->steps);
    }
    return out;
}

static void tell_data(const cnn_report *report, const cnn_report_start *start)
{
    char held_back[CNN_FORMAT_LENGTH + 32] = "";
    if (start->progress->validation_images > 0) {
        snprintf(held_back, sizeof held_back, ", %s held back to validate",
                 cnn_format_count(start->progress->validation_images, CNN_FORMAT_ROOM));
    }
    cnn_tell("data      %s: %s of %s in %d classes%s", report->data,
             cnn_format_things(cnn_dataset_count(start->dataset), "image", CNN_FORMAT_ROOM),
             cnn_format_shape(cnn_dataset_shape(start->dataset), CNN_FORMAT_ROOM),
             cnn_dataset_class_count(start->dataset), held_back);
    if (cnn_dataset_skipped(start->dataset) > 0) {
        cnn_tell("          %s passed over: not readable as pictures",
                 cnn_format_things(cnn_dataset_skipped(start->dataset), "file", CNN_FORMAT_ROOM));
    }
}

static void begin_text(const cnn_report *report, const cnn_report_start *start)
{
    const cnn_progress *progress = start->progress;
    char origin[64];
    if (start->resumed) {
        snprintf(origin, sizeof origin, "resumed %s", format_place(progress, CNN_FORMAT_ROOM));
    } else {
        snprintf(origin, sizeof origin, "seed %" PRIu64, start->seed);
    }
    cnn_tell("recipe    %s: %s, %s an image", report->recipe,
             cnn_format_things(start->model->parameters, "parameter", CNN_FORMAT_ROOM),
             cnn_format_things(start->model->multiply_adds, "multiply-add", CNN_FORMAT_ROOM));
    tell_data(report, start);
    cnn_tell("model     %s%s", report->paths->model,
             cnn_path_exists(report->paths->model) ? " (replaces the existing file at the end)" : "");
    cnn_tell("training  %s of %s, %s, %s", cnn_format_things(progress->epochs, "epoch", CNN_FORMAT_ROOM),
             cnn_format_things(progress->steps, "step", CNN_FORMAT_ROOM),
             cnn_format_things(start->threads, "thread", CNN_FORMAT_ROOM), origin);
}

static void begin_json(const cnn_report *report, const cnn_report_start *start)
{
    const cnn_progress *progress = start->progress;
    cnn_output_json(json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:I, s:i, s:i, s:i, s:b}", "event", "start",
                              "recipe", cnn_json_text(report->recipe), "data", cnn_json_text(report->data), "model",
                              cnn_json_text(report->paths->model), "training_images", progress->training_images,
                              "validation_images", progress->validation_images, "classes",
                              cnn_dataset_class_count(start->dataset), "parameters",
                              (json_int_t)start->model->parameters, "epochs", progress->epochs, "steps",
                              progress->steps, "threads", start->threads, "resumed", (int)start->resumed));
}

void cnn_report_begin(const cnn_report *report, const cnn_report_start *start)
{
    if (report->mode == CNN_REPORT_TEXT) {
        begin_text(report, start);
    } else if (report->mode == CNN_REPORT_JSON) {
        begin_json(report, start);
    }
}

/* The rest of this epoch at its pace, and those to come at the last whole one's. */
static double seconds_left(const cnn_report *report, const cnn_progress *progress)
{
    const double step = progress->seconds / progress->step;
    const double epoch = report->epoch_seconds > 0 ? report->epoch_seconds : step * progress->steps;
    return step * (progress->steps - progress->step) + epoch * (progress->epochs - progress->epoch);
}

static void draw_bar(const cnn_terminal *terminal, int cells, double share)
{
    const int filled = (int)(share * cells);
    fputs(cnn_terminal_style(terminal, CNN_STYLE_GREEN), terminal->stream);
    for (int i = 0; i < cells; i++) {
        if (i == filled) {
            fputs(cnn_terminal_style(terminal, CNN_STYLE_DIM), terminal->stream);
        }
        if (terminal->utf8) {
            fputs(i < filled || terminal->colours ? "━" : "─", terminal->stream);
        } else {
            fputs(i < filled ? "#" : ".", terminal->stream);
        }
    }
    fputs(cnn_terminal_style(terminal, CNN_STYLE_PLAIN), terminal->stream);
}

static int digits(int number)
{
    return snprintf(NULL, 0, "%d", number);
}

/* The bar's room depends on the terminal alone, so that it does not jump as the numbers change. */
static void draw_line(const cnn_report *report, const cnn_progress *progress)
{
    enum { LONGEST_BAR = 30, SHORTEST_BAR = 5, TAIL_COLUMNS = 61 };
    char head[64];
    char tail[256];
    const int head_columns =
        snprintf(head, sizeof head, "epoch %*d/%d", digits(progress->epochs), progress->epoch, progress->epochs);
    snprintf(tail, sizeof tail, " %3d%%  %7s images/s  loss %.4f  acc %6.2f%%  %s left",
             (int)(100.0 * progress->step / progress->steps),
             cnn_format_count((int64_t)cnn_history_rate(progress), CNN_FORMAT_ROOM), progress->loss,
             100 * progress->accuracy, cnn_format_clock(seconds_left(report, progress), CNN_FORMAT_ROOM));
    const int columns = cnn_terminal_columns(&report->terminal) - 1;
    const int cells = columns - head_columns - 1 - TAIL_COLUMNS;
    const bool barred = cells >= SHORTEST_BAR;
    FILE *stream = report->terminal.stream;
    fprintf(stream, "%.*s", columns, head);
    if (barred) {
        fputc(' ', stream);
        draw_bar(&report->terminal, cells < LONGEST_BAR ? cells : LONGEST_BAR,
                 (double)progress->step / progress->steps);
    }
    fprintf(stream, "%.*s", columns > head_columns ? columns - head_columns : 0, tail);
}

void cnn_report_step(cnn_report *report, const cnn_progress *progress)
{
    if (report->mode != CNN_REPORT_TEXT || !report->terminal.live || now() - report->drawn < REDRAW_SECONDS) {
        return;
    }
    cnn_terminal_erase(&report->terminal);
    draw_line(report, progress);
    fflush(report->terminal.stream);
    report->drawn = now();
}

static void epoch_text(const cnn_report *report, const cnn_progress *progress)
{
    char validation[96] = "";
    if (progress->validated) {
        snprintf(validation, sizeof validation, "  val loss %.4f  val accuracy %6.2f%%", progress->validation_loss,
                 100 * progress->validation_accuracy);
    }
    cnn_tell("%sepoch %*d/%d%s  loss %.4f  accuracy %6.2f%%%s  lr %-8.3g %8s images/s  %s",
             cnn_terminal_style(&report->terminal, CNN_STYLE_BOLD), digits(progress->epochs), progress->epoch,
             progress->epochs, cnn_terminal_style(&report->terminal, CNN_STYLE_PLAIN), progress->loss,
             100 * progress->accuracy, validation, progress->learning_rate,
             cnn_format_count((int64_t)cnn_history_rate(progress), CNN_FORMAT_ROOM),
             cnn_format_duration(progress->seconds, CNN_FORMAT_ROOM));
}

/* The table, if it is wanted, and each warning that a layer has not had before. */
static void inspection_text(cnn_report *report, const cnn_inspection *inspection)
{
    char line[CNN_INSPECT_LINE];
    for (int i = 0; report->inspect && i <= inspection->layer_count; i++) {
        cnn_tell("    %s", cnn_inspect_line(inspection, i, line));
    }
    if (!report->told) {
        report->told = calloc((size_t)inspection->layer_count + 1, sizeof *report->told);
    }
    const cnn_layer_inspection *layer = cnn_inspect_warning(inspection, 0);
    for (int rank = 0; report->told && layer; layer = cnn_inspect_warning(inspection, ++rank)) {
        unsigned *told = &report->told[layer - inspection->layers];
        if (!(*told >> layer->severity & 1)) {
            cnn_tell("note: %s", layer->warning);
        }
        *told |= 1u << layer->severity;
    }
}

static void epoch_json(const cnn_progress *progress, const cnn_inspection *inspection)
{
    json_t *object =
        json_pack("{s:s, s:i, s:i, s:o, s:o}", "event", "epoch", "epoch", progress->epoch, "epochs", progress->epochs,
                  "train_loss", cnn_json_number(progress->loss), "train_accuracy", cnn_json_number(progress->accuracy));
    if (progress->validated) {
        json_object_set_new(object, "val_loss", cnn_json_number(progress->validation_loss));
        json_object_set_new(object, "val_accuracy", cnn_json_number(progress->validation_accuracy));
    }
    json_object_set_new(object, "learning_rate", cnn_json_number(progress->learning_rate));
    json_object_set_new(object, "images_per_second", cnn_json_number(cnn_history_rate(progress)));
    json_object_set_new(object, "seconds", cnn_json_number(progress->seconds));
    if (inspection) {
        json_object_set_new(object, "inspection", cnn_inspect_json(inspection));
    }
    cnn_output_json(object);
}

void cnn_report_epoch(cnn_report *report, const cnn_trainer *trainer, const cnn_progress *progress)
{
    cnn_inspection inspection = {0};
    const bool inspected = cnn_trainer_inspection(trainer, progress->epoch, &inspection, NULL) == CNN_OK;
    report->epoch_seconds = progress->seconds;
    if (report->mode == CNN_REPORT_TEXT) {
        cnn_report_pause(report);
        epoch_text(report, progress);
        if (inspected) {
            inspection_text(report, &inspection);
        }
    } else if (report->mode == CNN_REPORT_JSON) {
        epoch_json(progress, inspected ? &inspection : NULL);
    }
    cnn_free(inspection.layers);
}

void cnn_report_clear(cnn_report *report)
{
    free(report->told);
    report->told = NULL;
}

/* What the images held back gave, in the words that a recipe has for it. */
static void tell_calibration(const cnn_model *model, const cnn_progress *progress)
{
    const char *temperature = cnn_model_metadata(model, "temperature");
    const char *familiarity = cnn_model_metadata(model, "familiarity");
    if (progress->validated && temperature) {
        cnn_tell("calibrated on the images held back: temperature=%s%s%s", temperature,
                 familiarity ? " familiarity=" : "", familiarity ? familiarity : "");
    }
}

static void done_text(const cnn_report *report, const cnn_model *model, const cnn_progress *progress, double seconds)
{
    cnn_output_text(report->paths->model);
    cnn_output_print(": %s in %s", cnn_format_things(progress->epochs, "epoch", CNN_FORMAT_ROOM),
                     cnn_format_duration(seconds, CNN_FORMAT_ROOM));
    if (progress->validated) {
        cnn_output_print(", validation accuracy %.2f%%", 100 * progress->validation_accuracy);
    } else {
        cnn_output_print(", training accuracy %.2f%%", 100 * progress->accuracy);
    }
    cnn_output_print(", loss %.4f\n", progress->validated ? progress->validation_loss : progress->loss);
    fflush(stdout);
    tell_calibration(model, progress);
    cnn_tell("history in %s", report->paths->history);
    fputs("next: cnn eval ", stderr);
    cnn_format_shell(stderr, report->paths->model);
    fputs(" --data ", stderr);
    cnn_format_shell(stderr, report->data);
    fputc('\n', stderr);
}

/* The entry as a number, where the model has it. */
static void add_number(json_t *object, const cnn_model *model, const char *key)
{
    const char *value = cnn_model_metadata(model, key);
    if (value) {
        json_object_set_new(object, key, cnn_json_number(strtod(value, NULL)));
    }
}

static void done_json(const cnn_report *report, const cnn_model *model, const cnn_progress *progress, double seconds)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:i, s:f}", "event", "done", "model", cnn_json_text(report->paths->model), "history",
                  cnn_json_text(report->paths->history), "epochs", progress->epochs, "seconds", seconds);
    add_number(object, model, "temperature");
    add_number(object, model, "familiarity");
    cnn_output_json(object);
}

void cnn_report_done(const cnn_report *report, const cnn_model *model, const cnn_progress *progress, double seconds)
{
    cnn_report_pause(report);
    if (report->mode == CNN_REPORT_TEXT) {
        done_text(report, model, progress, seconds);
    } else if (report->mode == CNN_REPORT_JSON) {
        done_json(report, model, progress, seconds);
    }
}

void cnn_report_stopped(const cnn_report *report, const cnn_progress *progress, const char *resume)
{
    cnn_report_pause(report);
    cnn_tell("stopped %s; to go on: %s", format_place(progress, CNN_FORMAT_ROOM), resume);
    if (report->mode == CNN_REPORT_JSON) {
        cnn_output_json(json_pack("{s:s, s:i, s:i, s:o, s:o}", "event", "stopped", "epoch", progress->epoch, "step",
                                  progress->step, "checkpoint", cnn_json_text(report->paths->checkpoint), "resume",
                                  cnn_json_text(resume)));
    }
}

void cnn_report_pause(const cnn_report *report)
{
    if (report->mode == CNN_REPORT_TEXT) {
        cnn_terminal_erase(&report->terminal);
    }
}

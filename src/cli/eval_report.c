/* An evaluation as text or JSON. The confusion matrix takes as many columns as fit a page; where there are too many
 * classes, the most frequent confusions are listed instead. */
#include "eval_report.h"

#include "format.h"
#include "output.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_COLUMNS = 110,
    NAME_COLUMNS = 16, /* the longest class name in front of a row */
    LONGEST_HEAD = 10, /* the longest class name above a column */
    LISTED_CONFUSIONS = 20
};

typedef struct class_figures {
    int images;    /* that are of the class */
    int predicted; /* as the class */
    int correct;
} class_figures;

static class_figures figures_of(const cnn_evaluation *evaluation, int class)
{
    const int classes = evaluation->class_count;
    class_figures figures = {.correct = evaluation->confusion[class * classes + class]};
    for (int other = 0; other < classes; other++) {
        figures.images += evaluation->confusion[class * classes + other];
        figures.predicted += evaluation->confusion[other * classes + class];
    }
    return figures;
}

/* ----------------------------------------------------------------------------------------------- class table */

static int name_columns(const cnn_eval_report *report)
{
    int columns = (int)strlen("class");
    for (int class = 0; class < report->evaluation->class_count; class ++) {
        const int width = cnn_format_width(cnn_model_class_name(report->model, class));
        columns = width > columns ? width : columns;
    }
    return columns < NAME_COLUMNS ? columns : NAME_COLUMNS;
}

static void print_share(int part, int whole)
{
    if (whole > 0) {
        cnn_output_print("  %8.2f%%", 100.0 * part / whole);
    } else {
        cnn_output_print("  %9s", "-");
    }
}

static void print_classes(const cnn_eval_report *report)
{
    const int columns = name_columns(report);
    cnn_output_print("\n%-*s  %9s  %9s  %9s\n", columns, "class", "precision", "recall", "images");
    for (int class = 0; class < report->evaluation->class_count; class ++) {
        const class_figures figures = figures_of(report->evaluation, class);
        cnn_output_cell(cnn_model_class_name(report->model, class), columns);
        print_share(figures.correct, figures.predicted);
        print_share(figures.correct, figures.images);
        cnn_output_print("  %9s\n", cnn_format_count(figures.images, CNN_FORMAT_ROOM));
    }
}

/* ------------------------------------------------------------------------------------------- confusion matrix */

/* Whether the first `columns` columns of the names tell all classes apart. */
static bool distinct(const cnn_model *model, int classes, int columns)
{
    for (int a = 0; a < classes; a++) {
        const char *name = cnn_model_class_name(model, a);
        const size_t length = cnn_format_prefix(name, columns);
        for (int b = a + 1; b < classes; b++) {
            const char *other = cnn_model_class_name(model, b);
            if (cnn_format_prefix(other, columns) == length && memcmp(name, other, length) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Columns of one cell, without the gap before it: as wide as the page and the longest name allow, and no narrower than
 * the largest count; 0 where that does not fit. */
static int cell_columns(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    const int classes = evaluation->class_count;
    int largest = 0;
    for (int i = 0; i < classes * classes; i++) {
        largest = evaluation->confusion[i] > largest ? evaluation->confusion[i] : largest;
    }
    int longest = snprintf(NULL, 0, "%d", largest);
    const int least = longest > 3 ? longest : 3;
    for (int class = 0; class < classes; class ++) {
        const int width = cnn_format_width(cnn_model_class_name(report->model, class));
        longest = width > longest ? width : longest;
    }
    longest = longest < LONGEST_HEAD ? longest : LONGEST_HEAD;
    const int room = (PAGE_COLUMNS - name_columns(report)) / classes - 1;
    const int cell = room < longest ? room : longest;
    if (room < least) {
        return 0;
    }
    return cell > least ? cell : least;
}

static void print_head(const cnn_eval_report *report, int cell)
{
    const int classes = report->evaluation->class_count;
    const bool by_name = distinct(report->model, classes, cell);
    cnn_output_print("\nconfusion matrix: a row is what images are, a column what they were taken for%s\n",
                     by_name ? "" : " (by its row's number)");
    cnn_output_print("%*s", name_columns(report), "");
    for (int class = 0; class < classes; class ++) {
        const char *name = cnn_model_class_name(report->model, class);
        const int width = cnn_format_width(name);
        if (by_name) {
            cnn_output_print(" %*s", width < cell ? cell - width : 0, "");
            cnn_output_cell(name, width < cell ? width : cell);
        } else {
            cnn_output_print(" %*d", cell, class + 1);
        }
    }
    cnn_output_print("\n");
}

static void print_matrix(const cnn_eval_report *report, int cell)
{
    const cnn_evaluation *evaluation = report->evaluation;
    const int classes = evaluation->class_count;
    const cnn_terminal terminal = cnn_terminal_probe(stdout);
    print_head(report, cell);
    for (int actual = 0; actual < classes; actual++) {
        cnn_output_cell(cnn_model_class_name(report->model, actual), name_columns(report));
        for (int predicted = 0; predicted < classes; predicted++) {
            const int count = evaluation->confusion[actual * classes + predicted];
            const cnn_style style = actual == predicted ? CNN_STYLE_GREEN : CNN_STYLE_PLAIN;
            if (count == 0) {
                cnn_output_print(" %*s", cell, ".");
            } else {
                cnn_output_print(" %s%*d%s", cnn_terminal_style(&terminal, style), cell, count,
                                 cnn_terminal_style(&terminal, CNN_STYLE_PLAIN));
            }
        }
        cnn_output_print("\n");
    }
}

/* ----------------------------------------------------------------------------------------- list of confusions */

/* The most frequent confusion that comes after `count` images at place `place`, in falling order; its place, or -1. */
static int next_confusion(const cnn_evaluation *evaluation, int count, int place)
{
    const int classes = evaluation->class_count;
    int best = -1;
    for (int i = 0; i < classes * classes; i++) {
        const int here = evaluation->confusion[i];
        const bool later = here < count || (here == count && i > place);
        if (here > 0 && i / classes != i % classes && later && (best < 0 || here > evaluation->confusion[best])) {
            best = i;
        }
    }
    return best;
}

static void print_confusions(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    const int classes = evaluation->class_count;
    cnn_output_print("\nmost frequent confusions of %d classes (--json has the whole matrix)\n", classes);
    int place = -1;
    int count = evaluation->count + 1;
    for (int listed = 0; listed < LISTED_CONFUSIONS; listed++) {
        place = next_confusion(evaluation, count, place);
        if (place < 0) {
            break;
        }
        count = evaluation->confusion[place];
        cnn_output_print("%9s  ", cnn_format_count(count, CNN_FORMAT_ROOM));
        cnn_output_text(cnn_model_class_name(report->model, place / classes));
        cnn_output_print(" taken for ");
        cnn_output_text(cnn_model_class_name(report->model, place % classes));
        cnn_output_print("\n");
    }
}

/* A line for each model of an ensemble. */
static void print_models(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    for (int m = 0; m < evaluation->model_count && evaluation->model_count > 1; m++) {
        cnn_output_print("%s  %.2f%%  ", m == 0 ? "alone   " : "        ",
                         100.0 * evaluation->model_correct[m] / evaluation->count);
        cnn_output_text(report->model_paths[m]);
        cnn_output_print("\n");
    }
}

void cnn_eval_report_text(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    cnn_output_print("accuracy  %.2f%%  (%s of %s images; 95%% interval %.2f%% to %.2f%%)\n",
                     100 * evaluation->accuracy, cnn_format_count(evaluation->correct, CNN_FORMAT_ROOM),
                     cnn_format_count(evaluation->count, CNN_FORMAT_ROOM), 100 * evaluation->interval_low,
                     100 * evaluation->interval_high);
    cnn_output_print("loss      %.4f\n", evaluation->loss);
    cnn_output_print("ece       %.2f%%  (expected calibration error: how far probabilities are from what is right)\n",
                     100 * evaluation->calibration_error);
    if (evaluation->unfamiliar >= 0) {
        cnn_output_print("unlike    %.2f%%  (%s unlike the training images)\n",
                         100.0 * evaluation->unfamiliar / evaluation->count,
                         cnn_format_things(evaluation->unfamiliar, "image", CNN_FORMAT_ROOM));
    }
    print_models(report);
    print_classes(report);
    const int cell = cell_columns(report);
    if (cell > 0) {
        print_matrix(report, cell);
    } else {
        print_confusions(report);
    }
}

/* ------------------------------------------------------------------------------------------------------- JSON */

static json_t *share_json(int part, int whole)
{
    return whole > 0 ? json_real((double)part / whole) : json_null();
}

/* What was evaluated: "model" is one model's path, "models" are the paths and figures of several. */
static json_t *subject_json(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    json_t *subject = json_object();
    if (evaluation->model_count == 1) {
        json_object_set_new(subject, "model", cnn_json_text(report->model_paths[0]));
        return subject;
    }
    json_t *models = json_array();
    for (int m = 0; m < evaluation->model_count; m++) {
        const int correct = evaluation->model_correct[m];
        json_array_append_new(models,
                              json_pack("{s:o, s:i, s:o}", "model", cnn_json_text(report->model_paths[m]), "correct",
                                        correct, "accuracy", share_json(correct, evaluation->count)));
    }
    json_object_set_new(subject, "models", models);
    return subject;
}

void cnn_eval_report_json(const cnn_eval_report *report)
{
    const cnn_evaluation *evaluation = report->evaluation;
    json_t *object = subject_json(report);
    json_t *classes = json_array();
    json_t *confusion = json_array();
    for (int class = 0; class < evaluation->class_count; class ++) {
        const class_figures figures = figures_of(evaluation, class);
        json_t *row = json_array();
        for (int other = 0; other < evaluation->class_count; other++) {
            json_array_append_new(row, json_integer(evaluation->confusion[class * evaluation->class_count + other]));
        }
        json_array_append_new(confusion, row);
        json_array_append_new(classes,
                              json_pack("{s:o, s:i, s:o, s:o}", "name",
                                        cnn_json_text(cnn_model_class_name(report->model, class)), "images",
                                        figures.images, "precision", share_json(figures.correct, figures.predicted),
                                        "recall", share_json(figures.correct, figures.images)));
    }
    json_t *figures = json_pack(
        "{s:o, s:s, s:i, s:i, s:o, s:[o,o], s:o, s:o, s:o, s:o}", "data", cnn_json_text(report->data_spec), "tta",
        report->tta, "images", evaluation->count, "correct", evaluation->correct, "accuracy",
        cnn_json_number(evaluation->accuracy), "interval", cnn_json_number(evaluation->interval_low),
        cnn_json_number(evaluation->interval_high), "loss", cnn_json_number(evaluation->loss), "calibration_error",
        cnn_json_number(evaluation->calibration_error), "classes", classes, "confusion", confusion);
    if (evaluation->unfamiliar >= 0) {
        json_object_set_new(figures, "unfamiliar", json_integer(evaluation->unfamiliar));
    }
    json_object_update(object, figures);
    json_decref(figures);
    cnn_output_json(object);
}

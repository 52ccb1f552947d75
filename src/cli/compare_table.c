/* The table of `cnn compare`: see compare_table.h. A column is one number of a run; its mean and deviation over the
 * seeds leave out runs that have no such number, as those that diverged. */
#include "compare_table.h"

#include "output.h"

#include <math.h>
#include <string.h>

typedef struct summary {
    double mean, deviation; /* NaN where there are no numbers; the deviation of a sample */
    int count;              /* of numbers */
} summary;

/* --------------------------------------------------------------------------------------------------- the numbers */

/** The run's last epoch, NULL where it diverged. */
static const cnn_run_epoch *last_epoch(const cnn_run *run)
{
    return run->diverged || run->epoch_count == 0 ? NULL : &run->epochs[run->epoch_count - 1];
}

#define LAST_EPOCH_COLUMN(field)                                                                                       \
    static double last_##field(const cnn_run *run, double reach)                                                       \
    {                                                                                                                  \
        (void)reach;                                                                                                   \
        const cnn_run_epoch *epoch = last_epoch(run);                                                                  \
        return epoch ? epoch->field : NAN;                                                                             \
    }
LAST_EPOCH_COLUMN(loss)
LAST_EPOCH_COLUMN(error)
LAST_EPOCH_COLUMN(val_loss)
LAST_EPOCH_COLUMN(val_error)
LAST_EPOCH_COLUMN(dead)
LAST_EPOCH_COLUMN(zeros)

#define TEST_COLUMN(name, field, tta)                                                                                  \
    static double name(const cnn_run *run, double reach)                                                               \
    {                                                                                                                  \
        (void)reach;                                                                                                   \
        return run->tests[tta].known ? run->tests[tta].field : NAN;                                                    \
    }
TEST_COLUMN(test_accuracy, accuracy, CNN_TTA_NONE)
TEST_COLUMN(test_loss, loss, CNN_TTA_NONE)
TEST_COLUMN(test_calibration, calibration_error, CNN_TTA_NONE)
TEST_COLUMN(flip_accuracy, accuracy, CNN_TTA_FLIP)
TEST_COLUMN(flip_loss, loss, CNN_TTA_FLIP)
TEST_COLUMN(flip_shift_accuracy, accuracy, CNN_TTA_FLIP_SHIFT)
TEST_COLUMN(flip_shift_loss, loss, CNN_TTA_FLIP_SHIFT)

static double total_seconds(const cnn_run *run, double reach)
{
    (void)reach;
    double seconds = 0;
    for (int i = 0; i < run->epoch_count; i++) {
        seconds += run->epochs[i].seconds;
    }
    return run->diverged ? NAN : seconds;
}

/** Where the training error first falls to `reach`, on straight lines between the epochs: how far into which epoch. */
static bool find_reached(const cnn_run *run, double reach, int *epoch, double *share)
{
    for (int i = 0; i < run->epoch_count; i++) {
        if (run->epochs[i].error <= reach) {
            const double before = i > 0 ? run->epochs[i - 1].error : run->epochs[i].error;
            *epoch = i;
            *share = before > reach ? (before - reach) / (before - run->epochs[i].error) : 1;
            return true;
        }
    }
    return false;
}

static double epochs_to_reach(const cnn_run *run, double reach)
{
    int epoch;
    double share;
    return find_reached(run, reach, &epoch, &share) ? epoch + share : NAN;
}

static double seconds_to_reach(const cnn_run *run, double reach)
{
    int epoch;
    double share, seconds = 0;
    if (!find_reached(run, reach, &epoch, &share)) {
        return NAN;
    }
    for (int i = 0; i < epoch; i++) {
        seconds += run->epochs[i].seconds;
    }
    return seconds + share * run->epochs[epoch].seconds;
}

typedef enum kind {
    PLAIN,
    COUNTED, /* says how many seeds its mean is over */
    REACHING /* is there only where a training error to reach is named */
} kind;

/** A column: its name for programs and for people, who read shares as percent. */
typedef struct measure {
    const char *name, *title;
    double (*number)(const cnn_run *run, double reach);
    double factor;
    int decimals;
    kind kind;
} measure;

static const measure columns[] = {
    {"train_loss", "training loss", last_loss, 1, 4, PLAIN},
    {"train_error", "training error, %", last_error, 100, 2, PLAIN},
    {"val_loss", "validation loss", last_val_loss, 1, 4, PLAIN},
    {"val_error", "validation error, %", last_val_error, 100, 2, PLAIN},
    {"test_accuracy", "test accuracy, %", test_accuracy, 100, 2, COUNTED},
    {"test_loss", "test loss", test_loss, 1, 4, PLAIN},
    {"test_calibration_error", "calibration error, %", test_calibration, 100, 2, PLAIN},
    {"test_accuracy_flip", "test accuracy with flip, %", flip_accuracy, 100, 2, COUNTED},
    {"test_loss_flip", "test loss with flip", flip_loss, 1, 4, PLAIN},
    {"test_accuracy_flip_shift", "test accuracy with flip+shift, %", flip_shift_accuracy, 100, 2, COUNTED},
    {"test_loss_flip_shift", "test loss with flip+shift", flip_shift_loss, 1, 4, PLAIN},
    {"dead", "dead units, %", last_dead, 100, 1, PLAIN},
    {"zeros", "zeros, %", last_zeros, 100, 1, PLAIN},
    {"epochs_to_reach", "epochs", epochs_to_reach, 1, 2, REACHING},
    {"seconds_to_reach", "seconds", seconds_to_reach, 1, 1, REACHING},
    {"seconds", "seconds in all", total_seconds, 1, 1, PLAIN},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static summary summarize(const cnn_comparison *comparison, int combination, const measure *column)
{
    const cnn_run *runs = comparison->runs + (size_t)combination * (size_t)comparison->seeds;
    double sum = 0, squares = 0;
    summary result = {NAN, NAN, 0};
    for (int i = 0; i < comparison->seeds; i++) {
        const double number = column->number(&runs[i], comparison->reach);
        sum += isnan(number) ? 0 : number;
        result.count += !isnan(number);
    }
    if (result.count > 0) {
        result.mean = sum / result.count;
    }
    for (int i = 0; i < comparison->seeds; i++) {
        const double distance = column->number(&runs[i], comparison->reach) - result.mean;
        squares += isnan(distance) ? 0 : distance * distance;
    }
    if (result.count > 1) {
        result.deviation = sqrt(squares / (result.count - 1));
    }
    return result;
}

static int count_diverged(const cnn_comparison *comparison, int combination)
{
    int count = 0;
    for (int i = 0; i < comparison->seeds; i++) {
        count += comparison->runs[(size_t)combination * (size_t)comparison->seeds + (size_t)i].diverged;
    }
    return count;
}

/** Whether the column is of this comparison, and has a number anywhere. */
static bool is_shown(const cnn_comparison *comparison, const measure *column)
{
    bool found = false;
    for (int i = 0; i < comparison->grid->count && !found; i++) {
        found = summarize(comparison, i, column).count > 0;
    }
    return column->kind == REACHING ? comparison->reach > 0 : found;
}

static const cnn_run *first_run(const cnn_comparison *comparison, int combination)
{
    return &comparison->runs[(size_t)combination * (size_t)comparison->seeds];
}

/* ------------------------------------------------------------------------------------------------------ Markdown */

static void print_number(FILE *stream, const cnn_comparison *comparison, const measure *column, summary found)
{
    if (found.count == 0) {
        fputs(" - |", stream);
        return;
    }
    fprintf(stream, " %.*f", column->decimals, found.mean * column->factor);
    if (found.count > 1) {
        fprintf(stream, " ± %.*f", column->decimals, found.deviation * column->factor);
    }
    if (column->kind != PLAIN && found.count < comparison->seeds) {
        fprintf(stream, " (%d of %d)", found.count, comparison->seeds);
    } else if (column->kind == COUNTED && found.count > 1) {
        fprintf(stream, " (%d seeds)", found.count);
    }
    fputs(" |", stream);
}

static void print_title(FILE *stream, const cnn_comparison *comparison, const measure *column)
{
    fprintf(stream, " %s", column->title);
    if (column->kind == REACHING) {
        fprintf(stream, " to %g%%", 100 * comparison->reach);
    }
    fputs(" |", stream);
}

/** A cell in which no control character ends the line, and no bar the cell. */
static void print_cell(FILE *stream, const char *text, int length)
{
    fputs(" ", stream);
    for (int i = 0; i < length; i++) {
        const bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        fprintf(stream, "%s%c", text[i] == '|' ? "\\" : "", control ? '?' : text[i]);
    }
    fputs(" |", stream);
}

/** `shown` [COLUMNS] says which columns the table has. */
static void print_row(FILE *stream, const cnn_comparison *comparison, int combination, const bool *shown)
{
    const cnn_grid *grid = comparison->grid;
    const cnn_run *run = first_run(comparison, combination);
    int length;
    const char *name = cnn_grid_recipe_name(grid, combination, &length);
    fputs("|", stream);
    print_cell(stream, name, length);
    for (int i = 0; i < grid->vary_count; i++) {
        const char *value = cnn_grid_value(grid, combination, i);
        print_cell(stream, value, (int)strlen(value));
    }
    for (size_t k = 0; k < COLUMNS; k++) {
        if (shown[k]) {
            print_number(stream, comparison, &columns[k], summarize(comparison, combination, &columns[k]));
        }
    }
    fprintf(stream, " %d of %d | %lld | %lld |\n", count_diverged(comparison, combination), comparison->seeds,
            (long long)run->parameters, (long long)run->multiply_adds);
}

void cnn_comparison_markdown(const cnn_comparison *comparison, FILE *stream)
{
    const cnn_grid *grid = comparison->grid;
    int count = 4 + grid->vary_count;
    bool shown[COLUMNS];
    fputs("| recipe |", stream);
    for (int i = 0; i < grid->vary_count; i++) {
        fprintf(stream, " %s |", grid->varies[i].key);
    }
    for (size_t k = 0; k < COLUMNS; k++) {
        shown[k] = is_shown(comparison, &columns[k]);
        if (shown[k]) {
            print_title(stream, comparison, &columns[k]);
            count++;
        }
    }
    fputs(" diverged | parameters | multiply-adds |\n|", stream);
    for (int i = 0; i < count; i++) {
        fputs("---|", stream);
    }
    fputs("\n", stream);
    for (int i = 0; i < grid->count; i++) {
        print_row(stream, comparison, i, shown);
    }
}

/* ----------------------------------------------------------------------------------------------------------- CSV */

/** One field, quoted where it must be (RFC 4180). */
static void print_field(FILE *stream, const char *text, int length)
{
    const bool plain = strcspn(text, ",\"\r\n") >= (size_t)length;
    fputs(plain ? "" : "\"", stream);
    for (int i = 0; i < length; i++) {
        fprintf(stream, "%s%c", text[i] == '"' ? "\"" : "", text[i]);
    }
    fputs(plain ? "," : "\",", stream);
}

static void print_csv_number(FILE *stream, double number, const char *end)
{
    if (isfinite(number)) {
        fprintf(stream, "%.7g", number);
    }
    fputs(end, stream);
}

void cnn_comparison_csv(const cnn_comparison *comparison, FILE *stream)
{
    const cnn_grid *grid = comparison->grid;
    fputs("recipe,", stream);
    for (int i = 0; i < grid->vary_count; i++) {
        print_field(stream, grid->varies[i].key, (int)strlen(grid->varies[i].key));
    }
    for (size_t k = 0; k < COLUMNS; k++) {
        fprintf(stream, "%s_mean,%s_deviation,%s_count,", columns[k].name, columns[k].name, columns[k].name);
    }
    fputs("seeds,diverged,parameters,multiply_adds\n", stream);
    for (int c = 0; c < grid->count; c++) {
        int length;
        const char *name = cnn_grid_recipe_name(grid, c, &length);
        print_field(stream, name, length);
        for (int i = 0; i < grid->vary_count; i++) {
            print_field(stream, cnn_grid_value(grid, c, i), (int)strlen(cnn_grid_value(grid, c, i)));
        }
        for (size_t k = 0; k < COLUMNS; k++) {
            const summary found = summarize(comparison, c, &columns[k]);
            print_csv_number(stream, found.mean, ",");
            print_csv_number(stream, found.deviation, ",");
            fprintf(stream, "%d,", found.count);
        }
        const cnn_run *run = first_run(comparison, c);
        fprintf(stream, "%d,%d,%lld,%lld\n", comparison->seeds, count_diverged(comparison, c),
                (long long)run->parameters, (long long)run->multiply_adds);
    }
}

/* ---------------------------------------------------------------------------------------------------------- JSON */

/** The names of the models' files in runs/, seed by seed; null where none was kept. */
static json_t *models_json(const cnn_comparison *comparison, int combination)
{
    const cnn_run *runs = first_run(comparison, combination);
    json_t *models = json_array();
    for (int i = 0; i < comparison->seeds; i++) {
        json_array_append_new(models, runs[i].model ? cnn_json_text(runs[i].model) : json_null());
    }
    return models;
}

static json_t *combination_json(const cnn_comparison *comparison, int combination)
{
    const cnn_grid *grid = comparison->grid;
    const cnn_run *run = first_run(comparison, combination);
    json_t *settings = json_object();
    for (int i = 0; i < grid->vary_count; i++) {
        json_object_set_new(settings, grid->varies[i].key, cnn_json_text(cnn_grid_value(grid, combination, i)));
    }
    json_t *object =
        json_pack("{s:o, s:o, s:i, s:i, s:I, s:I}", "recipe", cnn_json_text(cnn_grid_recipe(grid, combination)),
                  "settings", settings, "seeds", comparison->seeds, "diverged", count_diverged(comparison, combination),
                  "parameters", (json_int_t)run->parameters, "multiply_adds", (json_int_t)run->multiply_adds);
    json_object_set_new(object, "models", models_json(comparison, combination));
    for (size_t k = 0; object && k < COLUMNS; k++) {
        const summary found = summarize(comparison, combination, &columns[k]);
        json_object_set_new(object, columns[k].name,
                            json_pack("{s:o, s:o, s:i}", "mean", cnn_json_number(found.mean), "deviation",
                                      cnn_json_number(found.deviation), "count", found.count));
    }
    return object;
}

json_t *cnn_comparison_json(const cnn_comparison *comparison)
{
    json_t *combinations = json_array();
    for (int i = 0; i < comparison->grid->count; i++) {
        json_array_append_new(combinations, combination_json(comparison, i));
    }
    return json_pack("{s:o, s:o, s:o}", "data", cnn_json_text(comparison->data_spec), "reach",
                     comparison->reach > 0 ? cnn_json_number(comparison->reach) : json_null(), "combinations",
                     combinations);
}

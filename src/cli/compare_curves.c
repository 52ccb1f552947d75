/* The learning curves of `cnn compare`: see compare_table.h. */
#include "compare_table.h"
#include "output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** One number of an epoch. */
typedef double epoch_number(const cnn_run_epoch *epoch);

static double train_error(const cnn_run_epoch *epoch)
{
    return 100 * epoch->error;
}

static double val_error(const cnn_run_epoch *epoch)
{
    return 100 * epoch->val_error;
}

/** The mean over the seeds that have epoch `index`; NaN where none has. */
static double mean_at(const cnn_comparison *comparison, int combination, int index, epoch_number *number)
{
    double sum = 0;
    int count = 0;
    for (int s = 0; s < comparison->seeds; s++) {
        const cnn_run *run = &comparison->runs[(size_t)combination * (size_t)comparison->seeds + (size_t)s];
        if (index < run->epoch_count && !isnan(number(&run->epochs[index]))) {
            sum += number(&run->epochs[index]);
            count++;
        }
    }
    return count > 0 ? sum / count : NAN;
}

static int most_epochs(const cnn_comparison *comparison)
{
    int most = 0;
    for (int i = 0; i < comparison->grid->count * comparison->seeds; i++) {
        most = comparison->runs[i].epoch_count > most ? comparison->runs[i].epoch_count : most;
    }
    return most;
}

/** What a chart can hold: cnn.h. */
#define MOST_CURVES 200

/** A chart whose arrays are owned. */
typedef struct drawing {
    cnn_curve *curves;
    char **names;
    double *x, *y; /* [epochs], [combinations][epochs] */
    int count, epochs;
    bool any; /* there is something to draw */
} drawing;

static void free_drawing(drawing *d)
{
    for (int i = 0; d->names && i < d->count; i++) {
        free(d->names[i]);
    }
    free(d->names);
    free(d->curves);
    free(d->x);
    free(d->y);
}

static bool make_drawing(drawing *d, const cnn_comparison *comparison, epoch_number *number)
{
    d->count = comparison->grid->count < MOST_CURVES ? comparison->grid->count : MOST_CURVES;
    d->epochs = most_epochs(comparison);
    d->curves = calloc((size_t)d->count + 1, sizeof *d->curves);
    d->names = calloc((size_t)d->count + 1, sizeof *d->names);
    d->x = calloc((size_t)d->epochs + 1, sizeof *d->x);
    d->y = calloc((size_t)d->count * (size_t)d->epochs + 1, sizeof *d->y);
    if (!d->curves || !d->names || !d->x || !d->y) {
        return false;
    }
    for (int c = 0; c < d->count; c++) {
        double *y = d->y + (size_t)c * (size_t)d->epochs;
        d->names[c] = cnn_grid_label(comparison->grid, c);
        if (!d->names[c]) {
            return false;
        }
        for (int i = 0; i < d->epochs; i++) {
            d->x[i] = i + 1;
            y[i] = mean_at(comparison, c, i, number);
            d->any = d->any || !isnan(y[i]);
        }
        d->curves[c] = (cnn_curve){.name = d->names[c], .x = d->x, .y = y, .count = d->epochs};
    }
    return true;
}

/** FOLDER/NAME.svg and FOLDER/NAME.png; without a chart there must be none, not even an earlier comparison's. */
static bool write_chart(const cnn_chart *chart, const char *folder, const char *name)
{
    static const char *const endings[] = {".svg", ".png"};
    const size_t size = strlen(folder) + strlen(name) + 8;
    char *path = malloc(size);
    cnn_status status = path ? CNN_OK : CNN_MEMORY;
    cnn_error error = {CNN_MEMORY, "out of memory"};
    for (size_t i = 0; i < 2 && status == CNN_OK; i++) {
        snprintf(path, size, "%s/%s%s", folder, name, endings[i]);
        if (chart) {
            status = cnn_chart_write(chart, path, &error);
        } else {
            remove(path);
        }
    }
    free(path);
    return status == CNN_OK || cnn_complain_error(&error) == CNN_EXIT_DONE;
}

static bool draw(const cnn_comparison *comparison, const char *folder, const char *name, const char *what,
                 epoch_number *number)
{
    drawing d = {0};
    bool drawn = make_drawing(&d, comparison, number);
    if (drawn) {
        char title[80];
        const int length = snprintf(title, sizeof title, "%s", what);
        if (d.count < comparison->grid->count) {
            snprintf(title + length, sizeof title - (size_t)length, " of the first %d combinations", d.count);
        }
        const cnn_chart chart = {
            .title = title, .x_label = "epoch", .y_label = "error, %", .curves = d.curves, .curve_count = d.count};
        drawn = write_chart(d.any ? &chart : NULL, folder, name);
    } else {
        cnn_complain_memory();
    }
    free_drawing(&d);
    return drawn;
}

bool cnn_comparison_draw(const cnn_comparison *comparison, const char *folder)
{
    return draw(comparison, folder, "train-error", "Training error", train_error) &&
           draw(comparison, folder, "val-error", "Validation error", val_error);
}

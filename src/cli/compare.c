/* cnn compare: trains every combination of recipes and settings from several seeds, and sets them beside each other in
 * one table and in learning curves. What has been trained is kept, so that the same command goes on after a stop. */
#include "command.h"
#include "compare_data.h"
#include "compare_table.h"
#include "format.h"
#include "open.h"
#include "output.h"
#include "paths.h"
#include "stop.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_settings {
    const char *data, *out, *tta;
    int epochs, threads, seeds, reach;
    cnn_args_list set, vary;
    bool test, json, quiet;
} compare_settings;

/** One run of the command. */
typedef struct comparing {
    const compare_settings *settings;
    cnn_grid grid;
    cnn_comparison comparison;
    char *folder; /* of the runs */
    cnn_compare_data data;
    cnn_tta tta;
    int done; /* runs */
} comparing;

/* ------------------------------------------------------------------------------------------------- preparation */

static cnn_exit check_classes(const comparing *c, int combination, const cnn_model *model)
{
    const int units = cnn_model_class_count(model), classes = cnn_dataset_class_count(c->data.train);
    if (units == classes) {
        return CNN_EXIT_DONE;
    }
    char *label = cnn_grid_label(&c->grid, combination);
    cnn_complain("%s: the network ends in %d units, the data set has %d classes", label ? label : "", units, classes);
    free(label);
    return CNN_EXIT_FAILED;
}

/* Plans every combination, so that what does not fit fails before anything is trained or written. */
static cnn_exit check_recipes(comparing *c)
{
    cnn_exit code = CNN_EXIT_DONE;
    for (int i = 0; i < c->grid.count && code == CNN_EXIT_DONE; i++) {
        cnn_recipe *recipe;
        cnn_error error;
        code = cnn_grid_load(&c->grid, i, &recipe);
        if (code != CNN_EXIT_DONE) {
            break;
        }
        cnn_model *model = cnn_model_new(recipe, 1, &error);
        code = model ? cnn_compare_data_open(&c->data, recipe) : cnn_complain_error(&error);
        code = code == CNN_EXIT_DONE ? check_classes(c, i, model) : code;
        cnn_model_free(model);
        cnn_recipe_free(recipe);
    }
    return code;
}

/* OUT/NAME, to be freed; tells when memory is out. */
static char *path_in_out(const comparing *c, const char *name)
{
    const size_t size = strlen(c->settings->out) + strlen(name) + 2;
    char *path = malloc(size);
    if (path) {
        snprintf(path, size, "%s/%s", c->settings->out, name);
    } else {
        cnn_complain_memory();
    }
    return path;
}

/* The folders, and whether the results could be written there after all the training. */
static cnn_exit prepare_folders(comparing *c)
{
    char *results = path_in_out(c, "results.csv");
    c->folder = path_in_out(c, "runs");
    const bool ready = results && c->folder && cnn_path_make_folder(c->folder) && cnn_path_check_writable(results);
    free(results);
    return ready ? CNN_EXIT_DONE : CNN_EXIT_FAILED;
}

static cnn_exit prepare(comparing *c)
{
    cnn_error error;
    c->comparison.runs = calloc((size_t)c->grid.count * (size_t)c->comparison.seeds, sizeof *c->comparison.runs);
    if (!c->comparison.runs) {
        return cnn_complain_memory();
    }
    cnn_exit code = check_recipes(c);
    code = code == CNN_EXIT_DONE ? prepare_folders(c) : code;
    if (code != CNN_EXIT_DONE) {
        return code;
    }
    cnn_stop_watch();
    return cnn_blas_single_thread(&error) == CNN_OK ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

/* ---------------------------------------------------------------------------------------------------- training */

static void print_tests(FILE *stream, const comparing *c, const cnn_run *run)
{
    const cnn_run_test *plain = &run->tests[CNN_TTA_NONE], *augmented = &run->tests[c->tta];
    if (plain->known) {
        fprintf(stream, ", test accuracy %.2f%%", 100 * plain->accuracy);
    }
    if (augmented->known && augmented != plain) {
        fprintf(stream, ", with %s %.2f%%", c->settings->tta, 100 * augmented->accuracy);
    }
    if (run->model) {
        fprintf(stream, ", model %s/%s", c->folder, run->model);
    }
}

/* ", training error 1.20%, ..."; to be freed by free(), NULL when memory is out. */
static char *figures_text(const comparing *c, const cnn_run *run)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        return NULL;
    }
    if (run->epoch_count > 0) {
        const cnn_run_epoch *last = &run->epochs[run->epoch_count - 1];
        fprintf(stream, ", training error %.2f%%", 100 * last->error);
        if (!isnan(last->val_error)) {
            fprintf(stream, ", validation error %.2f%%", 100 * last->val_error);
        }
    }
    print_tests(stream, c, run);
    return cnn_text_finish(stream, &text);
}

static void tell_run(const comparing *c, int combination, uint64_t seed, const cnn_run *run, bool found)
{
    char *label = cnn_grid_label(&c->grid, combination), *figures = figures_text(c, run);
    const int total = c->grid.count * c->comparison.seeds;
    double seconds = 0;
    for (int i = 0; i < run->epoch_count; i++) {
        seconds += run->epochs[i].seconds;
    }
    cnn_tell("%d/%d %s seed=%d: %s in %s%s%s%s", c->done, total, label ? label : "", (int)seed,
             cnn_format_things(run->epoch_count, "epoch", CNN_FORMAT_ROOM),
             cnn_format_duration(seconds, CNN_FORMAT_ROOM), figures ? figures : "", run->diverged ? ", diverged" : "",
             found ? " (trained before)" : "");
    free(label);
    free(figures);
}

static cnn_exit train_one(comparing *c, int combination, int seed, const cnn_recipe *recipe)
{
    const cnn_run_order order = {.recipe = recipe,
                                 .data_spec = c->settings->data,
                                 .data = c->data.train,
                                 .test_data = c->data.test,
                                 .tta = c->tta,
                                 .folder = c->folder,
                                 .seed = (uint64_t)seed + 1,
                                 .threads = c->settings->threads};
    cnn_run *run = &c->comparison.runs[(size_t)combination * (size_t)c->comparison.seeds + (size_t)seed];
    bool found;
    const cnn_exit code = cnn_run_get(&order, run, &found);
    if (code == CNN_EXIT_DONE) {
        c->done++;
        if (!c->settings->quiet) {
            tell_run(c, combination, order.seed, run, found);
        }
    } else if (cnn_stop_requested()) {
        cnn_tell("stopped after %d of %d runs; the same command goes on", c->done, c->grid.count * c->comparison.seeds);
    }
    return code;
}

static cnn_exit train_all(comparing *c)
{
    cnn_exit code = CNN_EXIT_DONE;
    for (int i = 0; i < c->grid.count && code == CNN_EXIT_DONE; i++) {
        cnn_recipe *recipe;
        code = cnn_grid_load(&c->grid, i, &recipe);
        if (code != CNN_EXIT_DONE) {
            break;
        }
        code = cnn_compare_data_open(&c->data, recipe);
        for (int seed = 0; seed < c->comparison.seeds && code == CNN_EXIT_DONE; seed++) {
            code = train_one(c, i, seed, recipe);
        }
        cnn_recipe_free(recipe);
    }
    return code;
}

/* ----------------------------------------------------------------------------------------------------- results */

static bool write_named(const comparing *c, const char *name, const char *text, size_t length)
{
    char *path = path_in_out(c, name);
    const bool written = path && cnn_path_write(path, text, length);
    free(path);
    return written;
}

/* OUT/NAME from what `print` writes, and to stdout as well where that is asked for. */
static bool write_printed(const comparing *c, const char *name, void (*print)(const cnn_comparison *, FILE *),
                          bool to_stdout)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream) {
        print(&c->comparison, stream);
    }
    if (!stream || !cnn_text_finish(stream, &text)) {
        cnn_complain_memory();
        return false;
    }
    const bool printed = write_named(c, name, text, length);
    if (printed && to_stdout) {
        cnn_output_print("%s", text);
    }
    free(text);
    return printed;
}

static cnn_exit write_results(const comparing *c)
{
    const compare_settings *settings = c->settings;
    json_t *object = cnn_comparison_json(&c->comparison);
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    if (!text) {
        json_decref(object);
        return cnn_complain_memory();
    }
    bool written = write_named(c, "results.json", text, strlen(text));
    free(text);
    written = written && write_printed(c, "results.csv", cnn_comparison_csv, false) &&
              write_printed(c, "results.md", cnn_comparison_markdown, !settings->json && !settings->quiet) &&
              cnn_comparison_draw(&c->comparison, settings->out);
    if (written && settings->json) {
        cnn_output_json(object);
    } else {
        json_decref(object);
    }
    return written ? CNN_EXIT_DONE : CNN_EXIT_FAILED;
}

static cnn_exit read_tta(const cnn_args *args, cnn_tta *tta)
{
    const compare_settings *settings = args->settings;
    if (!cnn_open_tta(args, settings->tta, tta)) {
        return CNN_EXIT_USAGE;
    }
    if (*tta != CNN_TTA_NONE && !settings->test) {
        cnn_complain("compare: --tta %s is for test images: it needs --test", settings->tta);
        return CNN_EXIT_USAGE;
    }
    return CNN_EXIT_DONE;
}

static cnn_exit run_compare(const cnn_args *args)
{
    const compare_settings *settings = args->settings;
    comparing c = {.settings = settings,
                   .grid = {.recipes = args->operands,
                            .recipe_count = args->operand_count,
                            .set = &settings->set,
                            .epochs = settings->epochs},
                   .comparison = {.seeds = settings->seeds > 0 ? settings->seeds : 1,
                                  .reach = settings->reach / 100.0,
                                  .data_spec = settings->data},
                   .data = {.spec = settings->data, .tested = settings->test}};
    c.comparison.grid = &c.grid;
    cnn_exit code = read_tta(args, &c.tta);
    code = code == CNN_EXIT_DONE ? cnn_grid_split(&c.grid, &settings->vary) : code;
    code = code == CNN_EXIT_DONE ? prepare(&c) : code;
    code = code == CNN_EXIT_DONE ? train_all(&c) : code;
    code = code == CNN_EXIT_DONE ? write_results(&c) : code;
    for (int i = 0; c.comparison.runs && i < c.grid.count * c.comparison.seeds; i++) {
        cnn_run_clear(&c.comparison.runs[i]);
    }
    free(c.comparison.runs);
    free(c.folder);
    cnn_compare_data_close(&c.data);
    cnn_grid_clear(&c.grid);
    return code;
}

/* -------------------------------------------------------------------------------------------------- description */

#define FIELD(name) offsetof(compare_settings, name)

static const cnn_args_option options[] = {
    CNN_DATA_OPTION(compare_settings),
    {.name = "out",
     .placeholder = "DIR",
     .help = "the folder for results, made where it is not there",
     .type = CNN_ARGS_TEXT,
     .offset = FIELD(out),
     .required = true},
    {.name = "vary",
     .placeholder = "K=A,B",
     .help = "values to try, as in lr=0.1,0.01 or conv2.filters=32,64 or relu=relu,tanh;\n"
             "repeated, every combination is trained",
     .type = CNN_ARGS_LIST,
     .offset = FIELD(vary)},
    {.name = "seeds",
     .placeholder = "N",
     .help = "train each combination from the seeds 1 to N (default: 1)",
     .type = CNN_ARGS_COUNT,
     .offset = FIELD(seeds),
     .maximum = 1000},
    {.name = "test",
     .help = "keep the models, and measure them on the test images, too",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(test)},
    {.name = "tta",
     .placeholder = "VIEWS",
     .help = "with --test, further columns with test-time augmentation: 'flip', 'flip+shift'\n"
             "or 'none' (default), see 'cnn eval --help'",
     .type = CNN_ARGS_TEXT,
     .offset = FIELD(tta),
     .fallback = "none"},
    {.name = "reach",
     .placeholder = "N",
     .help = "tell when the training error fell to N percent",
     .type = CNN_ARGS_COUNT,
     .offset = FIELD(reach),
     .maximum = 99},
    CNN_EPOCHS_OPTION(compare_settings),
    {.name = "set",
     .placeholder = "K=V",
     .help = "change all recipes, before what varies; may be repeated",
     .type = CNN_ARGS_LIST,
     .offset = FIELD(set)},
    CNN_THREADS_OPTION(compare_settings, "; all but the times is\n"
                                         "the same for any number"),
    {.name = "json", .help = "the table as JSON on stdout", .type = CNN_ARGS_FLAG, .offset = FIELD(json)},
    CNN_QUIET_OPTION(compare_settings),
    {.name = NULL},
};

const cnn_command cnn_compare_command = {
    .name = "compare",
    .summary = "train combinations of settings and set them beside each other",
    .details = "DIR gets results.csv, .json and .md, a row for each combination with means and deviations\n"
               "over the seeds, and train-error and val-error as .svg and .png. DIR/runs keeps each run: the\n"
               "same command goes on after a stop, and further values or seeds train only what is new.",
    .exits = "0 done, 1 failed or stopped, 2 wrong usage",
    .arguments = {.options = options, .operands = (const char *const[]){"RECIPE", NULL}, .repeats = true},
    .settings_size = sizeof(compare_settings),
    .run = run_compare,
};

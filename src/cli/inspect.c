/* cnn inspect: what happens inside a network, trained or about to be. */
#include "command.h"
#include "format.h"
#include "inspect_report.h"
#include "open.h"
#include "output.h"
#include "paths.h"

#include <limits.h>
#include <string.h>

typedef struct inspect_settings {
    const char *data, *split;
    cnn_args_list set;
    uint64_t seed;
    int images, threads;
    bool json;
} inspect_settings;

/* What is looked into, and on what. */
typedef struct subject {
    const char *path;
    bool trained; /* a model file, not a recipe */
    cnn_model *model;
    cnn_dataset *data;
} subject;

/* ------------------------------------------------------------------------------------------------------- output */

static void print_text(const subject *it, const cnn_inspection *inspection, const char *spec)
{
    char line[CNN_INSPECT_LINE];
    cnn_output_text(it->path);
    cnn_output_print(": %s of ", cnn_format_things(inspection->images, "image", CNN_FORMAT_ROOM));
    cnn_output_text(spec);
    cnn_output_print("\n\n");
    for (int i = 0; i <= inspection->layer_count; i++) {
        cnn_output_print("%s\n", cnn_inspect_line(inspection, i, line));
    }
    const cnn_layer_inspection *layer = cnn_inspect_warning(inspection, 0);
    cnn_output_print("%s", layer ? "\n" : "");
    for (int rank = 0; layer; layer = cnn_inspect_warning(inspection, ++rank)) {
        cnn_output_print("warning: %s\n", layer->warning);
    }
}

static void print_json(const subject *it, const cnn_inspection *inspection, const char *spec)
{
    json_t *object = json_pack("{s:o, s:s, s:o}", "file", cnn_json_text(it->path), "kind",
                               it->trained ? "model" : "recipe", "data", cnn_json_text(spec));
    json_t *figures = cnn_inspect_json(inspection);
    json_object_update(object, figures);
    json_decref(figures);
    cnn_output_json(object);
}

/* ------------------------------------------------------------------------------------------------------ command */

static bool open_data(subject *it, const char *spec, cnn_split split, cnn_shape shape, cnn_fit fit, cnn_error *error)
{
    it->data = cnn_dataset_open_fitted(spec, split, shape, fit, error);
    if (it->data && cnn_dataset_skipped(it->data) > 0) {
        cnn_tell("note: %s passed over: not readable as pictures",
                 cnn_format_things(cnn_dataset_skipped(it->data), "file", CNN_FORMAT_ROOM));
    }
    return it->data;
}

static cnn_exit open_trained(subject *it, const inspect_settings *settings)
{
    const cnn_split split = strcmp(settings->split, "train") == 0 ? CNN_SPLIT_TRAIN : CNN_SPLIT_TEST;
    cnn_error error;
    it->model = cnn_open_model(it->path);
    if (!it->model) {
        return CNN_EXIT_FAILED;
    }
    return open_data(it, settings->data, split, cnn_model_input(it->model), cnn_model_fit(it->model), &error)
               ? CNN_EXIT_DONE
               : cnn_complain_error(&error);
}

/* The model that a training of the recipe begins with: initialized, and scaled for these data. */
static cnn_exit open_recipe(subject *it, const inspect_settings *settings)
{
    const cnn_trainer_options options = {.threads = settings->threads, .seed = settings->seed};
    cnn_error error;
    cnn_trainer *trainer = NULL;
    cnn_recipe *recipe;
    const cnn_exit code = cnn_open_recipe(it->path, &settings->set, 0, &recipe);
    if (code != CNN_EXIT_DONE) {
        return code;
    }
    if (open_data(it, settings->data, CNN_SPLIT_TRAIN, cnn_recipe_input(recipe), cnn_recipe_fit(recipe), &error)) {
        trainer = cnn_trainer_new(recipe, it->data, &options, &error);
    }
    it->model = trainer ? cnn_trainer_model(trainer, &error) : NULL;
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    return it->model ? CNN_EXIT_DONE : cnn_complain_error(&error);
}

static cnn_exit check_settings(const subject *it, const inspect_settings *settings)
{
    if (strcmp(settings->split, "train") != 0 && strcmp(settings->split, "test") != 0) {
        cnn_complain("inspect: --split: '%s' is neither 'train' nor 'test'", settings->split);
        return CNN_EXIT_USAGE;
    }
    if (!it->trained && strcmp(settings->split, "test") == 0) {
        cnn_complain("inspect: --split: a recipe is inspected on the images that it would be trained on");
        return CNN_EXIT_USAGE;
    }
    if (it->trained && settings->set.count > 0) {
        cnn_complain("inspect: --set changes recipes, and '%s' is a model", it->path);
        return CNN_EXIT_USAGE;
    }
    return CNN_EXIT_DONE;
}

static cnn_exit run_inspect(const cnn_args *args)
{
    inspect_settings settings = *(const inspect_settings *)args->settings;
    subject it = {.path = args->operands[0], .trained = !cnn_path_is_recipe(args->operands[0])};
    settings.split = settings.split ? settings.split : it.trained ? "test" : "train";
    cnn_exit code = check_settings(&it, &settings);
    if (code == CNN_EXIT_DONE) {
        code = it.trained ? open_trained(&it, &settings) : open_recipe(&it, &settings);
    }
    if (code == CNN_EXIT_DONE) {
        const cnn_inspect_options options = {.threads = settings.threads, .images = settings.images};
        cnn_inspection inspection;
        cnn_error error;
        if (cnn_model_inspect(it.model, it.data, &options, &inspection, &error) != CNN_OK) {
            code = cnn_complain_error(&error);
        } else {
            (settings.json ? print_json : print_text)(&it, &inspection, settings.data);
            cnn_free(inspection.layers);
        }
    }
    cnn_dataset_free(it.data);
    cnn_model_free(it.model);
    return code;
}

#define FIELD(name) offsetof(inspect_settings, name)

static const cnn_args_option inspect_options[] = {
    CNN_DATA_OPTION(inspect_settings),
    {.name = "split",
     .placeholder = "NAME",
     .help = "which of its images: train or test (default: test; for a recipe train)",
     .type = CNN_ARGS_TEXT,
     .offset = FIELD(split)},
    {.name = "set",
     .placeholder = "K=V",
     .help = "change a recipe, as cnn train does; may be repeated",
     .type = CNN_ARGS_LIST,
     .offset = FIELD(set)},
    {.name = "images",
     .placeholder = "N",
     .help = "look at no more images than these, evenly chosen (default: all)",
     .type = CNN_ARGS_COUNT,
     .offset = FIELD(images),
     .maximum = INT_MAX},
    {.name = "seed",
     .placeholder = "N",
     .help = "of a recipe's first weights (default: 1)",
     .type = CNN_ARGS_SEED,
     .offset = FIELD(seed),
     .fallback = "1"},
    CNN_THREADS_OPTION(inspect_settings, ""),
    {.name = "json", .help = "one JSON object instead of text", .type = CNN_ARGS_FLAG, .offset = FIELD(json)},
    {.name = NULL},
};

const cnn_command cnn_inspect_command = {
    .name = "inspect",
    .summary = "look into a network: what its layers' outputs, gradients and weights are like",
    .details = "A row is a layer with weights, or a residual's sum; its outputs are those of the activation that\n"
               "follows. Columns: units (output channels); dead ones, whose output is always 0; mean and deviation\n"
               "of the outputs; shares of them that are exactly 0, and saturated, within 1% of the activation's\n"
               "limit; norms of the gradient (for a batch) and of the weights; and by which part of their norm a\n"
               "step of the recipe's lr changes the weights. What is wrong is said below, the worst first.\n"
               "A recipe's network is inspected as its training would begin.",
    .exits = "0 done, 1 failed, 2 wrong usage",
    .arguments = {.options = inspect_options, .operands = (const char *const[]){"MODEL|RECIPE", NULL}},
    .settings_size = sizeof(inspect_settings),
    .run = run_inspect,
};

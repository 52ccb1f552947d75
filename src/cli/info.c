/* cnn info: what a model or a recipe is made of, and what it costs. */
#include "command.h"
#include "format.h"
#include "info_plan.h"
#include "open.h"
#include "output.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_settings {
    bool json, plan;
} info_settings;

/* What there is to tell. */
typedef struct description {
    const char *path;
    bool trained; /* a model file, not a recipe */
    const cnn_model *model;
    cnn_model_info info;
    const cnn_pass_list *plan; /* NULL: not asked for */
} description;

/* The entries of a model file's metadata that tell where it came from. What an accuracy was measured on
 * is an entry, too: KEY.data. */
static const struct {
    const char *key, *label;
    bool share;
} origins[] = {
    {"origin.data", "trained on", false},
    {"origin.epochs", "epochs", false},
    {"origin.seed", "seed", false},
    {"accuracy.training", "training accuracy", true},
    {"accuracy.validation", "validation accuracy", true},
    {"accuracy.test", "test accuracy", true},
    {"accuracy.test.flip", "test, flip", true},
    {"accuracy.test.flip-shift", "test, flip+shift", true},
    {"temperature", "temperature", false},
    {"familiarity", "familiarity from", false},
    {"version", "made by cnn", false},
};

enum { ORIGIN_COUNT = sizeof origins / sizeof *origins, LABEL_COLUMNS = 20, NAME_SIZE = 40 };

/* -------------------------------------------------------------------------------------------------------- text */

/* Nothing to count is a dash, so that the layers that matter stand out. */
static const char *count_or_dash(int64_t count, char out[CNN_FORMAT_LENGTH])
{
    return count > 0 ? cnn_format_count(count, out) : "-";
}

static void print_layers(const description *it)
{
    int columns = (int)strlen("input");
    cnn_layer_info layer;
    for (int i = 0; cnn_model_layer(it->model, i, &layer); i++) {
        const int width = cnn_format_width(layer.name);
        columns = width > columns ? width : columns;
    }
    cnn_output_print("\n%-*s  %12s  %12s  %14s\n", columns, "layer", "output", "parameters", "multiply-adds");
    cnn_output_print("%-*s  %12s\n", columns, "input", cnn_format_shape(cnn_model_input(it->model), CNN_FORMAT_ROOM));
    for (int i = 0; cnn_model_layer(it->model, i, &layer); i++) {
        cnn_output_print(
            "%-*s  %12s  %12s  %14s  %s%s%s%s\n", columns, layer.name, cnn_format_shape(layer.output, CNN_FORMAT_ROOM),
            count_or_dash(layer.parameters, CNN_FORMAT_ROOM), count_or_dash(layer.multiply_adds, CNN_FORMAT_ROOM),
            layer.text, *layer.algorithm ? " (" : "", layer.algorithm, *layer.algorithm ? ")" : "");
    }
    cnn_output_print("%-*s  %12s  %12s  %14s\n", columns, "total", "",
                     cnn_format_count(it->info.parameters, CNN_FORMAT_ROOM),
                     cnn_format_count(it->info.multiply_adds, CNN_FORMAT_ROOM));
}

static void print_label(const char *label)
{
    cnn_output_print("%-*s", LABEL_COLUMNS, label);
}

static void print_costs(const cnn_model_info *info)
{
    cnn_output_print("\n");
    print_label("instruction set");
    cnn_output_print("%s\n", info->isa);
    print_label("weights");
    cnn_output_print("%s in a model file\n", cnn_format_bytes(info->file_bytes, CNN_FORMAT_ROOM));
    print_label("memory");
    cnn_output_print("%s to classify one image, ", cnn_format_bytes(info->inference_bytes, CNN_FORMAT_ROOM));
    cnn_output_print("%s to train (one thread, without the data)\n",
                     cnn_format_bytes(info->training_bytes, CNN_FORMAT_ROOM));
}

static void print_classes(const cnn_model *model)
{
    print_label("classes");
    for (int class = 0; class < cnn_model_class_count(model); class ++) {
        cnn_output_print("%s", class > 0 ? ", " : "");
        cnn_output_text(cnn_model_class_name(model, class));
    }
    cnn_output_print("\n");
}

/* The options of the recipe's statement `word`, where it has one. */
static void print_statement(const char *recipe, const char *word, const char *label)
{
    const size_t word_length = strlen(word);
    for (const char *line = recipe; *line;) {
        const size_t length = strcspn(line, "\n");
        if (strncmp(line, word, word_length) == 0 && line[word_length] == ' ') {
            print_label(label);
            cnn_output_print("%.*s\n", (int)(length - word_length - 1), line + word_length + 1);
        }
        line += length + (line[length] == '\n');
    }
}

/* The entry KEY.data; NULL where there is none. *name is its key. */
static const char *measured_on(const cnn_model *model, const char *key, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s.data", key);
    return cnn_model_metadata(model, name);
}

static void print_share(const cnn_model *model, const char *key, const char *value)
{
    char name[NAME_SIZE];
    const char *data = measured_on(model, key, name);
    cnn_output_print("%.2f%%", 100 * strtod(value, NULL));
    if (data) {
        cnn_output_print("  (");
        cnn_output_text(data);
        cnn_output_print(")");
    }
}

static void print_origin(const cnn_model *model)
{
    for (int i = 0; i < ORIGIN_COUNT; i++) {
        const char *value = cnn_model_metadata(model, origins[i].key);
        if (!value) {
            continue;
        }
        print_label(origins[i].label);
        if (origins[i].share) {
            print_share(model, origins[i].key, value);
        } else {
            cnn_output_text(value);
        }
        cnn_output_print("\n");
    }
}

static void print_text(const description *it)
{
    cnn_output_text(it->path);
    cnn_output_print(": %s\n", it->trained ? "a trained model" : "a recipe");
    print_layers(it);
    print_costs(&it->info);
    const char *recipe = cnn_model_metadata(it->model, "recipe");
    print_statement(recipe ? recipe : "", "train", "training");
    print_statement(recipe ? recipe : "", "augment", "augmentation");
    if (it->trained) {
        print_classes(it->model);
        print_origin(it->model);
    }
    if (it->plan) {
        cnn_info_plan_text(it->plan);
    }
}

/* -------------------------------------------------------------------------------------------------------- JSON */

static json_t *shape_json(cnn_shape shape)
{
    return json_pack("[i, i, i]", shape.height, shape.width, shape.channels);
}

static json_t *layers_json(const cnn_model *model)
{
    json_t *layers = json_array();
    cnn_layer_info layer;
    for (int i = 0; cnn_model_layer(model, i, &layer); i++) {
        json_array_append_new(layers, json_pack("{s:s, s:s, s:s, s:o, s:I, s:I}", "name", layer.name, "text",
                                                layer.text, "algorithm", layer.algorithm, "output",
                                                shape_json(layer.output), "parameters", (json_int_t)layer.parameters,
                                                "multiply_adds", (json_int_t)layer.multiply_adds));
    }
    return layers;
}

static json_t *classes_json(const cnn_model *model)
{
    json_t *classes = json_array();
    for (int class = 0; class < cnn_model_class_count(model); class ++) {
        json_array_append_new(classes, cnn_json_text(cnn_model_class_name(model, class)));
    }
    return classes;
}

static void add_origin(const cnn_model *model, json_t *object)
{
    for (int i = 0; i < ORIGIN_COUNT; i++) {
        const char *key = origins[i].key;
        const char *value = cnn_model_metadata(model, key);
        char name[NAME_SIZE];
        const char *data = origins[i].share ? measured_on(model, key, name) : NULL;
        if (value) {
            json_object_set_new(object, key, cnn_json_text(value));
        }
        if (data) {
            json_object_set_new(object, name, cnn_json_text(data));
        }
    }
}

static void print_json(const description *it)
{
    const char *recipe = cnn_model_metadata(it->model, "recipe");
    const cnn_model_info *info = &it->info;
    json_t *object = json_pack(
        "{s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:s}", "file", cnn_json_text(it->path), "kind",
        it->trained ? "model" : "recipe", "input", shape_json(cnn_model_input(it->model)), "layers",
        layers_json(it->model), "parameters", (json_int_t)info->parameters, "multiply_adds",
        (json_int_t)info->multiply_adds, "file_bytes", (json_int_t)info->file_bytes, "inference_bytes",
        (json_int_t)info->inference_bytes, "training_bytes", (json_int_t)info->training_bytes, "isa", info->isa);
    json_object_set_new(object, "recipe", cnn_json_text(recipe ? recipe : ""));
    if (it->trained) {
        json_object_set_new(object, "classes", classes_json(it->model));
        add_origin(it->model, object);
    }
    if (it->plan) {
        json_object_set_new(object, "plan", cnn_info_plan_json(it->plan));
    }
    cnn_output_json(object);
}

/* ----------------------------------------------------------------------------------------------------- command */

/* The recipe's network, untrained; NULL after telling why not. */
static cnn_model *open_recipe(const char *path)
{
    cnn_error error;
    cnn_recipe *recipe = cnn_recipe_load(path, &error);
    cnn_model *model = recipe ? cnn_model_new(recipe, 0, &error) : NULL;
    if (!model) {
        cnn_complain_error(&error);
    }
    cnn_recipe_free(recipe);
    return model;
}

static cnn_exit run_info(const cnn_args *args)
{
    const info_settings *settings = args->settings;
    const char *path = args->operands[0];
    const bool trained = !cnn_path_is_recipe(path);
    cnn_model *model = trained ? cnn_open_model(path) : open_recipe(path);
    if (!model) {
        return CNN_EXIT_FAILED;
    }
    description it = {.path = path, .trained = trained, .model = model};
    cnn_pass_list plan = {0};
    cnn_error error;
    cnn_exit code = CNN_EXIT_DONE;
    it.plan = settings->plan ? &plan : NULL;
    if (cnn_model_describe(model, &it.info, &error) != CNN_OK ||
        (it.plan && cnn_model_passes(model, &plan, &error) != CNN_OK)) {
        code = cnn_complain_error(&error);
    } else if (settings->json) {
        print_json(&it);
    } else {
        print_text(&it);
    }
    cnn_free(plan.passes);
    cnn_model_free(model);
    return code;
}

static const cnn_args_option options[] = {
    {.name = "json",
     .help = "one JSON object instead of text; it has the whole recipe, too",
     .type = CNN_ARGS_FLAG,
     .offset = offsetof(info_settings, json)},
    {.name = "plan",
     .help = "how each layer's passes are computed in training at the recipe's batch: the\n"
             "algorithm and its grouping, lanes, stages and scratch memory; 'forward, relu'\n"
             "applies the rectifier that follows, too",
     .type = CNN_ARGS_FLAG,
     .offset = offsetof(info_settings, plan)},
    {.name = NULL},
};

const cnn_command cnn_info_command = {
    .name = "info",
    .summary = "show a model's or recipe's layers, sizes, costs and origin",
    .details = "Prints each layer's output shape (height, width, channels), trained parameters and\n"
               "multiply-adds for one image, then the memory it takes and, of a model, how it was made.",
    .exits = "0 done, 1 failed, 2 wrong usage",
    .arguments = {.options = options, .operands = (const char *const[]){"MODEL|RECIPE", NULL}},
    .settings_size = sizeof(info_settings),
    .run = run_info,
};

/* The model in memory: made, copied, named and looked at. Its metadata mirrors its fields, so that whoever asks for
 * "classes" or "scale.mean" reads what the file will say. */
#include "base/memory.h"
#include "net/modelfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_NAME_SIZE 255

cnn_shape cnn_model_input(const cnn_model *model)
{
    return model->network->input;
}

cnn_fit cnn_model_fit(const cnn_model *model)
{
    return cnn_recipe_fit(model->recipe);
}

int cnn_model_class_count(const cnn_model *model)
{
    return model->network->class_count;
}

const char *cnn_model_class_name(const cnn_model *model, int index)
{
    return index >= 0 && index < model->network->class_count ? model->class_names[index] : NULL;
}

static void free_names(char **names, int count)
{
    for (int i = 0; names != NULL && i < count; i++) {
        cnn_free(names[i]);
    }
    cnn_free(names);
}

static char **copy_names(const char *const *names, int count)
{
    char **copies = cnn_alloc((size_t)count, sizeof *copies);
    for (int i = 0; copies != NULL && i < count; i++) {
        copies[i] = cnn_copy_text(names[i], strlen(names[i]));
        if (copies[i] == NULL) {
            free_names(copies, count);
            return NULL;
        }
    }
    return copies;
}

static int by_name(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

/** Names are 1 to 255 bytes, each once: results are told apart by them. */
static cnn_status check_names(const char *const *names, int count, cnn_error *error)
{
    const char **sorted = cnn_alloc((size_t)count, sizeof *sorted);
    if (sorted == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < count && status == CNN_OK; i++) {
        sorted[i] = names[i];
        const size_t length = strlen(names[i]);
        if (length == 0 || length > CLASS_NAME_SIZE) {
            status = cnn_fail(error, CNN_MISMATCH, "the name of class %d has %zu bytes: 1 to %d are permitted", i,
                              length, CLASS_NAME_SIZE);
        }
    }
    if (status == CNN_OK) {
        qsort(sorted, (size_t)count, sizeof *sorted, by_name);
    }
    for (int i = 1; i < count && status == CNN_OK; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            status = cnn_fail(error, CNN_MISMATCH, "two classes have the same name '%s'", sorted[i]);
        }
    }
    cnn_free(sorted);
    return status;
}

cnn_status cnn_model_set_classes(cnn_model *model, const char *const *names, int count, cnn_error *error)
{
    if (count != model->network->class_count) {
        return cnn_fail(error, CNN_MISMATCH, "%d classes for a network with %d outputs: give its last layer units=%d",
                        count, model->network->class_count, count);
    }
    cnn_status status = check_names(names, count, error);
    if (status != CNN_OK) {
        return status;
    }
    char **copies = copy_names(names, count);
    if (copies == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_text text = {0};
    cnn_modelfile_strings(&text, names, count);
    status = cnn_model_take_metadata(model, "classes", &text, error);
    if (status != CNN_OK) {
        free_names(copies, count);
        return status;
    }
    free_names(model->class_names, count);
    model->class_names = copies;
    return CNN_OK;
}

cnn_status cnn_model_set_scale(cnn_model *model, const double *mean, const double *deviation, cnn_error *error)
{
    const int channels = model->network->input.channels;
    for (int c = 0; c < channels; c++) {
        if (!isfinite(mean[c]) || !isfinite(deviation[c]) || !(deviation[c] > 0)) {
            return cnn_fail(error, CNN_MISMATCH, "channel %d: the scaling needs a finite mean and a deviation above 0",
                            c);
        }
    }
    cnn_text means = {0}, deviations = {0};
    cnn_modelfile_numbers(&means, mean, channels);
    cnn_modelfile_numbers(&deviations, deviation, channels);
    cnn_status status = cnn_model_take_metadata(model, "scale.mean", &means, error);
    if (status == CNN_OK) {
        status = cnn_model_take_metadata(model, "scale.deviation", &deviations, error);
    }
    cnn_text_clear(&deviations);
    if (status == CNN_OK) {
        memcpy(model->mean, mean, (size_t)channels * sizeof *mean);
        memcpy(model->deviation, deviation, (size_t)channels * sizeof *deviation);
    }
    return status;
}

cnn_model *cnn_model_plan(cnn_recipe *recipe, cnn_error *error)
{
    cnn_model *model = cnn_alloc(1, sizeof *model);
    if (model == NULL) {
        cnn_recipe_free(recipe);
        cnn_fail_memory(error);
        return NULL;
    }
    model->recipe = recipe;
    model->temperature = 1;
    model->familiarity = -INFINITY;
    model->network = cnn_network_new(recipe, error);
    if (model->network == NULL) {
        cnn_model_free(model);
        return NULL;
    }
    return model;
}

cnn_status cnn_model_allocate(cnn_model *model, cnn_error *error)
{
    model->parameters = cnn_alloc(model->network->parameter_count, sizeof *model->parameters);
    return model->parameters != NULL ? CNN_OK : cnn_fail_memory(error);
}

static cnn_status set_origin(cnn_model *model, cnn_error *error)
{
    char *recipe = cnn_recipe_text(model->recipe, error);
    if (recipe == NULL) {
        return CNN_MEMORY;
    }
    cnn_status status = cnn_model_set_metadata(model, "recipe", recipe, error);
    if (status == CNN_OK) {
        status = cnn_model_set_metadata(model, "format", CNN_MODELFILE_FORMAT, error);
    }
    if (status == CNN_OK) {
        status = cnn_model_set_metadata(model, "version", cnn_version(), error);
    }
    cnn_free(recipe);
    return status;
}

/** The scaling that the recipe names; standardizing waits for the data and is the identity until then. */
static cnn_status set_default_scale(cnn_model *model, cnn_error *error)
{
    static const double constants[][2] = {
        [CNN_SCALE_STANDARDIZE] = {0.0, 1.0},        [CNN_SCALE_UNIT] = {0.0, 1.0},
        [CNN_SCALE_SYMMETRIC] = {0.5, 0.5},          [CNN_SCALE_NONE] = {0.0, 1.0 / 255},
        [CNN_SCALE_STANDARDIZE_PIXELS] = {0.0, 1.0}, [CNN_SCALE_WHITEN] = {0.0, 1.0},
    };
    const double *pair = constants[model->network->scale];
    const double mean[] = {pair[0], pair[0], pair[0], pair[0]};
    const double deviation[] = {pair[1], pair[1], pair[1], pair[1]};
    return cnn_model_set_scale(model, mean, deviation, error);
}

static cnn_status set_default_names(cnn_model *model, cnn_error *error)
{
    enum { NUMBER_SIZE = 12 };
    const int count = model->network->class_count;
    char(*numbers)[NUMBER_SIZE] = cnn_alloc((size_t)count, sizeof *numbers);
    const char **names = cnn_alloc((size_t)count, sizeof *names);
    cnn_status status;
    if (numbers == NULL || names == NULL) {
        status = cnn_fail_memory(error);
    } else {
        for (int i = 0; i < count; i++) {
            snprintf(numbers[i], NUMBER_SIZE, "%d", i);
            names[i] = numbers[i];
        }
        status = cnn_model_set_classes(model, names, count, error);
    }
    cnn_free(numbers);
    cnn_free(names);
    return status;
}

cnn_model *cnn_model_create(const cnn_recipe *recipe, uint64_t seed, cnn_error *error)
{
    cnn_recipe *copy = cnn_recipe_copy(recipe, error);
    cnn_model *model = copy != NULL ? cnn_model_plan(copy, error) : NULL;
    if (model == NULL) {
        return NULL;
    }
    if (cnn_model_allocate(model, error) != CNN_OK || set_origin(model, error) != CNN_OK ||
        set_default_scale(model, error) != CNN_OK || set_default_names(model, error) != CNN_OK ||
        cnn_model_plan_calibration(model, error) != CNN_OK) {
        cnn_model_free(model);
        return NULL;
    }
    cnn_network_initialize(model->network, seed, model->parameters);
    return model;
}

cnn_model *cnn_model_new(const cnn_recipe *recipe, uint64_t seed, cnn_error *error)
{
    return cnn_model_create(recipe, seed, error);
}

cnn_model *cnn_model_copy(const cnn_model *model, cnn_error *error)
{
    cnn_recipe *recipe = cnn_recipe_copy(model->recipe, error);
    cnn_model *copy = recipe != NULL ? cnn_model_plan(recipe, error) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    cnn_status status = cnn_model_allocate(copy, error);
    for (int i = 0; i < model->metadata_count && status == CNN_OK; i++) {
        status = cnn_model_set_metadata(copy, model->keys[i], model->values[i], error);
    }
    if (status == CNN_OK) {
        status = cnn_model_set_scale(copy, model->mean, model->deviation, error);
    }
    if (status == CNN_OK) {
        status =
            cnn_model_set_classes(copy, (const char *const *)model->class_names, model->network->class_count, error);
    }
    if (status != CNN_OK) {
        cnn_model_free(copy);
        return NULL;
    }
    copy->temperature = model->temperature;
    copy->familiarity = model->familiarity;
    copy->has_appearance = model->has_appearance;
    memcpy(copy->appearance, model->appearance, sizeof copy->appearance);
    memcpy(copy->parameters, model->parameters, model->network->parameter_count * sizeof *model->parameters);
    return copy;
}

void cnn_model_free(cnn_model *model)
{
    if (model == NULL) {
        return;
    }
    for (int i = 0; i < model->metadata_count; i++) {
        cnn_free(model->keys[i]);
        cnn_free(model->values[i]);
    }
    cnn_free(model->keys);
    cnn_free(model->values);
    if (model->network != NULL) {
        free_names(model->class_names, model->network->class_count);
    }
    cnn_free(model->parameters);
    cnn_network_free(model->network);
    cnn_recipe_free(model->recipe);
    cnn_free(model);
}

static int64_t count_parameters(const cnn_layer_plan *plan)
{
    int64_t total = 0;
    for (int i = 0; i < plan->tensor_count; i++) {
        const cnn_tensor *tensor = &plan->tensors[i];
        int64_t count = tensor->role == CNN_ROLE_STATE ? 0 : 1;
        for (int d = 0; d < tensor->rank; d++) {
            count *= tensor->sizes[d];
        }
        total += count;
    }
    return total;
}

bool cnn_model_layer(const cnn_model *model, int index, cnn_layer_info *info)
{
    if (index < 0 || index >= model->network->node_count) {
        return false;
    }
    const cnn_node *node = &model->network->nodes[index];
    *info = (cnn_layer_info){.name = node->name,
                             .text = node->text,
                             .algorithm = node->plan.algorithm != NULL ? node->plan.algorithm : "",
                             .output = node->plan.output,
                             .parameters = count_parameters(&node->plan),
                             .multiply_adds = node->plan.multiply_adds};
    return true;
}

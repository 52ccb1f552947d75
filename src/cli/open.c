/* Opening what commands work on: see open.h. */
#include "open.h"

#include "output.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cnn_exit cnn_open_recipe(const char *path, const cnn_args_list *set, int epochs, cnn_recipe **recipe)
{
    cnn_error error;
    *recipe = cnn_recipe_load(path, &error);
    if (!*recipe) {
        return cnn_complain_error(&error);
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < set->count && status == CNN_OK; i++) {
        status = cnn_recipe_set(*recipe, set->items[i], &error);
    }
    if (epochs > 0 && status == CNN_OK) {
        char assignment[32];
        snprintf(assignment, sizeof assignment, "epochs=%d", epochs);
        status = cnn_recipe_set(*recipe, assignment, &error);
    }
    if (status == CNN_OK) {
        return CNN_EXIT_DONE;
    }
    cnn_recipe_free(*recipe);
    *recipe = NULL;
    cnn_complain_error(&error);
    return status == CNN_USAGE ? CNN_EXIT_USAGE : CNN_EXIT_FAILED;
}

cnn_model *cnn_open_model(const char *path)
{
    cnn_error error;
    cnn_model *model = cnn_model_load(path, &error);
    if (!model && error.status == CNN_FORMAT && cnn_path_has_suffix(path, ".recipe")) {
        cnn_complain("'%s' is a recipe: 'cnn train' makes a model of it", path);
    } else if (!model) {
        cnn_complain_error(&error);
    }
    return model;
}

void cnn_tell_tuning(void)
{
    cnn_tell("note: --tune measures which algorithms are the fastest here; results may differ in the last bits from "
             "run to run");
}

bool cnn_open_models(const char *const *paths, int count, cnn_models *models)
{
    *models = (cnn_models){.items = calloc((size_t)count, sizeof *models->items)};
    if (!models->items) {
        cnn_complain_memory();
        return false;
    }
    for (int i = 0; i < count; i++) {
        cnn_model *model = cnn_open_model(paths[i]);
        if (!model) {
            return false;
        }
        models->items[models->count++] = model;
    }
    return true;
}

void cnn_close_models(cnn_models *models)
{
    for (int i = 0; i < models->count; i++) {
        cnn_model_free(models->items[i]);
    }
    free(models->items);
}

cnn_session *cnn_open_session(const cnn_models *models, const cnn_session_options *options)
{
    cnn_error error;
    cnn_session *session = NULL;
    if (options->tune) {
        cnn_tell_tuning();
    }
    if (cnn_blas_single_thread(&error) == CNN_OK) {
        session = cnn_session_new_ensemble((const cnn_model *const *)models->items, models->count, options, &error);
    }
    if (!session) {
        cnn_complain_error(&error);
    }
    return session;
}

static const char *const tta_names[] = {
    [CNN_TTA_NONE] = "none", [CNN_TTA_FLIP] = "flip", [CNN_TTA_FLIP_SHIFT] = "flip+shift"};

const char *cnn_tta_name(cnn_tta tta)
{
    return tta_names[tta];
}

bool cnn_open_tta(const cnn_args *args, const char *value, cnn_tta *tta)
{
    for (size_t i = 0; i < sizeof tta_names / sizeof *tta_names; i++) {
        if (strcmp(tta_names[i], value) == 0) {
            *tta = (cnn_tta)i;
            return true;
        }
    }
    cnn_complain("%s: --tta: '%s' is none of 'none', 'flip' and 'flip+shift'", args->command, value);
    return false;
}

/* Opening what commands work on: see open.h. */
#include "open.h"

#include "output.h"
#include "paths.h"

#include <stdio.h>

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

cnn_session *cnn_open_session(const cnn_model *model, const cnn_session_options *options)
{
    cnn_error error;
    if (options->tune) {
        cnn_tell_tuning();
    }
    cnn_session *session = cnn_blas_single_thread(&error) == CNN_OK ? cnn_session_new(model, options, &error) : NULL;
    if (!session) {
        cnn_complain_error(&error);
    }
    return session;
}

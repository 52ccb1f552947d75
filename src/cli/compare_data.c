/* The images of `cnn compare`: see compare_data.h. */
#include "compare_data.h"

#include "output.h"

#include <string.h>

static bool has_class(const cnn_dataset *data, const char *name)
{
    for (int i = 0; i < cnn_dataset_class_count(data); i++) {
        if (strcmp(cnn_dataset_class_name(data, i), name) == 0) {
            return true;
        }
    }
    return false;
}

/** What an evaluation would refuse is found before anything is trained. */
static cnn_exit check_test_images(const cnn_compare_data *data)
{
    if (cnn_dataset_count(data->test) == 0) {
        cnn_complain("%s has no test images", data->spec);
        return CNN_EXIT_FAILED;
    }
    for (int i = 0; i < cnn_dataset_class_count(data->test); i++) {
        const char *name = cnn_dataset_class_name(data->test, i);
        if (!has_class(data->train, name)) {
            cnn_complain("%s: the test images' class '%s' is not among those to train on", data->spec, name);
            return CNN_EXIT_FAILED;
        }
    }
    return CNN_EXIT_DONE;
}

cnn_exit cnn_compare_data_open(cnn_compare_data *data, const cnn_recipe *recipe)
{
    const cnn_shape shape = cnn_recipe_input(recipe);
    const cnn_fit fit = cnn_recipe_fit(recipe);
    if (data->train && memcmp(&shape, &data->shape, sizeof shape) == 0 && fit == data->fit) {
        return CNN_EXIT_DONE;
    }
    cnn_error error;
    cnn_compare_data_close(data);
    data->shape = shape;
    data->fit = fit;
    data->train = cnn_dataset_open_fitted(data->spec, CNN_SPLIT_TRAIN, shape, fit, &error);
    if (!data->train) {
        return cnn_complain_error(&error);
    }
    if (!data->tested) {
        return CNN_EXIT_DONE;
    }
    data->test = cnn_dataset_open_fitted(data->spec, CNN_SPLIT_TEST, shape, fit, &error);
    return data->test ? check_test_images(data) : cnn_complain_error(&error);
}

void cnn_compare_data_close(cnn_compare_data *data)
{
    cnn_dataset_free(data->train);
    cnn_dataset_free(data->test);
    data->train = data->test = NULL;
}

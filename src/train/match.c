/* Fitting a data set's images and classes to a model's, and models to each other. */
#include "train/match.h"

#include "base/memory.h"

#include <string.h>

static int find_class(const cnn_model *model, const char *name)
{
    const int count = cnn_model_class_count(model);
    for (int i = 0; i < count; i++) {
        if (strcmp(cnn_model_class_name(model, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

static cnn_status map_classes(const cnn_model *model, const cnn_dataset *data, int *labels, cnn_error *error)
{
    const int count = cnn_dataset_class_count(data), classes = cnn_model_class_count(model);
    for (int i = 0; i < count; i++) {
        const char *name = cnn_dataset_class_name(data, i);
        labels[i] = find_class(model, name);
        if (labels[i] < 0) {
            return cnn_fail(error, CNN_MISMATCH,
                            "the data's class '%s' is not among the model's %d, '%s' to '%s': evaluate on data of the "
                            "same classes",
                            name, classes, cnn_model_class_name(model, 0), cnn_model_class_name(model, classes - 1));
        }
    }
    return CNN_OK;
}

static cnn_status check_images(const cnn_model *model, const cnn_dataset *data, cnn_error *error)
{
    const cnn_shape ours = cnn_model_input(model), theirs = cnn_dataset_shape(data);
    if (ours.height != theirs.height || ours.width != theirs.width || ours.channels != theirs.channels) {
        return cnn_fail(error, CNN_MISMATCH, "the data's images are %dx%dx%d, the model reads %dx%dx%d", theirs.height,
                        theirs.width, theirs.channels, ours.height, ours.width, ours.channels);
    }
    if (cnn_dataset_count(data) == 0) {
        return cnn_fail(error, CNN_MISMATCH, "there is no image to evaluate on");
    }
    return CNN_OK;
}

cnn_status cnn_match_data(const cnn_model *model, const cnn_dataset *data, int **labels, cnn_error *error)
{
    cnn_status status = check_images(model, data, error);
    if (status != CNN_OK) {
        return status;
    }
    int *mapped = cnn_alloc((size_t)cnn_dataset_class_count(data), sizeof *mapped);
    status = mapped != NULL ? map_classes(model, data, mapped, error) : cnn_fail_memory(error);
    if (status != CNN_OK) {
        cnn_free(mapped);
        return status;
    }
    *labels = mapped;
    return CNN_OK;
}

/** classes[c] = the other model's class of the name that the first model's class c has. */
static cnn_status map_models(const cnn_model *first, const cnn_model *other, int number, int *classes, cnn_error *error)
{
    const int count = cnn_model_class_count(first);
    for (int c = 0; c < count; c++) {
        const char *name = cnn_model_class_name(first, c);
        classes[c] = strcmp(cnn_model_class_name(other, c), name) == 0 ? c : find_class(other, name);
        if (classes[c] < 0) {
            return cnn_fail(error, CNN_MISMATCH,
                            "model %d of the ensemble has no class '%s', which the first one has: they must have the "
                            "same classes",
                            number, name);
        }
    }
    return CNN_OK;
}

cnn_status cnn_match_models(const cnn_model *first, const cnn_model *other, int number, int **classes, cnn_error *error)
{
    const cnn_shape ours = cnn_model_input(first), theirs = cnn_model_input(other);
    const int count = cnn_model_class_count(first), other_count = cnn_model_class_count(other);
    if (ours.height != theirs.height || ours.width != theirs.width || ours.channels != theirs.channels) {
        return cnn_fail(error, CNN_MISMATCH, "model %d of the ensemble reads %dx%dx%d, the first one %dx%dx%d", number,
                        theirs.height, theirs.width, theirs.channels, ours.height, ours.width, ours.channels);
    }
    if (cnn_model_fit(first) != cnn_model_fit(other)) {
        return cnn_fail(error, CNN_MISMATCH,
                        "model %d of the ensemble and the first one fit pictures differently: "
                        "'fit' of their recipes' input must be the same",
                        number);
    }
    if (count != other_count) {
        return cnn_fail(error, CNN_MISMATCH, "model %d of the ensemble has %d classes, the first one %d", number,
                        other_count, count);
    }
    int *mapped = cnn_alloc((size_t)count, sizeof *mapped);
    const cnn_status status = mapped != NULL ? map_models(first, other, number, mapped, error) : cnn_fail_memory(error);
    if (status != CNN_OK) {
        cnn_free(mapped);
        return status;
    }
    *classes = mapped;
    return CNN_OK;
}

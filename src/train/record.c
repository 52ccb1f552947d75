/* What an evaluation measured, as entries of the model's metadata: the accuracy, and on which images. Other views
 * of the images give another figure, which has entries of its own. */
#include "base/memory.h"
#include "data/dataset.h"
#include "net/model.h"

/** The accuracy's entry and the images' for each kind of test-time augmentation. */
static const char *const keys[][2] = {
    [CNN_TTA_NONE] = {"accuracy.test", "accuracy.test.data"},
    [CNN_TTA_FLIP] = {"accuracy.test.flip", "accuracy.test.flip.data"},
    [CNN_TTA_FLIP_SHIFT] = {"accuracy.test.flip-shift", "accuracy.test.flip-shift.data"},
};

static cnn_status check(const cnn_model *model, const cnn_dataset *data, cnn_tta tta, const cnn_evaluation *evaluation,
                        cnn_error *error)
{
    if ((size_t)tta >= sizeof keys / sizeof keys[0]) {
        return cnn_fail(error, CNN_USAGE, "record: test-time augmentation %d is none", (int)tta);
    }
    if (evaluation->model_count != 1) {
        return cnn_fail(error, CNN_USAGE, "record: the accuracy of an ensemble of %d models is not that of one",
                        evaluation->model_count);
    }
    if (evaluation->count != data->count || evaluation->correct < 0 || evaluation->correct > data->count) {
        return cnn_fail(error, CNN_MISMATCH, "record: %d of %d images right is no evaluation on a data set of %d",
                        evaluation->correct, evaluation->count, data->count);
    }
    if (evaluation->class_count != cnn_model_class_count(model)) {
        return cnn_fail(error, CNN_MISMATCH, "record: an evaluation with %d classes is none of a model with %d",
                        evaluation->class_count, cnn_model_class_count(model));
    }
    return CNN_OK;
}

cnn_status cnn_model_record_test(cnn_model *model, const cnn_dataset *data, cnn_tta tta,
                                 const cnn_evaluation *evaluation, cnn_error *error)
{
    cnn_status status = check(model, data, tta, evaluation, error);
    char *origin = status == CNN_OK ? cnn_dataset_origin(data, error) : NULL;
    if (origin == NULL) {
        return status != CNN_OK ? status : CNN_MEMORY;
    }
    status = cnn_model_set_number(model, keys[tta][0], (double)evaluation->correct / data->count, error);
    if (status == CNN_OK) {
        status = cnn_model_set_metadata(model, keys[tta][1], origin, error);
    }
    if (status != CNN_OK) { /* an accuracy without its images, or with others, tells nothing */
        cnn_model_set_metadata(model, keys[tta][0], NULL, NULL);
        cnn_model_set_metadata(model, keys[tta][1], NULL, NULL);
    }
    cnn_free(origin);
    return status;
}

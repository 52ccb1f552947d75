/* What a model knows of its own certainty: the temperature, which makes its probabilities as large as they are right;
 * how familiar an image must be to it; and what images look like at first sight. All are numbers of the metadata. The
 * recipe names the first two, or training fits them, or they are not there: the temperature is then 1. */
#include "net/modelfile.h"

#include <math.h>
#include <string.h>

static const char temperature_key[] = "temperature", familiarity_key[] = "familiarity";
static const char appearance_key[] = "appearance";

/** Sets a field and its entry; a number outside the range, or none, is refused. */
static cnn_status set_number(cnn_model *model, const char *key, double value, const double range[2], double *field,
                             cnn_error *error)
{
    char number[CNN_NUMBER_LENGTH];
    if (!(value >= range[0] && value <= range[1])) {
        return cnn_fail(error, CNN_MISMATCH, "the %s must be a number from %g to %g", key, range[0], range[1]);
    }
    cnn_format_number(value, number);
    const cnn_status status = cnn_model_set_metadata(model, key, number, error);
    if (status == CNN_OK) {
        *field = value;
    }
    return status;
}

cnn_status cnn_model_set_temperature(cnn_model *model, double temperature, cnn_error *error)
{
    static const double range[] = {CNN_TEMPERATURE_LEAST, CNN_TEMPERATURE_MOST};
    return set_number(model, temperature_key, temperature, range, &model->temperature, error);
}

cnn_status cnn_model_set_familiarity(cnn_model *model, double familiarity, cnn_error *error)
{
    static const double range[] = {-CNN_FAMILIARITY_MOST, CNN_FAMILIARITY_MOST};
    return set_number(model, familiarity_key, familiarity, range, &model->familiarity, error);
}

cnn_status cnn_model_set_appearance(cnn_model *model, const double ranges[CNN_APPEARANCE_COUNT][2], cnn_error *error)
{
    cnn_text text = {0};
    for (int f = 0; f < CNN_APPEARANCE_COUNT; f++) {
        if (!isfinite(ranges[f][0]) || !isfinite(ranges[f][1])) {
            return cnn_fail(error, CNN_MISMATCH, "the appearance must be finite numbers");
        }
    }
    cnn_modelfile_numbers(&text, ranges[0], 2 * CNN_APPEARANCE_COUNT);
    const cnn_status status = cnn_model_take_metadata(model, appearance_key, &text, error);
    if (status == CNN_OK) {
        memmove(model->appearance, ranges, sizeof model->appearance);
        model->has_appearance = true;
    }
    return status;
}

cnn_status cnn_model_plan_calibration(cnn_model *model, cnn_error *error)
{
    cnn_train_options options;
    cnn_recipe_train_options(model->recipe, &options);
    cnn_status status = CNN_OK;
    if (options.temperature != CNN_OPTION_AUTO) {
        status = cnn_model_set_temperature(model, options.temperature, error);
    }
    if (options.familiarity != CNN_OPTION_AUTO && status == CNN_OK) {
        status = cnn_model_set_familiarity(model, options.familiarity, error);
    }
    return status;
}

static cnn_status read_appearance(cnn_model *model, cnn_error *error)
{
    double ranges[CNN_APPEARANCE_COUNT][2];
    const char *text = cnn_model_metadata(model, appearance_key);
    if (text == NULL) {
        return CNN_OK;
    }
    if (!cnn_modelfile_parse_numbers(text, 2 * CNN_APPEARANCE_COUNT, ranges[0])) {
        return cnn_fail(error, CNN_MISMATCH, "the appearance needs %d numbers", 2 * CNN_APPEARANCE_COUNT);
    }
    return cnn_model_set_appearance(model, ranges, error);
}

cnn_status cnn_model_read_calibration(cnn_model *model, cnn_error *error)
{
    const struct {
        const char *key;
        cnn_status (*set)(cnn_model *, double, cnn_error *);
    } entries[] = {{temperature_key, cnn_model_set_temperature}, {familiarity_key, cnn_model_set_familiarity}};
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < sizeof entries / sizeof *entries && status == CNN_OK; i++) {
        const char *text = cnn_model_metadata(model, entries[i].key);
        double value;
        if (text != NULL) {
            status = cnn_parse_number(text, strlen(text), &value)
                         ? entries[i].set(model, value, error)
                         : cnn_fail(error, CNN_MISMATCH, "the %s is not a number", entries[i].key);
        }
    }
    return status == CNN_OK ? read_appearance(model, error) : status;
}

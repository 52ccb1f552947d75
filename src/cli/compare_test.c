/* Evaluations of `cnn compare`: see compare_test.h. */
#include "compare_test.h"

#include "open.h"
#include "output.h"

#include <math.h>

/** The names of cnn_run_test's fields in the file. */
static const struct {
    const char *name;
    size_t offset;
} fields[] = {
    {"accuracy", offsetof(cnn_run_test, accuracy)},
    {"loss", offsetof(cnn_run_test, loss)},
    {"calibration_error", offsetof(cnn_run_test, calibration_error)},
};
#define FIELDS (sizeof fields / sizeof *fields)

static double *field(cnn_run_test *test, size_t index)
{
    return (double *)(void *)((char *)test + fields[index].offset);
}

cnn_exit cnn_run_test_make(cnn_model *model, const cnn_dataset *data, const cnn_session_options *options,
                           cnn_run_test *test)
{
    const cnn_models models = {.items = &model, .count = 1};
    cnn_session *session = cnn_open_session(&models, options);
    if (!session) {
        return CNN_EXIT_FAILED;
    }
    cnn_error error;
    cnn_evaluation evaluation = {.accuracy = NAN, .loss = NAN, .calibration_error = NAN};
    const cnn_status status = cnn_session_evaluate(session, data, &evaluation, &error);
    cnn_session_free(session);
    if (status != CNN_OK && status != CNN_DIVERGED) {
        return cnn_complain_error(&error);
    }
    *test = (cnn_run_test){.known = true,
                           .accuracy = evaluation.accuracy,
                           .loss = evaluation.loss,
                           .calibration_error = evaluation.calibration_error};
    cnn_free(evaluation.confusion);
    return CNN_EXIT_DONE;
}

json_t *cnn_run_tests_json(cnn_run_test *tests)
{
    json_t *object = json_object();
    for (int i = 0; i < CNN_RUN_TESTS; i++) {
        if (tests[i].known) {
            json_t *test = json_object();
            for (size_t k = 0; k < FIELDS; k++) {
                json_object_set_new(test, fields[k].name, cnn_json_number(*field(&tests[i], k)));
            }
            json_object_set_new(object, cnn_tta_name((cnn_tta)i), test);
        }
    }
    return object;
}

void cnn_run_tests_take(const json_t *stored, cnn_run_test *tests)
{
    for (int i = 0; i < CNN_RUN_TESTS; i++) {
        const json_t *test = json_object_get(stored, cnn_tta_name((cnn_tta)i));
        tests[i].known = true;
        for (size_t k = 0; k < FIELDS; k++) {
            const json_t *number = json_object_get(test, fields[k].name);
            *field(&tests[i], k) = json_is_number(number) ? json_number_value(number) : NAN;
            tests[i].known = tests[i].known && (json_is_number(number) || json_is_null(number));
        }
    }
}

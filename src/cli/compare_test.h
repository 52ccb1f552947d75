/* What `cnn compare --test` measures of a run: how its model does on the test images, without test-time augmentation
 * and with the one that was asked for. */
#ifndef CNN_CLI_COMPARE_TEST_H
#define CNN_CLI_COMPARE_TEST_H

#include "cnn.h"
#include "command.h"

#include <jansson.h>

/** One evaluation. */
typedef struct cnn_run_test {
    bool known;                               /* it was made */
    double accuracy, loss, calibration_error; /* NaN where the model's outputs are not finite */
} cnn_run_test;

/** A run has room for one of each test-time augmentation, in the order of cnn_tta. */
#define CNN_RUN_TESTS ((int)CNN_TTA_FLIP_SHIFT + 1)

/** Evaluates the model on `data`, with threads and augmentation of `options`, into *test. Tells why it failed. */
cnn_exit cnn_run_test_make(cnn_model *model, const cnn_dataset *data, const cnn_session_options *options,
                           cnn_run_test *test);

/** {"none": {"accuracy": 0.9, "loss": 0.3}, ...}: those of tests[CNN_RUN_TESTS] that are known. */
json_t *cnn_run_tests_json(cnn_run_test *tests);
/** The same back; what is damaged or not there is not known. */
void cnn_run_tests_take(const json_t *stored, cnn_run_test *tests);

#endif

/* Evaluating: counts, interval, loss and confusion against what classifying the same images gives. */
#include "base/memory.h"
#include "net/model.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 10, SIZE = 6 * 6, CLASSES = 3 };

static const char *const names[] = {"cat", "dog", "ox"};

static uint8_t pixels[IMAGES * SIZE];
static float probabilities[IMAGES][CLASSES];
static int predicted[IMAGES];
static cnn_model *model;
static cnn_session *session;

static int set_up(void **state)
{
    (void)state;
    cnn_recipe *recipe =
        cnn_recipe_parse("input 6x6x1 scale=symmetric\nconv filters=4\nrelu\ndense units=3\n", "test", NULL);
    model = cnn_model_new(recipe, 4, NULL);
    cnn_recipe_free(recipe);
    uint32_t seed = 5;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    if (model == NULL || cnn_model_set_classes(model, names, CLASSES, NULL) != CNN_OK) {
        return -1;
    }
    session = cnn_session_new(model, &(cnn_session_options){.threads = 1, .batch = 4}, NULL);
    if (session == NULL || cnn_session_classify_pixels(session, pixels, IMAGES, probabilities[0], NULL) != CNN_OK) {
        return -1;
    }
    for (int i = 0; i < IMAGES; i++) {
        for (int c = 1; c < CLASSES; c++) {
            predicted[i] = probabilities[i][c] > probabilities[i][predicted[i]] ? c : predicted[i];
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_session_free(session);
    cnn_model_free(model);
    return 0;
}

/** Data whose first `right` labels are what the model predicts, the others not, under the given class names. */
static cnn_dataset *make_data(int right, const char *const *class_names, const int *label_of)
{
    int labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = label_of[i < right ? predicted[i] : (predicted[i] + 1) % CLASSES];
    }
    const cnn_dataset_content content = {pixels, labels, IMAGES, {6, 6, 1}, class_names, CLASSES};
    cnn_dataset *data = cnn_dataset_new(&content, NULL);
    assert_non_null(data);
    return data;
}

static cnn_evaluation evaluate(int right)
{
    cnn_evaluation result;
    cnn_dataset *data = make_data(right, names, (const int[]){0, 1, 2});
    assert_int_equal(cnn_session_evaluate(session, data, &result, NULL), CNN_OK);
    cnn_dataset_free(data);
    return result;
}

static void counts_and_loss_agree_with_classifying(void **state)
{
    (void)state;
    cnn_evaluation found = evaluate(8);
    int confusion[CLASSES * CLASSES] = {0};
    double loss = 0;
    for (int i = 0; i < IMAGES; i++) {
        const int actual = i < 8 ? predicted[i] : (predicted[i] + 1) % CLASSES;
        confusion[actual * CLASSES + predicted[i]]++;
        loss -= log((double)probabilities[i][actual]) / IMAGES;
    }
    assert_int_equal(found.count, IMAGES);
    assert_int_equal(found.correct, 8);
    assert_int_equal(found.class_count, CLASSES);
    assert_true(found.accuracy == 0.8);
    assert_true(fabs(found.loss - loss) < 1e-5);
    assert_memory_equal(found.confusion, confusion, sizeof confusion);
    assert_int_equal(found.unfamiliar, -1);
    cnn_free(found.confusion);
}

/** A bin at a time: the images whose probability is in it, how many of them are right, and how sure all are of that. */
static void the_calibration_error_is_a_mean_over_bins(void **state)
{
    (void)state;
    for (int right = 0; right <= IMAGES; right += 5) {
        double expected = 0;
        for (int b = 0; b < 15; b++) {
            double sure = 0;
            int correct = 0, count = 0;
            for (int i = 0; i < IMAGES; i++) {
                const double confidence = (double)probabilities[i][predicted[i]];
                if (confidence > b / 15.0 && confidence <= (b + 1) / 15.0) {
                    sure += confidence;
                    correct += i < right;
                    count++;
                }
            }
            expected += count > 0 ? (double)count / IMAGES * fabs((double)correct / count - sure / count) : 0;
        }
        cnn_evaluation found = evaluate(right);
        assert_true(expected > 0.01 && fabs(found.calibration_error - expected) < 1e-6);
        cnn_free(found.confusion);
    }
}

/** The expected values are the formula's, computed by another program. */
static void the_interval_is_wilsons(void **state)
{
    (void)state;
    static const struct {
        int right;
        double low, high;
    } cases[] = {{8, 0.4901625, 0.9433178}, {0, 0, 0.2775328}, {10, 0.7224672, 1}, {5, 0.2365931, 0.7634069}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_evaluation found = evaluate(cases[i].right);
        assert_true(fabs(found.interval_low - cases[i].low) < 1e-6);
        assert_true(fabs(found.interval_high - cases[i].high) < 1e-6);
        cnn_free(found.confusion);
    }
}

static void classes_are_found_by_name(void **state)
{
    (void)state;
    cnn_evaluation expected = evaluate(6), found;
    cnn_dataset *data = make_data(6, (const char *const[]){"ox", "cat", "dog"}, (const int[]){1, 2, 0});
    assert_int_equal(cnn_session_evaluate(session, data, &found, NULL), CNN_OK);
    assert_int_equal(found.correct, 6);
    assert_true(found.loss == expected.loss);
    assert_memory_equal(found.confusion, expected.confusion, CLASSES * CLASSES * sizeof(int));
    cnn_dataset_free(data);
    cnn_free(found.confusion);
    cnn_free(expected.confusion);
}

static void threads_and_batch_do_not_matter(void **state)
{
    (void)state;
    cnn_evaluation expected = evaluate(7), found;
    cnn_dataset *data = make_data(7, names, (const int[]){0, 1, 2});
    for (int threads = 1; threads <= 3; threads++) {
        for (int batch = 1; batch <= 16; batch += 3) {
            cnn_session *other =
                cnn_session_new(model, &(cnn_session_options){.threads = threads, .batch = batch}, NULL);
            assert_int_equal(cnn_session_evaluate(other, data, &found, NULL), CNN_OK);
            assert_int_equal(found.correct, expected.correct);
            assert_true(batch == 4 ? found.loss == expected.loss : fabs(found.loss - expected.loss) < 1e-6);
            assert_memory_equal(found.confusion, expected.confusion, CLASSES * CLASSES * sizeof(int));
            cnn_free(found.confusion);
            cnn_session_free(other);
        }
    }
    cnn_dataset_free(data);
    cnn_free(expected.confusion);
}

static void data_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    cnn_error error;
    cnn_evaluation untouched = {.count = 42};
    cnn_dataset *data = make_data(5, (const char *const[]){"cat", "dog", "cow"}, (const int[]){0, 1, 2});
    assert_int_equal(cnn_session_evaluate(session, data, &untouched, &error), CNN_MISMATCH);
    assert_non_null(strstr(error.message, "'cow'"));
    cnn_dataset_free(data);
    const cnn_dataset_content wide = {pixels, (const int[]){0, 1}, 2, {3, 12, 1}, names, CLASSES};
    data = cnn_dataset_new(&wide, NULL);
    assert_int_equal(cnn_session_evaluate(session, data, &untouched, &error), CNN_MISMATCH);
    assert_non_null(strstr(error.message, "3x12x1"));
    assert_non_null(strstr(error.message, "6x6x1"));
    cnn_dataset_free(data);
    assert_int_equal(untouched.count, 42);
}

static void outputs_that_are_not_finite_are_an_error(void **state)
{
    (void)state;
    cnn_model *huge = cnn_model_copy(model, NULL);
    for (size_t i = 0; i < huge->network->parameter_count; i++) {
        huge->parameters[i] = (cnn_real)3e38;
    }
    cnn_session *other = cnn_session_new(huge, NULL, NULL);
    cnn_dataset *data = make_data(5, names, (const int[]){0, 1, 2});
    cnn_error error;
    cnn_evaluation untouched = {.count = 42};
    assert_int_equal(cnn_session_evaluate(other, data, &untouched, &error), CNN_DIVERGED);
    assert_int_equal(untouched.count, 42);
    cnn_dataset_free(data);
    cnn_session_free(other);
    cnn_model_free(huge);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_error error;
    cnn_evaluation found = {0};
    cnn_status status = CNN_MEMORY;
    cnn_dataset *data = make_data(5, names, (const int[]){0, 1, 2});
    for (long k = 0; status != CNN_OK; k++) {
        cnn_alloc_fail_after(k, false);
        status = cnn_session_evaluate(session, data, &found, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || (error.status == CNN_MEMORY && found.confusion == NULL));
    }
    cnn_free(found.confusion);
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_loss_agree_with_classifying),
        cmocka_unit_test(the_calibration_error_is_a_mean_over_bins),
        cmocka_unit_test(the_interval_is_wilsons),
        cmocka_unit_test(classes_are_found_by_name),
        cmocka_unit_test(threads_and_batch_do_not_matter),
        cmocka_unit_test(data_that_does_not_fit_is_refused),
        cmocka_unit_test(outputs_that_are_not_finite_are_an_error),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Recording an evaluation in a model: its entries by views, what is refused, and what is left where memory is out. */
#include "base/memory.h"
#include "data/dataset.h"
#include "net/model.h"
#include "unit/unit.h"

#include <string.h>

enum { IMAGES = 7, CLASSES = 3 };

static const cnn_evaluation six_right = {.count = IMAGES, .correct = 6, .class_count = CLASSES, .model_count = 1};
static cnn_model *model;
static cnn_dataset *data;

static int set_up(void **state)
{
    (void)state;
    static const uint8_t pixels[IMAGES * 4 * 4] = {0};
    static const int labels[IMAGES] = {0, 1, 2, 0, 1, 2, 0};
    static const char *const names[CLASSES] = {"cat", "dog", "ox"};
    const cnn_dataset_content content = {pixels, labels, IMAGES, {4, 4, 1}, names, CLASSES};
    cnn_recipe *recipe = cnn_recipe_parse("input 4x4x1\ndense units=3\n", "test", NULL);
    model = cnn_model_new(recipe, 1, NULL);
    data = cnn_dataset_new(&content, NULL);
    cnn_recipe_free(recipe);
    return model != NULL && data != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_model_free(model);
    cnn_dataset_free(data);
    return 0;
}

static void assert_entries(const char *accuracy_key, const char *accuracy)
{
    char key[60];
    char *origin = cnn_dataset_origin(data, NULL);
    assert_string_equal(cnn_model_metadata(model, accuracy_key), accuracy);
    strcpy(key, accuracy_key);
    assert_string_equal(cnn_model_metadata(model, strcat(key, ".data")), origin);
    cnn_free(origin);
}

static void each_kind_of_views_has_its_own_record(void **state)
{
    (void)state;
    cnn_evaluation one_right = six_right;
    one_right.correct = 1;
    assert_int_equal(cnn_model_record_test(model, data, CNN_TTA_FLIP, &six_right, NULL), CNN_OK);
    assert_null(cnn_model_metadata(model, "accuracy.test"));
    assert_int_equal(cnn_model_record_test(model, data, CNN_TTA_NONE, &six_right, NULL), CNN_OK);
    assert_int_equal(cnn_model_record_test(model, data, CNN_TTA_FLIP_SHIFT, &one_right, NULL), CNN_OK);
    assert_entries("accuracy.test", "0.8571428571428571");
    assert_entries("accuracy.test.flip", "0.8571428571428571");
    assert_entries("accuracy.test.flip-shift", "0.14285714285714285");
    const int count = model->metadata_count;
    assert_int_equal(cnn_model_record_test(model, data, CNN_TTA_NONE, &one_right, NULL), CNN_OK);
    assert_entries("accuracy.test", "0.14285714285714285");
    assert_entries("accuracy.test.flip", "0.8571428571428571");
    assert_int_equal(model->metadata_count, count);
}

static void what_is_no_evaluation_of_the_model_is_refused(void **state)
{
    (void)state;
    static const struct {
        cnn_evaluation evaluation;
        int tta;
        cnn_status status;
    } cases[] = {
        {{.count = IMAGES, .correct = 6, .class_count = CLASSES, .model_count = 2}, CNN_TTA_NONE, CNN_USAGE},
        {{.count = IMAGES, .correct = 6, .class_count = CLASSES, .model_count = 1}, 3, CNN_USAGE},
        {{.count = IMAGES, .correct = 6, .class_count = CLASSES, .model_count = 1}, -1, CNN_USAGE},
        {{.count = IMAGES + 1, .correct = 6, .class_count = CLASSES, .model_count = 1}, CNN_TTA_NONE, CNN_MISMATCH},
        {{.count = IMAGES, .correct = 8, .class_count = CLASSES, .model_count = 1}, CNN_TTA_NONE, CNN_MISMATCH},
        {{.count = IMAGES, .correct = -1, .class_count = CLASSES, .model_count = 1}, CNN_TTA_NONE, CNN_MISMATCH},
        {{.count = IMAGES, .correct = 6, .class_count = 4, .model_count = 1}, CNN_TTA_NONE, CNN_MISMATCH},
    };
    assert_int_equal(cnn_model_record_test(model, data, CNN_TTA_NONE, &six_right, NULL), CNN_OK);
    const int count = model->metadata_count;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_error error;
        assert_int_equal(cnn_model_record_test(model, data, (cnn_tta)cases[i].tta, &cases[i].evaluation, &error),
                         cases[i].status);
        assert_int_equal(error.status, cases[i].status);
        assert_entries("accuracy.test", "0.8571428571428571");
        assert_int_equal(model->metadata_count, count);
    }
}

/** Both entries are there, or neither: before, after a success, and where the k-th allocation fails. */
static void without_memory_no_half_of_a_record_is_left(void **state)
{
    (void)state;
    const int count = model->metadata_count;
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        assert_true(k < 50);
        cnn_error error;
        cnn_alloc_fail_after(k, false);
        status = cnn_model_record_test(model, data, CNN_TTA_NONE, &six_right, &error);
        cnn_alloc_fail_after(-1, false);
        assert_int_equal(model->metadata_count, status == CNN_OK ? count + 2 : count);
        assert_true(status == CNN_OK || error.status == CNN_MEMORY);
    }
    assert_entries("accuracy.test", "0.8571428571428571");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_of_views_has_its_own_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_evaluation_of_the_model_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_no_half_of_a_record_is_left, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

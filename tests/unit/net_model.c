/* A model in memory: made, copied, named, looked at. */
#include "base/memory.h"
#include "net/model.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char recipe_text[] = "input 6x6x3 scale=symmetric\n"
                                  "conv filters=4 kernel=3\n"
                                  "batchnorm\n"
                                  "relu\n"
                                  "globalavgpool\n"
                                  "dense units=3\n"
                                  "train epochs=2 batch=4\n";

static cnn_model *make(uint64_t seed)
{
    cnn_recipe *recipe = cnn_recipe_parse(recipe_text, "test", NULL);
    assert_non_null(recipe);
    cnn_model *model = cnn_model_new(recipe, seed, NULL);
    cnn_recipe_free(recipe);
    assert_non_null(model);
    return model;
}

static void a_new_model_is_complete(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    assert_int_equal(cnn_model_input(model).height, 6);
    assert_int_equal(cnn_model_input(model).channels, 3);
    assert_int_equal(cnn_model_class_count(model), 3);
    assert_string_equal(cnn_model_class_name(model, 0), "0");
    assert_string_equal(cnn_model_class_name(model, 2), "2");
    assert_null(cnn_model_class_name(model, 3));
    assert_null(cnn_model_class_name(model, -1));
    assert_string_equal(cnn_model_metadata(model, "classes"), "[\"0\",\"1\",\"2\"]");
    assert_string_equal(cnn_model_metadata(model, "version"), cnn_version());
    assert_string_equal(cnn_model_metadata(model, "scale.mean"), "[0.5,0.5,0.5]");
    assert_non_null(strstr(cnn_model_metadata(model, "recipe"), "conv filters=4\n"));
    assert_null(cnn_model_metadata(model, "origin.data"));
    cnn_model_free(model);
}

static void the_seed_alone_decides_the_weights(void **state)
{
    (void)state;
    cnn_model *a = make(7), *b = make(7), *c = make(8);
    const size_t size = a->network->parameter_count * sizeof *a->parameters;
    assert_memory_equal(a->parameters, b->parameters, size);
    assert_memory_not_equal(a->parameters, c->parameters, size);
    cnn_model_free(a);
    cnn_model_free(b);
    cnn_model_free(c);
}

static void the_scale_is_the_recipes(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        double black, white;
    } scales[] = {{"standardize", 0, 1}, {"unit", 0, 1}, {"symmetric", -1, 1}, {"none", 0, 255}};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "input 1x2x1 scale=%s\ndense units=2\n", scales[i].word);
        cnn_recipe *recipe = cnn_recipe_parse(text, "test", NULL);
        cnn_model *model = cnn_model_new(recipe, 0, NULL);
        assert_non_null(model);
        assert_true(fabs((0 - model->mean[0]) / model->deviation[0] - scales[i].black) < 1e-12);
        assert_true(fabs((1 - model->mean[0]) / model->deviation[0] - scales[i].white) < 1e-12);
        cnn_model_free(model);
        cnn_recipe_free(recipe);
    }
}

static void each_channel_has_its_own_scale(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    assert_int_equal(cnn_model_set_scale(model, (const double[]){0, 0.5, 1}, (const double[]){1, 0.5, 0.25}, NULL),
                     CNN_OK);
    assert_string_equal(cnn_model_metadata(model, "scale.deviation"), "[1,0.5,0.25]");
    assert_true(model->mean[1] == 0.5 && model->deviation[2] == 0.25);
    cnn_error error;
    assert_int_equal(cnn_model_set_scale(model, (const double[]){0, 0, 0}, (const double[]){1, 0, 1}, &error),
                     CNN_MISMATCH);
    assert_int_equal(cnn_model_set_scale(model, (const double[]){0, NAN, 0}, (const double[]){1, 1, 1}, &error),
                     CNN_MISMATCH);
    assert_string_equal(cnn_model_metadata(model, "scale.mean"), "[0,0.5,1]");
    cnn_model_free(model);
}

static void classes_are_named_once_each(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    cnn_error error;
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    long_name[256] = '\0';
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"cat", "dog", "\"ox\""}, 3, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a", "b"}, 2, &error), CNN_MISMATCH);
    assert_non_null(strstr(error.message, "units=2"));
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a", "b", "a"}, 3, &error), CNN_MISMATCH);
    assert_non_null(strstr(error.message, "'a'"));
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a", "", "b"}, 3, &error), CNN_MISMATCH);
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a", long_name, "b"}, 3, &error), CNN_MISMATCH);
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a", "\xe9t\xe9", "b"}, 3, &error), CNN_USAGE);
    assert_string_equal(cnn_model_class_name(model, 1), "dog");
    assert_string_equal(cnn_model_metadata(model, "classes"), "[\"cat\",\"dog\",\"\\\"ox\\\"\"]");
    cnn_model_free(model);
}

static void metadata_stays_sorted(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    static const char *const keys[] = {"m", "z", "a", "origin.data", "b-2", "accuracy.validation"};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cnn_model_set_metadata(model, keys[i], keys[i], NULL), CNN_OK);
    }
    assert_int_equal(cnn_model_set_metadata(model, "m", "again", NULL), CNN_OK);
    assert_int_equal(cnn_model_set_metadata(model, "z", NULL, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_metadata(model, "never there", NULL, NULL), CNN_OK);
    for (int i = 1; i < model->metadata_count; i++) {
        assert_true(strcmp(model->keys[i - 1], model->keys[i]) < 0);
    }
    assert_string_equal(cnn_model_metadata(model, "m"), "again");
    assert_string_equal(cnn_model_metadata(model, "a"), "a");
    assert_null(cnn_model_metadata(model, "z"));
    cnn_model_free(model);
}

static void metadata_that_a_file_cannot_hold_is_refused(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    const int before = model->metadata_count;
    static const char *const keys[] = {"", "with space", "quo\"te", "kind", "crc32", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(cnn_model_set_metadata(model, keys[i], "x", NULL), CNN_USAGE);
    }
    assert_int_equal(cnn_model_set_metadata(model, "key", "\xff", NULL), CNN_USAGE);
    assert_int_equal(model->metadata_count, before);
    cnn_status status = CNN_OK;
    for (int i = 0; i < 2000 && status == CNN_OK; i++) {
        char key[20];
        snprintf(key, sizeof key, "key.%d", i);
        status = cnn_model_set_metadata(model, key, "", NULL);
    }
    assert_int_equal(status, CNN_USAGE);
    assert_int_equal(cnn_model_set_metadata(model, "key.0", "still replaced", NULL), CNN_OK);
    cnn_model_free(model);
}

static void an_appearance_is_finite(void **state)
{
    (void)state;
    const double wrong[2] = {NAN, -INFINITY};
    cnn_model *model = make(1);
    for (int i = 0; i < 2; i++) {
        double appearance[CNN_APPEARANCE_COUNT][2] = {{0, 1}};
        appearance[CNN_APPEARANCE_COUNT - 1][i] = wrong[i];
        assert_int_equal(cnn_model_set_appearance(model, appearance, NULL), CNN_MISMATCH);
    }
    assert_false(model->has_appearance);
    cnn_model_free(model);
}

static void a_copy_is_deep(void **state)
{
    (void)state;
    cnn_model *model = make(3);
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"x", "y", "z"}, 3, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_metadata(model, "origin.seed", "3", NULL), CNN_OK);
    cnn_model *copy = cnn_model_copy(model, NULL);
    unsigned char *expected, *found;
    size_t expected_size, found_size;
    assert_int_equal(cnn_model_encode(model, NULL, 0, &expected, &expected_size, NULL), CNN_OK);
    cnn_model_free(model);
    assert_int_equal(cnn_model_encode(copy, NULL, 0, &found, &found_size, NULL), CNN_OK);
    assert_int_equal(found_size, expected_size);
    assert_memory_equal(found, expected, expected_size);
    cnn_free(expected);
    cnn_free(found);
    cnn_model_free(copy);
}

static void layers_are_listed(void **state)
{
    (void)state;
    cnn_model *model = make(1);
    cnn_layer_info info;
    assert_true(cnn_model_layer(model, 0, &info));
    assert_string_equal(info.name, "conv1");
    assert_string_equal(info.text, "conv filters=4");
    assert_int_equal(info.parameters, 4 * 3 * 3 * 3 + 4);
    assert_int_equal(info.multiply_adds, (int64_t)info.output.height * info.output.width * 4 * 27);
    assert_true(cnn_model_layer(model, 1, &info));
    assert_int_equal(info.parameters, 8); /* gain and bias; mean and variance are not trained */
    assert_true(cnn_model_layer(model, 4, &info));
    assert_string_equal(info.name, "dense1");
    assert_string_equal(info.algorithm, "");
    assert_int_equal(info.parameters, 15);
    assert_int_equal(info.output.channels, 3);
    assert_false(cnn_model_layer(model, 5, &info));
    assert_false(cnn_model_layer(model, -1, &info));
    cnn_model_free(model);
}

static void a_recipe_that_does_not_fit_is_named(void **state)
{
    (void)state;
    cnn_recipe *recipe = cnn_recipe_parse("input 4x4x1\nmaxpool size=9\ndense units=2\n", "bad.recipe", NULL);
    assert_non_null(recipe);
    cnn_error error;
    assert_null(cnn_model_new(recipe, 0, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_non_null(strstr(error.message, "bad.recipe:2:1: maxpool: "));
    cnn_recipe_free(recipe);
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    cnn_recipe *recipe = cnn_recipe_parse(recipe_text, "test", NULL);
    cnn_model *original = make(1), *made = NULL, *copy = NULL;
    cnn_error error;
    for (long k = 0; made == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        made = cnn_model_new(recipe, 1, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(made != NULL || error.status == CNN_MEMORY);
    }
    for (long k = 0; copy == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        copy = cnn_model_copy(original, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(copy != NULL || error.status == CNN_MEMORY);
    }
    cnn_model_free(original);
    cnn_model_free(made);
    cnn_model_free(copy);
    cnn_model_free(NULL);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_model_is_complete),
        cmocka_unit_test(the_seed_alone_decides_the_weights),
        cmocka_unit_test(the_scale_is_the_recipes),
        cmocka_unit_test(each_channel_has_its_own_scale),
        cmocka_unit_test(classes_are_named_once_each),
        cmocka_unit_test(metadata_stays_sorted),
        cmocka_unit_test(metadata_that_a_file_cannot_hold_is_refused),
        cmocka_unit_test(an_appearance_is_finite),
        cmocka_unit_test(a_copy_is_deep),
        cmocka_unit_test(layers_are_listed),
        cmocka_unit_test(a_recipe_that_does_not_fit_is_named),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

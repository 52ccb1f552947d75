/* Reading and writing a model where memory is out, sizes are beyond it, or the machine is not what it is told to be. */
#include "base/memory.h"
#include "net/modelfile.h"
#include "unit/modelfile.h"

#include <jansson.h>
#include <limits.h>

/** Sizes that nobody can have are refused before they are added up. */
static void a_state_too_large_is_refused(void **state)
{
    (void)state;
    cnn_model *model = make_model(NULL);
    cnn_network network = *model->network;
    cnn_state_block states = {"momentum", NULL, network.parameter_count, false};
    cnn_modelfile_tensor *list = NULL;
    int count = 0;
    cnn_error error;
    network.slot_count = INT_MAX;
    assert_int_equal(cnn_modelfile_plan(&network, &states, 1, &list, &count, &error), CNN_MEMORY);
    network.slot_count = model->network->slot_count;
    network.parameter_count = states.count = SIZE_MAX / 4;
    assert_int_equal(cnn_modelfile_plan(&network, &states, 1, &list, &count, &error), CNN_MEMORY);
    states.prefix = "a name that is far longer than any tensor's, by much more than one letter or two";
    assert_int_equal(cnn_modelfile_plan(&network, &states, 1, &list, &count, &error), CNN_USAGE);
    assert_non_null(strstr(error.message, "than one letter or two is too long"));
    assert_null(list);
    cnn_model_free(model);
}

static const char calibrated[] = "input 3x3x1\nconv filters=2 kernel=3\nbatchnorm\nglobalavgpool\ndense units=2\n"
                                 "train temperature=2 familiarity=3\n";

static void a_model_that_cannot_be_made_is_not(void **state)
{
    (void)state;
    cnn_error error;
    cnn_recipe *recipe = cnn_recipe_parse(calibrated, "test.recipe", NULL);
    cnn_model *model = NULL;
    for (long k = 0; model == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        model = cnn_model_new(recipe, 1, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(model != NULL || error.status == CNN_MEMORY);
    }
    assert_true(model->temperature == 2 && model->familiarity == 3);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
}

/** A model that knows all that a model can. */
static file make_full_file(void)
{
    cnn_model *model = make_model(calibrated);
    static const double appearance[CNN_APPEARANCE_COUNT][2] = {{0, 1}};
    assert_int_equal(cnn_model_set_appearance(model, appearance, NULL), CNN_OK);
    const file f = encode(model);
    cnn_model_free(model);
    return f;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    const file f = make_full_file();
    cnn_model *read = NULL;
    cnn_error error;
    for (long k = 0; read == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        read = decode(f.bytes, f.size, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(read != NULL || error.status == CNN_MEMORY);
    }
    file again = {0};
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        cnn_alloc_fail_after(k, false);
        status = cnn_model_encode(read, NULL, 0, &again.bytes, &again.size, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || (error.status == CNN_MEMORY && again.bytes == NULL));
    }
    assert_memory_equal(again.bytes, f.bytes, f.size);
    cnn_free(again.bytes);
    cnn_free(f.bytes);
    cnn_model_free(read);
}

static long json_left; /* allocations of the parser's own that still succeed */

static void *json_memory(size_t size)
{
    if (json_left-- > 0) {
        return malloc(size);
    }
    return NULL;
}

static void failing_allocations_of_json_are_reported(void **state)
{
    (void)state;
    const file f = make_full_file();
    cnn_model *read = NULL;
    cnn_error error;
    for (long k = 0; read == NULL; k++) {
        json_left = k;
        json_set_alloc_funcs(json_memory, free);
        read = decode(f.bytes, f.size, &error);
        json_set_alloc_funcs(malloc, free);
        assert_true(read != NULL || error.status == CNN_MEMORY);
    }
    cnn_free(f.bytes);
    cnn_model_free(read);
}

static void a_failing_calibration_changes_nothing(void **state)
{
    (void)state;
    static const double appearance[CNN_APPEARANCE_COUNT][2] = {{0, 1}};
    cnn_model *model = make_model(NULL);
    for (long k = 0; k < 2; k++) {
        cnn_alloc_fail_after(k, false);
        assert_int_equal(cnn_model_set_temperature(model, 2, NULL), CNN_MEMORY);
        cnn_alloc_fail_after(k, false);
        assert_int_equal(cnn_model_set_appearance(model, appearance, NULL), CNN_MEMORY);
        cnn_alloc_fail_after(-1, false);
        assert_true(model->temperature == 1 && !model->has_appearance);
        assert_null(cnn_model_metadata(model, "temperature"));
    }
    cnn_model_free(model);
}

static void an_unknown_level_is_the_machines_fault(void **state)
{
    (void)state;
    const file f = make_file();
    cnn_error error;
    assert_int_equal(setenv("CNN_ISA", "none", 1), 0);
    assert_null(decode(f.bytes, f.size, &error));
    assert_int_equal(unsetenv("CNN_ISA"), 0);
    assert_int_equal(error.status, CNN_PLATFORM);
    assert_int_equal(strncmp(error.message, "environment: CNN_ISA=none", 25), 0);
    cnn_free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_too_large_is_refused),
        cmocka_unit_test(a_model_that_cannot_be_made_is_not),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(failing_allocations_of_json_are_reported),
        cmocka_unit_test(a_failing_calibration_changes_nothing),
        cmocka_unit_test(an_unknown_level_is_the_machines_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

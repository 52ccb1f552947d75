/* The planner's choices as the public interface shows them, and tuning a whole network. */
#include "base/memory.h"
#include "net/model.h"
#include "net/program.h"
#include "unit/unit.h"

#include <string.h>

static const char recipe_text[] = "input 28x28x1\nconv filters=20 kernel=5\nbatchnorm\nrelu\nmaxpool size=2\n"
                                  "conv filters=50 kernel=5\nrelu\nmaxpool size=2\n"
                                  "dense units=500\nrelu\ndense units=10\ntrain batch=20\n";

static cnn_model *make_model(void)
{
    cnn_error error = {0};
    cnn_recipe *recipe = cnn_recipe_parse(recipe_text, "test", &error);
    cnn_model *model = recipe != NULL ? cnn_model_new(recipe, 1, &error) : NULL;
    cnn_recipe_free(recipe);
    if (model == NULL) {
        fail_msg("%s", error.message);
    }
    return model;
}

static const cnn_pass_info *find(const cnn_pass_list *list, const char *layer, const char *pass)
{
    for (int i = 0; i < list->pass_count; i++) {
        if (strcmp(list->passes[i].layer, layer) == 0 && strcmp(list->passes[i].pass, pass) == 0) {
            return &list->passes[i];
        }
    }
    return NULL;
}

static void passes_are_listed(void **state)
{
    (void)state;
    cnn_pass_list list;
    cnn_model *model = make_model();
    assert_int_equal(cnn_model_passes(model, &list, NULL), CNN_OK);
    assert_int_equal(list.batch, 20);
    assert_int_equal(list.lanes, 3);
    assert_int_equal(list.lane_images, 7);
    assert_string_equal(list.passes[0].layer, "conv1");
    assert_string_equal(list.passes[0].pass, "forward");
    assert_int_equal(list.passes[0].stage, 1);
    assert_int_equal(list.passes[list.pass_count - 1].stage, list.stages);
    for (int i = 1; i < list.pass_count; i++) {
        const int step = list.passes[i].stage - list.passes[i - 1].stage;
        assert_true(step == 0 || step == 1);
        assert_true(list.passes[i].scratch_bytes <= list.scratch_bytes);
    }
    assert_non_null(find(&list, "conv1", "weight gradient"));
    assert_null(find(&list, "conv1", "input gradient")); /* nobody wants the pictures' gradient */
    assert_non_null(find(&list, "conv2", "input gradient"));
    assert_true(strncmp(find(&list, "conv2", "weight gradient")->method, "winograd F(2x2,5x5)", 19) == 0);
    assert_string_equal(find(&list, "maxpool1", "forward")->method, "");
    assert_null(find(&list, "maxpool1", "weight gradient"));
    assert_non_null(find(&list, "batchnorm1", "forward, relu"));
    assert_null(find(&list, "relu1", "forward"));
    cnn_free(list.passes);
    cnn_model_free(model);
}

static void stages_end_where_all_meet(void **state)
{
    (void)state;
    cnn_pass_list list;
    cnn_model *model = make_model();
    assert_int_equal(cnn_model_passes(model, &list, NULL), CNN_OK);
    assert_int_equal(find(&list, "conv1", "forward")->stage, find(&list, "batchnorm1", "sums")->stage);
    assert_true(find(&list, "batchnorm1", "sums")->stage < find(&list, "batchnorm1", "forward, relu")->stage);
    assert_int_equal(find(&list, "batchnorm1", "forward, relu")->stage, find(&list, "conv2", "forward, relu")->stage);
    assert_null(find(&list, "batchnorm1", "weight gradient")); /* the sums make it */
    assert_non_null(find(&list, "batchnorm1", "gradient sums"));
    assert_int_equal(find(&list, "conv2", "forward, relu")->slices, 0);
    assert_true(find(&list, "dense1", "forward, relu")->slices > 0);
    assert_true(find(&list, "dense1", "forward, relu")->stage > find(&list, "conv2", "forward, relu")->stage);
    assert_true(find(&list, "dense1", "input gradient")->slices > 0);
    cnn_free(list.passes);
    cnn_model_free(model);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_pass_list list = {.batch = -1};
    cnn_model *model = make_model();
    cnn_error error;
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        assert_int_equal(list.batch, -1);
        cnn_alloc_fail_after(k, false);
        status = cnn_model_passes(model, &list, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || error.status == CNN_MEMORY);
    }
    cnn_free(list.passes);
    cnn_model_free(model);
}

/** Tuning fails for lack of memory, or leaves a network that a program can be made of. */
static void a_network_is_tuned(void **state)
{
    (void)state;
    cnn_program program;
    cnn_error error;
    cnn_model *model = make_model();
    cnn_status status = CNN_MEMORY;
    long failures = 0;
    for (; status != CNN_OK; failures++) {
        cnn_alloc_fail_after(failures, false);
        status = cnn_network_tune(model->network, 20, true, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || error.status == CNN_MEMORY);
        assert_non_null(model->network->nodes[0].plan.methods[CNN_PASS_FORWARD]);
    }
    assert_true(failures > 2); /* the program's memory, and each convolution's */
    assert_int_equal(cnn_program_make(&program, model->network, 20, true, NULL), CNN_OK);
    cnn_program_clear(&program);
    assert_int_equal(cnn_network_tune(model->network, 1, false, NULL), CNN_OK);
    cnn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_are_listed),
        cmocka_unit_test(stages_end_where_all_meet),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(a_network_is_tuned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

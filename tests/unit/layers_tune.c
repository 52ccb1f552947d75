/* Choosing algorithms by measuring: whatever the clock says, all passes stay right, within the memory that the plan
 * asks for, and what the options demand is respected. */
#include "base/memory.h"
#include "layers/conv.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const cnn_layer_tuning training = {.images = 2, .lanes = 3, .training = true, .input_gradient = true};
static const cnn_layer_tuning first_layer = {.images = 2, .lanes = 3, .training = true};
static const cnn_layer_tuning inference = {.images = 2, .lanes = 1};

static void plan(harness *h, const char *text, cnn_shape input)
{
    cnn_error error = {0};
    if (harness_plan(h, text, input, &error) != CNN_OK) {
        fail_msg("%s: %s", text, error.message);
    }
}

static void tune(harness *h, const cnn_layer_tuning *tuning)
{
    cnn_error error = {0};
    if (h->kind->tune(&h->plan, h->options, h->state, tuning, &error) != CNN_OK) {
        fail_msg("%s: %s", h->text, error.message);
    }
}

static const struct {
    const char *text;
    cnn_shape input;
} cases[] = {
    {"conv filters=4 padding=same", {7, 5, 3}},        {"conv filters=16 padding=same", {16, 16, 16}},
    {"conv filters=33 padding=same", {13, 18, 24}},    {"conv filters=48 kernel=5 bias=off", {12, 12, 20}},
    {"conv filters=3 kernel=5 padding=2", {9, 8, 40}}, {"conv filters=6 kernel=1 stride=2", {9, 8, 5}},
    {"conv filters=128 padding=same", {4, 4, 128}}, /* over the whole batch, by Winograd */
};

/** In training, in inference, and as the first layer, whose input gradient nobody wants: right, within guarded memory.
 */
static void test_passes_stay_right(void **state)
{
    (void)state;
    const cnn_layer_tuning *const tunings[] = {&training, &first_layer, &inference};
    for (size_t i = 0; i < 3 * sizeof cases / sizeof *cases; i++) {
        harness h;
        plan(&h, cases[i / 3].text, cases[i / 3].input);
        tune(&h, tunings[i % 3]);
        harness_take(&h, 3, 2, i);
        harness_check_twin(&h);
        harness_free(&h);
    }
}

/** The sizes of a tuned plan are those of its algorithms, not the rule's, which has two of them for this shape: in
 * inference there is one. */
static void test_sizes_follow_the_choice(void **state)
{
    (void)state;
    harness h, forced;
    plan(&h, "conv filters=50 kernel=5", (cnn_shape){12, 12, 20});
    assert_non_null(strchr(h.plan.algorithm, ','));
    tune(&h, &inference);
    assert_null(strchr(h.plan.algorithm, ','));
    char text[80];
    snprintf(text, sizeof text, "conv filters=50 kernel=5 algorithm=%s", h.plan.algorithm);
    plan(&forced, text, (cnn_shape){12, 12, 20});
    assert_int_equal(h.plan.scratch_size, forced.plan.scratch_size);
    assert_int_equal(h.plan.prepared_size, forced.plan.prepared_size);
    assert_int_equal(h.plan.prepare_parts, forced.plan.prepare_parts);
    assert_int_equal(h.plan.prepare_parts_training, forced.plan.prepare_parts_training);
    for (int pass = 0; pass < CNN_LAYER_PASSES; pass++) {
        assert_string_equal(h.plan.methods[pass], forced.plan.methods[pass]);
    }
    harness_free(&h);
    harness_free(&forced);
}

/** What is not to be measured stays: a demanded algorithm, and the only possible one. Neither takes memory. */
static void test_nothing_to_choose(void **state)
{
    (void)state;
    static const struct {
        const char *text, *algorithm;
    } fixed[] = {{"conv filters=32 padding=same algorithm=im2col", "im2col"},
                 {"conv filters=2 padding=same algorithm=winograd", "winograd"},
                 {"conv filters=32 stride=2", "im2col"},
                 {"conv filters=32 groups=2 padding=same", "im2col"}};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        harness h;
        plan(&h, fixed[i].text, (cnn_shape){16, 16, 32});
        cnn_alloc_fail_after(0, true);
        const cnn_status status = h.kind->tune(&h.plan, h.options, h.state, &training, NULL);
        cnn_alloc_fail_after(-1, false);
        assert_int_equal(status, CNN_OK);
        assert_string_equal(h.plan.algorithm, fixed[i].algorithm);
        harness_free(&h);
    }
}

static void test_failing_allocation_changes_nothing(void **state)
{
    (void)state;
    harness h;
    cnn_error error;
    plan(&h, "conv filters=32 padding=same", (cnn_shape){16, 16, 32});
    const cnn_layer_plan before = h.plan;
    cnn_alloc_fail_after(0, false);
    const cnn_status status = h.kind->tune(&h.plan, h.options, h.state, &training, &error);
    cnn_alloc_fail_after(-1, false);
    assert_int_equal(status, CNN_MEMORY);
    assert_int_equal(error.status, CNN_MEMORY);
    assert_memory_equal(&h.plan, &before, sizeof before);
    assert_string_equal(h.plan.algorithm, "winograd");
    harness_free(&h);
}

/** Every measured pass gets a possible algorithm; in inference all get forward's. */
static void test_measuring(void **state)
{
    (void)state;
    const cnn_conv_geometry geometry = {.input = {8, 8, 16},
                                        .output = {8, 8, 16},
                                        .kernel_h = 3,
                                        .kernel_w = 3,
                                        .stride_h = 1,
                                        .stride_w = 1,
                                        .top = 1,
                                        .left = 1,
                                        .groups = 1,
                                        .group_channels = 16,
                                        .group_filters = 16,
                                        .bias = true};
    cnn_conv_choice choice = {0};
    assert_int_equal(cnn_conv_measure(&geometry, &training, &choice, NULL), CNN_OK);
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        assert_non_null(choice.of[pass]);
        assert_true(choice.of[pass]->possible(&geometry));
    }
    choice = (cnn_conv_choice){0};
    assert_int_equal(cnn_conv_measure(&geometry, &inference, &choice, NULL), CNN_OK);
    assert_non_null(choice.of[CNN_CONV_FORWARD]);
    assert_ptr_equal(choice.of[CNN_CONV_BACKWARD_INPUT], choice.of[CNN_CONV_FORWARD]);
    assert_ptr_equal(choice.of[CNN_CONV_BACKWARD_WEIGHT], choice.of[CNN_CONV_FORWARD]);
    assert_int_equal(cnn_conv_measure(&geometry, &first_layer, &choice, NULL), CNN_OK);
    assert_ptr_equal(choice.of[CNN_CONV_BACKWARD_INPUT], choice.of[CNN_CONV_FORWARD]);
}

static void test_methods(void **state)
{
    (void)state;
    harness h;
    plan(&h, "conv filters=50 kernel=5", (cnn_shape){12, 12, 20});
    assert_string_equal(h.plan.algorithm, "winograd, im2col, winograd");
    assert_true(strncmp(h.plan.methods[CNN_PASS_FORWARD], "winograd F(2x2,5x5), ", 21) == 0);
    assert_non_null(strstr(h.plan.methods[CNN_PASS_FORWARD], " tiles a group"));
    assert_true(strncmp(h.plan.methods[CNN_PASS_INPUT_GRADIENT], "im2col, ", 8) == 0);
    assert_non_null(strstr(h.plan.methods[CNN_PASS_INPUT_GRADIENT], " rows a strip"));
    assert_non_null(strstr(h.plan.methods[CNN_PASS_WEIGHT_GRADIENT], " filters at once"));
    harness_free(&h);
    plan(&h, "conv filters=50 kernel=1", (cnn_shape){12, 12, 20});
    assert_true(strncmp(h.plan.methods[CNN_PASS_FORWARD], "im2col in place, ", 17) == 0);
    harness_free(&h);
    plan(&h, "relu", (cnn_shape){12, 12, 20});
    assert_null(h.plan.methods[CNN_PASS_FORWARD]);
    assert_null(h.kind->tune);
    harness_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_stay_right), cmocka_unit_test(test_sizes_follow_the_choice),
        cmocka_unit_test(test_nothing_to_choose), cmocka_unit_test(test_failing_allocation_changes_nothing),
        cmocka_unit_test(test_measuring),         cmocka_unit_test(test_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What layers declare: shapes, tensors and their initialization, and errors for what does not fit. */
#include "layers/conv.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <limits.h>
#include <string.h>

static void expect_error(const char *text, cnn_shape input, const char *message)
{
    harness h;
    cnn_error error = {0};
    assert_int_equal(harness_plan(&h, text, input, &error), CNN_USAGE);
    assert_string_equal(error.message, message);
    assert_int_equal(error.status, CNN_USAGE);
    harness_free(&h);
}

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    expect_error("maxpool size=9", (cnn_shape){4, 4, 1}, "window 9x9 does not fit in 4x4x1");
    expect_error("avgpool size=2x5", (cnn_shape){4, 4, 3}, "window 2x5 does not fit in 4x4x3");
    expect_error("maxpool size=9 padding=2", (cnn_shape){4, 4, 1}, "window 9x9 does not fit in 4x4x1");
    expect_error("maxpool size=3 padding=3", (cnn_shape){8, 8, 1}, "padding=3 must be smaller than the window 3x3");
    expect_error("avgpool size=4x2 padding=2", (cnn_shape){8, 8, 1}, "padding=2 must be smaller than the window 4x2");
    expect_error("maxpool size=17x16", (cnn_shape){28, 28, 1}, "window 17x16 has more than 256 pixels");
    expect_error("conv filters=8 kernel=5", (cnn_shape){3, 3, 8}, "kernel 5x5 does not fit in 3x3x8");
    expect_error("conv filters=8 kernel=1x7 padding=1", (cnn_shape){4, 4, 2}, "kernel 1x7 does not fit in 4x4x2");
    expect_error("conv filters=9 groups=3", (cnn_shape){8, 8, 8}, "groups=3 does not divide 8 channels");
    expect_error("conv filters=8 groups=3", (cnn_shape){8, 8, 9}, "groups=3 does not divide filters=8");
}

static void test_sizes_that_are_too_large(void **state)
{
    (void)state;
    expect_error("conv filters=65536 kernel=1", (cnn_shape){256, 256, 1},
                 "output 256x256x65536 is too large: more than 2147483647 numbers an image");
    expect_error("conv filters=65536 kernel=1024 padding=same", (cnn_shape){1, 1, 65536},
                 "the weight is too large: more than 2147483647 numbers");
    expect_error("dense units=1000000", (cnn_shape){64, 64, 3},
                 "the weight is too large: more than 2147483647 numbers");
    expect_error("relu", (cnn_shape){INT_MAX, INT_MAX, INT_MAX},
                 "input 2147483647x2147483647x2147483647 is too large: more than 2147483647 numbers an image");
    expect_error("batchnorm", (cnn_shape){1, 1, INT_MAX}, "2147483647 channels are too many");
}

static void expect_output(const char *text, cnn_shape input, cnn_shape output)
{
    harness h;
    cnn_error error = {0};
    if (harness_plan(&h, text, input, &error) != CNN_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    if (memcmp(&h.plan.output, &output, sizeof output) != 0) {
        fail_msg("%s gives %dx%dx%d", text, h.plan.output.height, h.plan.output.width, h.plan.output.channels);
    }
    harness_free(&h);
}

static void test_output_shapes(void **state)
{
    (void)state;
    expect_output("conv filters=20 kernel=5", (cnn_shape){28, 28, 1}, (cnn_shape){24, 24, 20});
    expect_output("conv filters=4 padding=same", (cnn_shape){9, 7, 3}, (cnn_shape){9, 7, 4});
    expect_output("conv filters=4 padding=same stride=2", (cnn_shape){9, 8, 3}, (cnn_shape){5, 4, 4});
    expect_output("conv filters=4 padding=1 stride=2", (cnn_shape){8, 8, 3}, (cnn_shape){4, 4, 4});
    expect_output("maxpool size=2", (cnn_shape){7, 6, 5}, (cnn_shape){3, 3, 5});
    expect_output("maxpool size=2 padding=same", (cnn_shape){7, 6, 5}, (cnn_shape){4, 3, 5});
    expect_output("maxpool size=3 stride=1x2", (cnn_shape){7, 7, 5}, (cnn_shape){5, 3, 5});
    expect_output("avgpool size=3 stride=0x1", (cnn_shape){9, 9, 2}, (cnn_shape){3, 7, 2});
    expect_output("globalavgpool", (cnn_shape){7, 6, 5}, (cnn_shape){1, 1, 5});
    expect_output("dense units=10", (cnn_shape){7, 6, 5}, (cnn_shape){1, 1, 10});
    expect_output("batchnorm", (cnn_shape){7, 6, 5}, (cnn_shape){7, 6, 5});
}

static void test_tensors(void **state)
{
    (void)state;
    harness h;
    assert_int_equal(harness_plan(&h, "conv filters=6 kernel=3x5 groups=2", (cnn_shape){9, 9, 4}, NULL), CNN_OK);
    const cnn_tensor *weight = &h.plan.tensors[0], *bias = &h.plan.tensors[1];
    assert_int_equal(h.plan.tensor_count, 2);
    assert_int_equal(weight->initialization, CNN_INITIALIZE_AUTO);
    assert_int_equal(weight->fan_in, 3 * 5 * 2);
    assert_true(weight->weight_decay == CNN_OPTION_AUTO);
    assert_memory_equal(weight->sizes, ((const int[]){6, 3, 5, 2}), sizeof weight->sizes);
    assert_int_equal(bias->role, CNN_ROLE_BIAS);
    assert_true(bias->weight_decay == 0);
    assert_int_equal(h.plan.multiply_adds, 7 * 5 * 6 * 30);
    assert_string_equal(h.plan.algorithm, "im2col");
    harness_free(&h);

    assert_int_equal(harness_plan(&h, "batchnorm", (cnn_shape){3, 3, 4}, NULL), CNN_OK);
    static const char *const names[] = {"gain", "bias", "mean", "variance"};
    static const double values[] = {1, 0, 0, 1};
    for (int t = 0; t < 4; t++) {
        assert_string_equal(h.plan.tensors[t].name, names[t]);
        assert_int_equal(h.plan.tensors[t].initialization, CNN_INITIALIZE_CONSTANT);
        assert_true(h.plan.tensors[t].value == values[t]);
        assert_true(h.plan.tensors[t].weight_decay == 0);
        assert_int_equal(h.plan.tensors[t].role == CNN_ROLE_STATE, t >= 2);
    }
    harness_free(&h);
}

/** Dense layers run over the whole batch where, and only where, weights outweigh activations. */
static void test_dense_parts(void **state)
{
    (void)state;
    harness h;
    assert_int_equal(harness_plan(&h, "dense units=500", (cnn_shape){4, 4, 50}, NULL), CNN_OK);
    assert_true(h.plan.forward_parts > 0 && h.plan.backward_parts > 0);
    harness_free(&h);
    assert_int_equal(harness_plan(&h, "dense units=10", (cnn_shape){1, 1, 500}, NULL), CNN_OK);
    assert_true(h.plan.forward_parts == 0 && h.plan.backward_parts == 0);
    harness_free(&h);
}

static void test_kinds(void **state)
{
    (void)state;
    for (int i = 0; i < CNN_ISA_COUNT; i++) {
        const cnn_isa isa = (cnn_isa)i;
        assert_ptr_equal(cnn_layer_find(isa, "maxpool size=2", 7), cnn_layer_find(isa, "maxpool", 7));
        assert_non_null(cnn_layer_find(isa, "conv", 4));
        assert_null(cnn_layer_find(isa, "con", 3));
        assert_null(cnn_layer_find(isa, "convolution", 11));
        assert_true(cnn_layer_find(isa, "add", 3)->internal);
        for (const cnn_layer_kind *const *kind = cnn_layer_kinds(isa); *kind; kind++) {
            assert_ptr_equal(cnn_layer_find(isa, (*kind)->name, strlen((*kind)->name)), *kind);
            assert_true(i == 0 || (*kind)->forward != cnn_layer_find(0, (*kind)->name, strlen((*kind)->name))->forward);
        }
    }
}

/** Every pass of every geometry has an algorithm: the last of the list takes all. */
static void test_last_algorithm_takes_all(void **state)
{
    (void)state;
    int count = 0;
    while (cnn_conv_algorithms[count]) {
        count++;
    }
    const cnn_conv_algorithm *last = cnn_conv_algorithms[count - 1];
    const cnn_conv_geometry odd = {.input = {1, 9, 7},
                                   .output = {2, 3, 7},
                                   .kernel_h = 6,
                                   .kernel_w = 2,
                                   .stride_h = 5,
                                   .stride_w = 4,
                                   .top = 5,
                                   .groups = 7,
                                   .group_channels = 1,
                                   .group_filters = 1};
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        assert_true(last->possible(&odd) && last->worthwhile(&odd, (cnn_conv_pass)pass, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_sizes_that_are_too_large),
        cmocka_unit_test(test_output_shapes),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_dense_parts),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_last_algorithm_takes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

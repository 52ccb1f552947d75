/* Winograd convolution, wherever it is possible and not only where it is chosen, against the naive twin: all three
 * passes on random shapes, many of them smaller than a tile, and on groups that begin and end within images. */
#include "reference/harness.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHAPES 200

static int between(cnn_random *random, int low, int high)
{
    return low + (int)cnn_random_below(random, (uint32_t)(high - low + 1));
}

/** A random statement and shape into text, *input and *n; the kernel may not fit. */
static void draw(cnn_random *random, char text[160], cnn_shape *input, int *n)
{
    static const char *const paddings[] = {"same", "valid", "1", "2", "3", "6"};
    /* the sizes are drawn before the text is written: arguments have no order */
    *input = (cnn_shape){between(random, 1, 20), between(random, 1, 20), between(random, 1, 40)};
    *n = between(random, 1, 6);
    const int filters = between(random, 1, 40), kernel = between(random, 0, 1) ? 3 : 5;
    const char *padding = paddings[between(random, 0, 5)];
    snprintf(text, 160, "conv filters=%d kernel=%d padding=%s bias=%s algorithm=winograd", filters, kernel, padding,
             between(random, 0, 1) ? "on" : "off");
}

static void compare(const char *text, cnn_shape input, int n, uint64_t seed)
{
    harness h;
    harness_new(&h, text, input, n, 1, seed);
    assert_string_equal(h.plan.algorithm, "winograd");
    harness_check_twin(&h);
    harness_free(&h);
}

static void test_random_shapes(void **state)
{
    (void)state;
    cnn_random random = cnn_random_at(4, CNN_RANDOM_ORDER, 0, 0);
    for (int done = 0; done < SHAPES;) {
        char text[160];
        cnn_shape input;
        int n;
        harness h;
        draw(&random, text, &input, &n);
        const cnn_status planned = harness_plan(&h, text, input, NULL);
        harness_free(&h);
        if (planned != CNN_OK) {
            continue;
        }
        compare(text, input, n, (uint64_t)done++);
    }
}

/** More tiles than a group takes, and factors that are multiplied in pieces. */
static void test_many_groups(void **state)
{
    (void)state;
    compare("conv filters=33 kernel=3 padding=same algorithm=winograd", (cnn_shape){41, 37, 32}, 2, 1);
    compare("conv filters=16 kernel=5 algorithm=winograd", (cnn_shape){33, 35, 18}, 2, 2);
    compare("conv filters=144 kernel=3 padding=same algorithm=winograd", (cnn_shape){16, 15, 136}, 3, 3);
    compare("conv filters=272 kernel=3 padding=same algorithm=winograd", (cnn_shape){4, 4, 144}, 3, 4);
}

static void expect_plan(const char *text, cnn_shape input, const char *algorithm)
{
    harness h;
    assert_int_equal(harness_plan(&h, text, input, NULL), CNN_OK);
    assert_string_equal(h.plan.algorithm, algorithm);
    harness_free(&h);
}

/** The rule is part of what makes results the same on every machine. */
static void test_choice(void **state)
{
    (void)state;
    expect_plan("conv filters=32 padding=same", (cnn_shape){32, 32, 32}, "winograd");
    expect_plan("conv filters=32 padding=same", (cnn_shape){32, 32, 3}, "im2col");
    expect_plan("conv filters=32 padding=same stride=2", (cnn_shape){32, 32, 32}, "im2col");
    expect_plan("conv filters=32 padding=same groups=2", (cnn_shape){32, 32, 32}, "im2col");
    expect_plan("conv filters=32 kernel=3x5", (cnn_shape){32, 32, 32}, "im2col");
    expect_plan("conv filters=50 kernel=5", (cnn_shape){12, 12, 20}, "winograd, im2col, winograd");
    expect_plan("conv filters=32 padding=same algorithm=im2col", (cnn_shape){32, 32, 32}, "im2col");
}

static void expect_impossible(const char *text)
{
    harness h;
    cnn_error error = {0};
    assert_int_equal(harness_plan(&h, text, (cnn_shape){9, 9, 4}, &error), CNN_USAGE);
    assert_string_equal(error.message,
                        "algorithm=winograd computes kernels 3x3 and 5x5 of stride 1 without groups only");
    harness_free(&h);
}

static void test_impossible(void **state)
{
    (void)state;
    expect_impossible("conv filters=4 kernel=4 algorithm=winograd");
    expect_impossible("conv filters=4 kernel=3x5 algorithm=winograd");
    expect_impossible("conv filters=4 stride=1x2 algorithm=winograd");
    expect_impossible("conv filters=4 groups=2 algorithm=winograd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Convolution against its naive twin on thousands of random shapes, forward and both backward passes; and properties
 * that hold for any convolution. */
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHAPES 2400

static const double tolerance = sizeof(cnn_real) == sizeof(double) ? 1e-12 : 2e-5;

static int between(cnn_random *random, int low, int high)
{
    return low + (int)cnn_random_below(random, (uint32_t)(high - low + 1));
}

/** A random statement and shape into text, *input and *n; the kernel may not fit. */
static void draw(cnn_random *random, char text[160], cnn_shape *input, int *n)
{
    static const char *const paddings[] = {"same", "valid", "0", "1", "2", "3"};
    const int groups_of[] = {1, 1, 2, 3, 0}; /* 0: depthwise */
    int groups = groups_of[between(random, 0, 4)];
    const int group_channels = groups == 0 ? 1 : between(random, 1, 9 / groups);
    if (groups == 0) {
        groups = between(random, 1, 9);
    }
    *input = (cnn_shape){between(random, 1, 17), between(random, 1, 17), groups * group_channels};
    *n = between(random, 1, 5);
    /* the sizes are drawn before the text is written: arguments have no order */
    const int filters = groups * between(random, 1, 9 / groups);
    const int kernel_h = between(random, 1, 7), kernel_w = between(random, 1, 7);
    const int stride_h = between(random, 1, 3), stride_w = between(random, 1, 3);
    const char *padding = paddings[between(random, 0, 5)];
    snprintf(text, 160, "conv filters=%d kernel=%dx%d stride=%dx%d padding=%s groups=%d bias=%s", filters, kernel_h,
             kernel_w, stride_h, stride_w, padding, groups, between(random, 0, 1) ? "on" : "off");
}

static void check(const harness *h, const char *what, const harness_buffer *buffer, const double *expected)
{
    const double distance = harness_distance(harness_reals(buffer), expected, buffer->size / sizeof(cnn_real), 1);
    if (!(distance <= tolerance)) {
        fail_msg("%s on %dx%dx%d, n %d: %s is %g off", h->text, h->plan.input.height, h->plan.input.width,
                 h->plan.input.channels, h->n, what, distance);
    }
}

/** All passes of a planned and filled layer against its twin's. */
static void compare(harness *h)
{
    reference_call twin;
    harness_twin_run(&twin, h, true);
    harness_forward(h, true);
    check(h, "y", &h->y, twin.y);
    harness_backward(h);
    check(h, "dx", &h->dx, twin.dx);
    check(h, "dweight", &h->gradients[0], twin.gradients[0]);
    if (h->plan.tensor_count > 1) {
        check(h, "dbias", &h->gradients[1], twin.gradients[1]);
    }
    harness_twin_free(&twin);
}

static void test_random_shapes(void **state)
{
    (void)state;
    cnn_random random = cnn_random_at(3, CNN_RANDOM_ORDER, 0, 0);
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
        harness_new(&h, text, input, n, 1, (uint64_t)done);
        compare(&h);
        harness_free(&h);
        done++;
    }
}

/** Larger than one strip of columns, so that strips begin within rows and images. */
static void test_many_strips(void **state)
{
    (void)state;
    static const char *const texts[] = {"conv filters=3 kernel=3 padding=same", "conv filters=4 kernel=5 stride=2",
                                        "conv filters=32 kernel=3 padding=same groups=16",
                                        "conv filters=5 kernel=1 bias=off"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        harness h;
        harness_new(&h, texts[i], (cnn_shape){41, 37, 32}, 3, 1, i);
        compare(&h);
        harness_free(&h);
    }
}

/** conv(a * u + v) = a * conv(u) + conv(v) where there is no bias, for inputs and for weights. */
static void test_linearity(void **state)
{
    (void)state;
    for (int of_weights = 0; of_weights < 2; of_weights++) {
        harness u, v, sum;
        harness *const all[] = {&u, &v, &sum};
        for (int i = 0; i < 3; i++) {
            harness_new(all[i], "conv filters=5 kernel=3 padding=same bias=off", (cnn_shape){9, 7, 4}, 2, 1, 11);
        }
        for (int i = 0; i < 3; i++) {
            const harness_buffer *buffer = of_weights ? &all[i]->tensors[0] : &all[i]->x;
            cnn_real *values = harness_reals(buffer);
            const cnn_real *first = harness_reals(of_weights ? &u.tensors[0] : &u.x);
            const cnn_real *second = harness_reals(of_weights ? &v.tensors[0] : &v.x);
            for (size_t j = 0; j < buffer->size / sizeof(cnn_real); j++) {
                if (i == 1) {
                    values[j] = (cnn_real)sin((double)j);
                }
                if (i == 2) {
                    values[j] = (cnn_real)2.5 * first[j] + second[j];
                }
            }
            harness_forward(all[i], false);
        }
        for (size_t j = 0; j < 2 * u.output; j++) {
            const double expected = 2.5 * (double)harness_reals(&u.y)[j] + (double)harness_reals(&v.y)[j];
            assert_true(fabs((double)harness_reals(&sum.y)[j] - expected) <= 10 * tolerance);
        }
        for (int i = 0; i < 3; i++) {
            harness_free(all[i]);
        }
    }
}

/** Without bias, doubling the input doubles the output exactly: powers of two do not round. */
static void test_scaling(void **state)
{
    (void)state;
    harness h, doubled;
    harness_new(&h, "conv filters=6 kernel=5 stride=2 bias=off", (cnn_shape){13, 11, 3}, 3, 1, 5);
    harness_new(&doubled, "conv filters=6 kernel=5 stride=2 bias=off", (cnn_shape){13, 11, 3}, 3, 1, 5);
    for (size_t i = 0; i < 3 * h.input; i++) {
        harness_reals(&doubled.x)[i] *= 2;
    }
    harness_forward(&h, false);
    harness_forward(&doubled, false);
    for (size_t i = 0; i < 3 * h.output; i++) {
        assert_true(harness_reals(&doubled.y)[i] == 2 * harness_reals(&h.y)[i]);
    }
    harness_free(&h);
    harness_free(&doubled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_many_strips),
        cmocka_unit_test(test_linearity),
        cmocka_unit_test(test_scaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

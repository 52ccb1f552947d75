/* Every instruction set level gives the same bits: all layers on all cases, and Winograd convolution, whose transforms
 * take whole vectors of channels, on more. That one level is right is shown elsewhere, for each level by the tests that
 * CMakeLists.txt runs once a level. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const layer_case more_cases[] = {
    {"conv filters=16 padding=same algorithm=winograd", {9, 10, 33}, 3},
    {"conv filters=40 padding=2 algorithm=winograd", {6, 3, 16}, 2},
    {"conv filters=33 kernel=5 padding=same algorithm=winograd", {5, 8, 40}, 2},
    {"conv filters=64 padding=same", {16, 16, 32}, 2},
    {"batchnorm", {8, 8, 100}, 2},
    {NULL, {0, 0, 0}, 0},
};

static void run_at(harness *h, const layer_case *c, cnn_isa isa, bool training)
{
    assert_int_equal(setenv("CNN_ISA", cnn_isa_name(isa), 1), 0);
    harness_new(h, c->text, c->input, c->n, 2, 5);
    assert_ptr_equal(h->kind, cnn_layer_find(isa, h->kind->name, strlen(h->kind->name)));
    harness_forward(h, training);
    if (training) {
        harness_backward(h);
    }
}

static void assert_same(const harness *h, const char *what, const harness_buffer *a, const harness_buffer *b)
{
    assert_int_equal(a->size, b->size);
    if (a->data != NULL && memcmp(a->data, b->data, a->size) != 0) {
        fail_msg("%s: %s differs between the levels", h->text, what);
    }
}

static void compare(const layer_case *c, cnn_isa isa, bool training)
{
    harness plain, fast;
    run_at(&plain, c, CNN_ISA_baseline, training);
    run_at(&fast, c, isa, training);
    assert_same(&fast, "y", &fast.y, &plain.y);
    assert_same(&fast, "dx", &fast.dx, &plain.dx);
    for (int t = 0; t < plain.plan.tensor_count; t++) {
        assert_same(&fast, plain.plan.tensors[t].name, &fast.tensors[t], &plain.tensors[t]);
        assert_same(&fast, plain.plan.tensors[t].name, &fast.gradients[t], &plain.gradients[t]);
    }
    harness_free(&plain);
    harness_free(&fast);
}

static void levels_give_the_same_bits(void **state)
{
    (void)state;
    const layer_case *const lists[] = {layer_cases, more_cases};
    for (int isa = 1; isa < CNN_ISA_COUNT; isa++) {
        if (!cnn_isa_is_available((cnn_isa)isa)) {
            print_message("this processor lacks %s\n", cnn_isa_name((cnn_isa)isa));
            continue;
        }
        for (int list = 0; list < 2; list++) {
            for (const layer_case *c = lists[list]; c->text; c++) {
                compare(c, (cnn_isa)isa, true);
                compare(c, (cnn_isa)isa, false);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Layers whose forward may be called again in the backward pass: it gives the same bits and leaves the rest alone. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void *copy(const harness_buffer *buffer)
{
    void *data = malloc(buffer->size);
    assert_non_null(data);
    memcpy(data, buffer->data, buffer->size);
    return data;
}

/** Forward once more, over all images at once, with no more than there is in backward. */
static void repeat(const harness *h)
{
    cnn_real *tensors[CNN_LAYER_TENSORS];
    for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
        tensors[t] = harness_reals(&h->tensors[t]);
    }
    const cnn_layer_call call = {.options = h->options,
                                 .plan = &h->plan,
                                 .state = h->state,
                                 .n = h->n,
                                 .batch = h->n,
                                 .parts = 1,
                                 .training = true,
                                 .rectify = h->rectify,
                                 .x = harness_reals(&h->x),
                                 .y = harness_reals(&h->y),
                                 .tensors = tensors,
                                 .prepared = h->prepared.data,
                                 .scratch = h->scratch.data,
                                 .shared = h->shared.data};
    memset(h->y.data, 0xff, h->y.size);
    memset(h->scratch.data, 0xff, h->scratch.size);
    h->kind->forward(&call);
}

static void check_repeat(harness *h)
{
    void *tensors[CNN_LAYER_TENSORS] = {NULL};
    harness_forward(h, true);
    void *y = copy(&h->y), *shared = copy(&h->shared);
    for (int t = 0; t < h->plan.tensor_count; t++) {
        tensors[t] = copy(&h->tensors[t]);
    }
    repeat(h);
    assert_memory_equal(h->y.data, y, h->y.size);
    assert_memory_equal(h->shared.data, shared, h->shared.size);
    for (int t = 0; t < h->plan.tensor_count; t++) {
        assert_memory_equal(h->tensors[t].data, tensors[t], h->tensors[t].size);
        free(tensors[t]);
    }
    free(y);
    free(shared);
}

static void test_a_repeated_forward_changes_nothing(void **state)
{
    (void)state;
    int repeatable = 0;
    for (const layer_case *c = layer_cases; c->text; c++) {
        for (int variant = 0; variant < 4; variant++) {
            harness h;
            harness_new(&h, c->text, c->input, c->n, variant & 1 ? 3 : 1, (uint64_t)variant);
            h.rectify = variant & 2 && h.plan.rectifies;
            if (h.plan.repeatable) {
                check_repeat(&h);
                repeatable++;
            }
            harness_free(&h);
        }
    }
    assert_true(repeatable > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repeated_forward_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every layer against its naive twin: outputs, input gradients, parameter gradients and running statistics, on odd
 * shapes, in lanes, in place, and without an input gradient. Built in float and in double. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/** Of sums of up to about a thousand products of numbers up to 1. */
static const double tolerance = sizeof(cnn_real) == sizeof(double) ? 1e-12 : 2e-5;

static void check(const char *what, const harness *h, const harness_buffer *buffer, const double *expected)
{
    const size_t count = buffer->size / sizeof(cnn_real);
    const double distance = harness_distance(harness_reals(buffer), expected, count, 1);
    if (!(distance <= tolerance)) {
        fail_msg("%s: %s is %g off its twin's (n %d, lanes %d, in place %d)", h->text, what, distance, h->n, h->lanes,
                 h->in_place);
    }
}

static void compare(harness *h)
{
    reference_call twin;
    harness_twin_run(&twin, h, false);
    harness_forward(h, false);
    check("y in inference", h, &h->y, twin.y);
    harness_twin_free(&twin);

    harness_twin_run(&twin, h, true);
    harness_forward(h, true);
    check("y in training", h, &h->y, twin.y);
    harness_backward(h);
    if (!h->no_dx) {
        check("dx", h, &h->dx, twin.dx);
    }
    for (int t = 0; t < h->plan.tensor_count; t++) {
        if (h->gradients[t].data) {
            check(h->plan.tensors[t].name, h, &h->gradients[t], twin.gradients[t]);
        } else {
            check(h->plan.tensors[t].name, h, &h->tensors[t], twin.tensors[t]);
        }
    }
    harness_twin_free(&twin);
}

static void test_layers_match_their_twins(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        for (int variant = 0; variant < 8; variant++) {
            harness h;
            harness_new(&h, c->text, c->input, c->n, variant & 1 ? 3 : 1, (uint64_t)variant);
            h.in_place = variant & 2;
            h.no_dx = variant & 4;
            compare(&h);
            harness_free(&h);
        }
    }
}

static void test_every_kind_has_a_twin_and_a_case(void **state)
{
    (void)state;
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(CNN_ISA_baseline); *kind; kind++) {
        if (!reference_find((*kind)->name)) {
            fail_msg("the layer kind %s has no naive twin in tests/reference", (*kind)->name);
        }
        const layer_case *c = layer_cases;
        while (c->text && reference_find(c->text) != reference_find((*kind)->name)) {
            c++;
        }
        if (!c->text) {
            fail_msg("the layer kind %s is in no case of tests/reference/cases.c", (*kind)->name);
        }
        for (const cnn_option *option = (*kind)->options; option->name; option++) {
            char key[40];
            snprintf(key, sizeof key, " %s=", option->name);
            for (c = layer_cases; c->text; c++) {
                if (reference_find(c->text) == reference_find((*kind)->name) && strstr(c->text, key)) {
                    break;
                }
            }
            if (!c->text) {
                fail_msg("the option %s of %s is in no case of tests/reference/cases.c", option->name, (*kind)->name);
            }
        }
    }
}

/** A number that is not one must reach the loss, whatever layer it passes. Winograd convolution, whose tiles are sums
 * of all their pixels, spreads it further. */
static void test_nan_passes_through_every_layer(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        if (reference_find(c->text) == reference_find("dropout")) {
            continue;
        }
        const bool spreads = strstr(c->text, "algorithm=winograd");
        for (size_t at = 0; at < cnn_shape_size(c->input); at += 7) {
            harness h;
            harness_new(&h, c->text, c->input, c->n, 1, 1);
            reference_call twin;
            harness_reals(&h.x)[at] = (cnn_real)NAN;
            harness_twin_run(&twin, &h, false);
            harness_forward(&h, false);
            for (size_t i = 0; i < (size_t)h.n * h.output; i++) {
                if (!isnan(harness_reals(&h.y)[i]) != !isnan(twin.y[i]) && !(spreads && !isnan(twin.y[i]))) {
                    fail_msg("%s: with a NaN at %zu, output %zu is %g, not %g", c->text, at, i,
                             (double)harness_reals(&h.y)[i], twin.y[i]);
                }
            }
            harness_twin_free(&twin);
            harness_free(&h);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_twin_and_a_case),
        cmocka_unit_test(test_layers_match_their_twins),
        cmocka_unit_test(test_nan_passes_through_every_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

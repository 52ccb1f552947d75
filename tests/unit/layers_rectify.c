/* Layers that do the work of the rectifier behind them: to the bit what the two layers give one after the other, NaN
 * included. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

/** The same layer twice, alone in `apart` and with its rectifier in `fused`, with NaN among the inputs if asked for. */
typedef struct pair {
    harness apart, fused;
} pair;

static void set_up(pair *p, const layer_case *c, int variant)
{
    harness *const twins[] = {&p->apart, &p->fused};
    for (int i = 0; i < 2; i++) {
        harness_new(twins[i], c->text, c->input, c->n, variant & 1 ? 3 : 1, (uint64_t)variant);
        twins[i]->in_place = variant & 2;
        if (variant & 4) {
            harness_reals(&twins[i]->x)[1] = (cnn_real)NAN;
        }
    }
    p->fused.rectify = true;
}

static void tear_down(pair *p)
{
    harness_free(&p->apart);
    harness_free(&p->fused);
}

/** Numbers may differ in nothing but the bits of a NaN. */
static void check_equal(const char *what, const pair *p, const harness_buffer *apart, const harness_buffer *fused)
{
    const cnn_real *a = apart->data, *b = fused->data;
    for (size_t i = 0; i < apart->size / sizeof *a; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) {
            fail_msg("%s: %s[%zu] is %.9g fused, else %.9g", p->apart.text, what, i, (double)b[i], (double)a[i]);
        }
    }
}

/** y of the layer alone becomes what a rectifier makes of it. */
static void rectify(const harness *h)
{
    cnn_real *y = harness_reals(&h->y);
    for (size_t i = 0; i < (size_t)h->n * h->output; i++) {
        y[i] = y[i] < 0 ? 0 : y[i];
    }
}

static void compare_forward(pair *p, bool training)
{
    harness_forward(&p->apart, training);
    harness_forward(&p->fused, training);
    rectify(&p->apart);
    check_equal(training ? "y in training" : "y in inference", p, &p->apart.y, &p->fused.y);
}

/** After forward in training. */
static void compare_backward(pair *p)
{
    const cnn_real *y = harness_reals(&p->apart.y);
    cnn_real *dy = harness_reals(&p->apart.dy);
    for (size_t i = 0; i < (size_t)p->apart.n * p->apart.output; i++) {
        dy[i] = y[i] > 0 ? dy[i] : 0;
    }
    harness_backward(&p->apart);
    harness_backward(&p->fused);
    check_equal("dx", p, &p->apart.dx, &p->fused.dx);
    for (int t = 0; t < p->apart.plan.tensor_count; t++) {
        if (p->apart.gradients[t].data) {
            check_equal(p->apart.plan.tensors[t].name, p, &p->apart.gradients[t], &p->fused.gradients[t]);
        }
    }
}

/* Layers that are large enough to be cut into parts, by filters and by pixels. */
static const layer_case large_cases[] = {
    {"conv filters=20 padding=same algorithm=im2col", {24, 23, 12}, 3},
    {"conv filters=40 padding=same algorithm=winograd", {24, 23, 24}, 3},
    {"conv filters=136 padding=same algorithm=im2col", {10, 11, 34}, 2},
    {"conv filters=136 padding=same algorithm=winograd bias=off", {10, 11, 34}, 2},
    {"dense units=600", {7, 9, 5}, 3},
    {NULL, {0, 0, 0}, 0},
};

static void check_cases(const layer_case *cases)
{
    int forward = 0, backward = 0;
    for (const layer_case *c = cases; c->text; c++) {
        for (int variant = 0; variant < 8; variant++) {
            pair p;
            set_up(&p, c, variant);
            assert_true(cases != large_cases || p.apart.plan.alone_parts > 0);
            if (p.apart.plan.rectifies) {
                compare_forward(&p, false);
                compare_forward(&p, true);
                forward++;
            }
            if (p.apart.plan.rectifies_backward) {
                compare_backward(&p);
                backward++;
            }
            tear_down(&p);
        }
    }
    assert_true(forward > 0 && (backward > 0 || cases == large_cases));
}

static void test_a_rectifier_within_is_one_behind(void **state)
{
    (void)state;
    check_cases(layer_cases);
    check_cases(large_cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_rectifier_within_is_one_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

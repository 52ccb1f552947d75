/* Batches: how a batch is cut into lanes, and where in it an image stands, does not change what a layer computes. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

static const double tolerance = sizeof(cnn_real) == sizeof(double) ? 1e-12 : 1e-5;

static void assert_close(const harness *h, const char *what, const cnn_real *a, const cnn_real *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double scale = fmax(1, fabs((double)b[i]));
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance * scale)) {
            fail_msg("%s: %s %zu is %g, not %g", h->text, what, i, (double)a[i], (double)b[i]);
        }
    }
}

static void test_split(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        harness whole, split;
        harness_new(&whole, c->text, c->input, c->n, 1, 2);
        harness_new(&split, c->text, c->input, c->n, c->n, 2);
        harness *const both[] = {&whole, &split};
        for (int i = 0; i < 2; i++) {
            harness_forward(both[i], true);
            harness_backward(both[i]);
        }
        assert_close(&whole, "y", harness_reals(&split.y), harness_reals(&whole.y), (size_t)c->n * whole.output);
        assert_close(&whole, "dx", harness_reals(&split.dx), harness_reals(&whole.dx), (size_t)c->n * whole.input);
        for (int t = 0; t < whole.plan.tensor_count; t++) {
            const bool is_state = whole.plan.tensors[t].role == CNN_ROLE_STATE;
            assert_close(&whole, whole.plan.tensors[t].name,
                         harness_reals(is_state ? &split.tensors[t] : &split.gradients[t]),
                         harness_reals(is_state ? &whole.tensors[t] : &whole.gradients[t]), whole.sizes[t]);
        }
        harness_free(&whole);
        harness_free(&split);
    }
}

/** Copies the rows of `from` into `to`, the first to the end: rows of `size` numbers. */
static void turn(const harness_buffer *from, const harness_buffer *to, size_t rows, size_t size)
{
    for (size_t i = 0; i < rows; i++) {
        memcpy(harness_reals(to) + (rows - 1 - i) * size, harness_reals(from) + i * size, size * sizeof(cnn_real));
    }
}

static void test_order(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        const size_t n = (size_t)c->n;
        harness h, turned;
        harness_new(&h, c->text, c->input, c->n, 1, 2);
        harness_new(&turned, c->text, c->input, c->n, 1, 2);
        turn(&h.x, &turned.x, n, h.input);
        turn(&h.x2, &turned.x2, n, h.input);
        turn(&h.dy, &turned.dy, n, h.output);
        for (size_t i = 0; i < n; i++) {
            turned.random[n - 1 - i] = h.random[i];
        }
        harness *const both[] = {&h, &turned};
        for (int i = 0; i < 2; i++) {
            harness_forward(both[i], true);
            harness_backward(both[i]);
        }
        turn(&turned.y, &turned.dy, n, h.output);
        assert_close(&h, "y", harness_reals(&turned.dy), harness_reals(&h.y), n * h.output);
        turn(&turned.dx, &turned.x, n, h.input);
        assert_close(&h, "dx", harness_reals(&turned.x), harness_reals(&h.dx), n * h.input);
        for (int t = 0; t < h.plan.tensor_count; t++) {
            if (h.gradients[t].data) {
                assert_close(&h, h.plan.tensors[t].name, harness_reals(&turned.gradients[t]),
                             harness_reals(&h.gradients[t]), h.sizes[t]);
            }
        }
        harness_free(&h);
        harness_free(&turned);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

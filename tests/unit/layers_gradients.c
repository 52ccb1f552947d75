/* Finite differences: with the loss sum(r * y) for random r, the gradient that backward gives is compared with
 * (loss(v + h) - loss(v - h)) / 2h for every input and trained number, for the naive twins and for the real layers. The
 * relative error is the distance over the largest number of the array. Built in float and in double. */
#include "reference/cases.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

static const bool is_double = sizeof(cnn_real) == sizeof(double);

/** Numbers no two of which are closer than 2 / count, none nearer to zero than half of that, in random order: a step of
 * the differences crosses no rectifier's bend and changes no maximum. */
static void fill_apart(const harness_buffer *buffer, uint64_t seed)
{
    const size_t count = buffer->size / sizeof(cnn_real);
    cnn_real *values = harness_reals(buffer);
    cnn_random random = cnn_random_at(seed, CNN_RANDOM_ORDER, 0, 0);
    for (size_t i = 0; i < count; i++) {
        const size_t other = cnn_random_below(&random, (uint32_t)(i + 1));
        values[i] = values[other];
        values[other] = (cnn_real)((2 * (double)i + 1.5 - (double)count) / (double)count);
    }
}

/** Of large arrays every so many numbers are checked. */
static size_t stride_of(size_t count)
{
    return count > 512 ? 37 : 1;
}

/** The larger, or NaN where one is. */
static double larger(double a, double b)
{
    return isnan(a) || a > b ? a : b;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/** The most numbers of a state in a case. */
#define MOST_STATES 512

/** What a layer that penalizes adds to the loss for one number of its input. */
static double penalty(const harness *h, double x)
{
    return h->twin == reference_find("penalty") ? reference_number(h->text, "l1", 0) / h->n * fabs(x) : 0;
}

/** The twin's loss as it stands; running statistics keep their values. */
static double twin_loss(reference_call *twin, const harness *h)
{
    double states[CNN_LAYER_TENSORS][MOST_STATES];
    for (int t = 0; t < h->plan.tensor_count; t++) {
        if (h->plan.tensors[t].role == CNN_ROLE_STATE) {
            assert_true(h->sizes[t] <= MOST_STATES);
            memcpy(states[t], twin->tensors[t], h->sizes[t] * sizeof(double));
        }
    }
    h->twin->forward(twin);
    for (int t = 0; t < h->plan.tensor_count; t++) {
        if (h->plan.tensors[t].role == CNN_ROLE_STATE) {
            memcpy(twin->tensors[t], states[t], h->sizes[t] * sizeof(double));
        }
    }
    double loss = dot(twin->dy, twin->y, (size_t)h->n * h->output);
    for (size_t i = 0; i < (size_t)h->n * h->input; i++) {
        loss += penalty(h, twin->x[i]);
    }
    return loss;
}

static void check_twin_array(reference_call *twin, const harness *h, double *values, const double *gradient,
                             size_t count)
{
    const double step = 1e-5;
    double largest = 1e-3, error = 0;
    for (size_t i = 0; i < count; i += stride_of(count)) {
        const double value = values[i];
        values[i] = value + step;
        const double above = twin_loss(twin, h);
        values[i] = value - step;
        const double below = twin_loss(twin, h);
        values[i] = value;
        largest = fmax(largest, fabs(gradient[i]));
        error = larger(error, fabs((above - below) / (2 * step) - gradient[i]));
    }
    if (!(error <= 1e-7 * largest)) {
        fail_msg("%s: the twin's gradient is %g off finite differences", h->text, error / largest);
    }
}

static void test_twins(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        harness h;
        reference_call twin;
        harness_new(&h, c->text, c->input, c->n, 1, 7);
        fill_apart(&h.x, 7);
        harness_twin_run(&twin, &h, true);
        check_twin_array(&twin, &h, (double *)twin.x, twin.dx, (size_t)h.n * h.input);
        for (int t = 0; t < h.plan.tensor_count; t++) {
            if (twin.gradients[t]) {
                check_twin_array(&twin, &h, twin.tensors[t], twin.gradients[t], h.sizes[t]);
            }
        }
        harness_twin_free(&twin);
        harness_free(&h);
    }
}

/** The layer's loss, in double whatever its numbers are; running statistics keep their values. */
static double layer_loss(harness *h)
{
    cnn_real states[CNN_LAYER_TENSORS][MOST_STATES];
    for (int t = 0; t < h->plan.tensor_count; t++) {
        if (h->plan.tensors[t].role == CNN_ROLE_STATE) {
            assert_true(h->sizes[t] <= MOST_STATES);
            memcpy(states[t], h->tensors[t].data, h->tensors[t].size);
        }
    }
    harness_forward(h, true);
    for (int t = 0; t < h->plan.tensor_count; t++) {
        if (h->plan.tensors[t].role == CNN_ROLE_STATE) {
            memcpy(h->tensors[t].data, states[t], h->tensors[t].size);
        }
    }
    double sum = 0;
    for (size_t i = 0; i < (size_t)h->n * h->output; i++) {
        sum += (double)harness_reals(&h->dy)[i] * (double)harness_reals(&h->y)[i];
    }
    for (size_t i = 0; i < (size_t)h->n * h->input; i++) {
        sum += penalty(h, (double)harness_reals(&h->x)[i]);
    }
    return sum;
}

/** In float the step must lift the change of the loss out of its rounding, and kinks may lie within it: the mean error
 * is what is checked there, and the exact comparison is the double build's. */
static void check_layer_array(harness *h, const harness_buffer *values_of, const harness_buffer *gradient_of)
{
    const double step = is_double ? 1e-5 : 1.0 / 256, tolerance = is_double ? 1e-7 : 1e-2;
    const size_t count = values_of->size / sizeof(cnn_real);
    cnn_real *values = harness_reals(values_of), *gradient = harness_reals(gradient_of);
    double largest = 1e-3, error = 0;
    int checked = 0;
    for (size_t i = 0; i < count; i += stride_of(count), checked++) {
        const cnn_real value = values[i];
        values[i] = value + (cnn_real)step;
        const double above = layer_loss(h), high = (double)values[i];
        values[i] = value - (cnn_real)step;
        const double below = layer_loss(h), low = (double)values[i];
        values[i] = value;
        const double apart = fabs((above - below) / (high - low) - (double)gradient[i]);
        largest = fmax(largest, fabs((double)gradient[i]));
        error = is_double ? larger(error, apart) : error + apart;
    }
    if (!is_double) {
        error /= checked;
    }
    if (!(error <= tolerance * largest)) {
        fail_msg("%s: the gradient is %g off finite differences", h->text, error / largest);
    }
}

static void test_layers(void **state)
{
    (void)state;
    for (const layer_case *c = layer_cases; c->text; c++) {
        harness h;
        harness_new(&h, c->text, c->input, c->n, 2, 7);
        fill_apart(&h.x, 7);
        harness_forward(&h, true);
        harness_backward(&h);
        check_layer_array(&h, &h.x, &h.dx);
        for (int t = 0; t < h.plan.tensor_count; t++) {
            if (h.gradients[t].data) {
                check_layer_array(&h, &h.tensors[t], &h.gradients[t]);
            }
        }
        harness_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Running a case's naive twin on the harness's arrays, and comparing the two. */
#include "base/memory.h"
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** A copy in double of `count` numbers; zeros where `from` is NULL. */
static double *widen(const cnn_real *from, size_t count)
{
    double *copy = calloc(count + 1, sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; from && i < count; i++) {
        copy[i] = (double)from[i];
    }
    return copy;
}

void harness_twin_run(reference_call *twin, const harness *h, bool training)
{
    const size_t images = (size_t)h->n;
    *twin = (reference_call){.text = h->text,
                             .n = h->n,
                             .input = h->plan.input,
                             .output = h->twin->output(h->text, h->plan.input),
                             .training = training,
                             .x = widen(h->x.data, images * h->input),
                             .x2 = widen(h->x2.data, images * h->input),
                             .y = widen(NULL, images * h->output),
                             .dy = widen(h->dy.data, images * h->output),
                             .dx = widen(NULL, images * h->input),
                             .random = h->random};
    for (int t = 0; t < h->plan.tensor_count; t++) {
        twin->tensors[t] = widen(h->tensors[t].data, h->sizes[t]);
        if (h->gradients[t].data) {
            twin->gradients[t] = widen(NULL, h->sizes[t]);
        }
    }
    assert_memory_equal(&twin->output, &h->plan.output, sizeof twin->output);
    h->twin->forward(twin);
    if (training) {
        h->twin->backward(twin);
    }
}

void harness_twin_free(reference_call *twin)
{
    free((double *)twin->x);
    free((double *)twin->x2);
    free(twin->y);
    free((double *)twin->dy);
    free(twin->dx);
    for (int t = 0; t < REFERENCE_TENSORS; t++) {
        free(twin->tensors[t]);
        free(twin->gradients[t]);
    }
}

double harness_distance(const cnn_real *a, const double *b, size_t count, double floor)
{
    double largest = floor, distance = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(b[i]));
        const double apart = fabs((double)a[i] - b[i]);
        distance = isnan(apart) ? INFINITY : fmax(distance, apart);
    }
    return distance / largest;
}

static void check_norm(const harness *h, const char *what, const harness_buffer *buffer, const double *expected)
{
    const double tolerance = sizeof(cnn_real) == sizeof(double) ? 1e-12 : 5e-6;
    double difference = 0, size = 0;
    for (size_t i = 0; i < buffer->size / sizeof(cnn_real); i++) {
        const double apart = (double)harness_reals(buffer)[i] - expected[i];
        difference += apart * apart;
        size += expected[i] * expected[i];
    }
    if (!(sqrt(difference) <= tolerance * (1 + sqrt(size)))) {
        fail_msg("%s on %dx%dx%d, n %d, as '%s': %s is %g of %g off", h->text, h->plan.input.height,
                 h->plan.input.width, h->plan.input.channels, h->n, h->plan.algorithm, what, sqrt(difference),
                 sqrt(size));
    }
}

void harness_check_twin(harness *h)
{
    reference_call twin;
    harness_twin_run(&twin, h, true);
    harness_forward(h, false);
    check_norm(h, "y in inference", &h->y, twin.y);
    harness_forward(h, true);
    check_norm(h, "y", &h->y, twin.y);
    harness_backward(h);
    check_norm(h, "dx", &h->dx, twin.dx);
    for (int t = 0; t < h->plan.tensor_count; t++) {
        check_norm(h, h->plan.tensors[t].name, &h->gradients[t], twin.gradients[t]);
    }
    harness_twin_free(&twin);
}

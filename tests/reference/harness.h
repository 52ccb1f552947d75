/* One layer outside a network: planned from a recipe's text, with memory of its own, run as the runner would run it, in
 * lanes or whole-batch parts. All that a pass must write is filled with NaN before, and so is what lies around every
 * buffer, whose bytes are compared afterwards: numbers left out, added to or written outside are seen. */
#ifndef CNN_TESTS_HARNESS_H
#define CNN_TESTS_HARNESS_H

#include "layers/layer.h"
#include "reference/reference.h"

/** A buffer between two guards. */
typedef struct harness_buffer {
    void *data;
    size_t size; /* bytes */
} harness_buffer;

typedef struct harness {
    char text[160];
    const cnn_layer_kind *kind;
    const reference_layer *twin;
    void *options, *state;
    cnn_layer_plan plan;
    int n, lanes;
    bool in_place; /* where the plan allows: y is written over a copy of x, dx over a copy of dy */
    bool no_dx;    /* nobody wants dx */
    bool rectify;  /* a rectifier follows, as cnn_layer_call says */
    size_t input, output, sizes[CNN_LAYER_TENSORS]; /* numbers: an image's, a tensor's */
    harness_buffer x, x2, y, dy, dx, saved, prepared, scratch, tensors[CNN_LAYER_TENSORS], gradients[CNN_LAYER_TENSORS];
    harness_buffer lane_gradients[CNN_LAYER_TENSORS];
    harness_buffer sums, shared;
    cnn_random *random; /* [n] */
} harness;

/** Parses and plans `text`, as the first failure of either; no memory but options and state. */
cnn_status harness_plan(harness *h, const char *text, cnn_shape input, cnn_error *error);
/** Plans, which must succeed, and takes memory for n images in `lanes` lanes. Inputs, dy and tensors are random. */
void harness_new(harness *h, const char *text, cnn_shape input, int n, int lanes, uint64_t seed);
/** The same for a layer that is planned, and perhaps tuned. */
void harness_take(harness *h, int n, int lanes, uint64_t seed);
void harness_free(harness *h);

/** Runs forward with sums and totals; then, in training, backward; checks all guards. Either prepares anew. */
void harness_forward(harness *h, bool training);
void harness_backward(harness *h);

/** Fills the buffer with NaN. */
void harness_spoil(const harness_buffer *buffer);
/** Fails the test where something beside the buffers was written. */
void harness_check_guards(harness *h);

/** The buffers' numbers. */
cnn_real *harness_reals(const harness_buffer *buffer);

/** The layer's twin on the same numbers: forward, and backward where training. To be freed with harness_twin_free(). */
void harness_twin_run(reference_call *twin, const harness *h, bool training);
void harness_twin_free(reference_call *twin);

/** Runs all passes, forward in inference too, and fails where the norm of the difference to the twin's numbers is not
 * small beside the norm of these and 1. Training can bear 1e-4 in float; less is met. */
void harness_check_twin(harness *h);

/** The largest distance of two arrays over the largest number of the second (at least `floor`); infinite where one has
 * a NaN. */
double harness_distance(const cnn_real *a, const double *b, size_t count, double floor);

#endif

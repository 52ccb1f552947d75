/* Naive twins of all layers: straight loops in double that say what a layer means, and share no code with src/layers.
 * Finite differences check them; they check the real layers, forward and backward. A twin reads its options from the
 * recipe's text itself, so defaults are compared as well. */
#ifndef CNN_TESTS_REFERENCE_H
#define CNN_TESTS_REFERENCE_H

#include "base/random.h"
#include "cnn.h"

#define REFERENCE_TENSORS 4

typedef struct reference_call {
    const char *text; /* the statement: "conv filters=2 kernel=3" */
    int n;
    cnn_shape input, output;
    bool training;
    const double *x, *x2; /* [n][input]; x2 for `add` only */
    double *y;            /* [n][output]: written by forward, read by nobody */
    const double *dy;     /* [n][output] */
    double *dx;           /* [n][input], written whole */
    double *tensors[REFERENCE_TENSORS];
    double *gradients[REFERENCE_TENSORS]; /* written whole; NULL for tensors that are not trained */
    const cnn_random *random;             /* [n], for `dropout` */
} reference_call;

typedef struct reference_layer {
    const char *name;
    cnn_shape (*output)(const char *text, cnn_shape input);
    void (*forward)(const reference_call *call);
    void (*backward)(const reference_call *call);
} reference_layer;

/** All twins, NULL-terminated. */
extern const reference_layer *const reference_layers[];

/** The twin of the layer that `text` begins with, or NULL. */
const reference_layer *reference_find(const char *text);

/** The option `name` of a statement: its number ("3" of "kernel=3x5", "5" for axis 1), or `fallback`. */
double reference_number(const char *text, const char *name, double fallback);
int reference_pair(const char *text, const char *name, int axis, int fallback);
/** Whether the statement has exactly "name=value". */
bool reference_has(const char *text, const char *name, const char *value);

/** How a kernel or window lies along one axis (0: vertical): `count` positions, the first `before` pixels outside. */
typedef struct reference_axis {
    int size, stride, count, before;
} reference_axis;
reference_axis reference_place(const char *text, int size, int stride, int axis, cnn_shape input);

/** Index of channel c of pixel (y, x) of image i. */
size_t reference_at(cnn_shape shape, int i, int y, int x, int c);

#endif

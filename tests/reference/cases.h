/* The layers, options and odd shapes that the tests of all layers go through. */
#ifndef CNN_TESTS_CASES_H
#define CNN_TESTS_CASES_H

#include "cnn.h"

typedef struct layer_case {
    const char *text; /* NULL ends the list */
    cnn_shape input;
    int n;
} layer_case;

extern const layer_case layer_cases[];

#endif

/* An inspection as text, line by line, and as JSON: for `cnn inspect` and for `cnn train`. */
#ifndef CNN_CLI_INSPECT_REPORT_H
#define CNN_CLI_INSPECT_REPORT_H

#include "cnn.h"

#include <jansson.h>

#define CNN_INSPECT_LINE 256

/** Line `index` of the table, without its end: 0 is the head, the others are layers. */
const char *cnn_inspect_line(const cnn_inspection *inspection, int index, char out[CNN_INSPECT_LINE]);

/** The layer whose warning is number `rank`, from 0, the worst first, among equals in the network's order; NULL where
 * there are not so many. */
const cnn_layer_inspection *cnn_inspect_warning(const cnn_inspection *inspection, int rank);

/** The figures of all together and of each layer; NULL when memory is out. */
json_t *cnn_inspect_json(const cnn_inspection *inspection);

#endif

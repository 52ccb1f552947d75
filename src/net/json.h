/* JSON by jansson: honest about memory. */
#ifndef CNN_NET_JSON_H
#define CNN_NET_JSON_H

#include "cnn.h"

#include <jansson.h>

/** Parses `text`, which must not have a key twice: CNN_OK and *root, to be dropped with json_decref(); CNN_MEMORY; or
 * CNN_FORMAT and what is wrong in *cause. */
cnn_status cnn_json_parse(const char *text, size_t length, json_t **root, json_error_t *cause);

#endif

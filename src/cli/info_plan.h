/* The planner's choices, for `cnn info --plan`. */
#ifndef CNN_CLI_INFO_PLAN_H
#define CNN_CLI_INFO_PLAN_H

#include "cnn.h"

#include <jansson.h>

/** A line on the batch, then a line a pass. */
void cnn_info_plan_text(const cnn_pass_list *list);
/** The same as an object. */
json_t *cnn_info_plan_json(const cnn_pass_list *list);

#endif

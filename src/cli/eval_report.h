/* An evaluation as a page of text or as JSON, on stdout. */
#ifndef CNN_CLI_EVAL_REPORT_H
#define CNN_CLI_EVAL_REPORT_H

#include "cnn.h"

typedef struct cnn_eval_report {
    const char *const *model_paths; /* [evaluation->model_count], as given on the command line like the next two */
    const char *data_spec, *tta;
    const cnn_model *model; /* the first */
    const cnn_evaluation *evaluation;
} cnn_eval_report;

void cnn_eval_report_text(const cnn_eval_report *report);
void cnn_eval_report_json(const cnn_eval_report *report);

#endif

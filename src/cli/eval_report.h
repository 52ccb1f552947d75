/* An evaluation as a page of text or as JSON, on stdout. */
#ifndef CNN_CLI_EVAL_REPORT_H
#define CNN_CLI_EVAL_REPORT_H

#include "cnn.h"

typedef struct cnn_eval_report {
    const char *model_path, *data_spec; /* as given on the command line */
    const cnn_model *model;
    const cnn_evaluation *evaluation;
} cnn_eval_report;

void cnn_eval_report_text(const cnn_eval_report *report);
void cnn_eval_report_json(const cnn_eval_report *report);

#endif

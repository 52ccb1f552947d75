/* What `cnn compare` leaves: one table of all combinations as CSV, JSON and Markdown, and learning curves as SVG and
 * PNG. */
#ifndef CNN_CLI_COMPARE_TABLE_H
#define CNN_CLI_COMPARE_TABLE_H

#include "compare_grid.h"
#include "compare_run.h"

#include <jansson.h>
#include <stdio.h>

/** All that was trained. */
typedef struct cnn_comparison {
    const cnn_grid *grid;
    cnn_run *runs; /* [grid->count][seeds] */
    int seeds;
    double reach; /* the training error whose time is told, 0: none */
    const char *data_spec;
} cnn_comparison;

/** The table for people, in Markdown. */
void cnn_comparison_markdown(const cnn_comparison *comparison, FILE *stream);
void cnn_comparison_csv(const cnn_comparison *comparison, FILE *stream);
/** NULL when memory is out. */
json_t *cnn_comparison_json(const cnn_comparison *comparison);

/** Writes FOLDER/train-error and, where images were held back, FOLDER/val-error, each as .svg and .png: a curve a
 * combination (the first 200), the mean over the seeds that got so far; a chart without points is removed. Tells on
 * stderr why it failed. */
bool cnn_comparison_draw(const cnn_comparison *comparison, const char *folder);

#endif

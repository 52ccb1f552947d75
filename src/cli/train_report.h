/* What a training tells: a live line and a line an epoch for people, one JSON object a line for programs. */
#ifndef CNN_CLI_TRAIN_REPORT_H
#define CNN_CLI_TRAIN_REPORT_H

#include "cnn.h"
#include "paths.h"
#include "terminal.h"

typedef enum cnn_report_mode { CNN_REPORT_TEXT, CNN_REPORT_JSON, CNN_REPORT_QUIET } cnn_report_mode;

typedef struct cnn_report {
    cnn_report_mode mode;
    cnn_terminal terminal;
    const cnn_paths *paths;
    const char *recipe, *data; /* as given on the command line */
    double drawn;              /* when the live line was, in seconds of the monotonic clock */
    double epoch_seconds;      /* of the last finished epoch, 0 before */
    bool inspect;              /* the table of an inspection is wanted after each epoch */
    unsigned *told;            /* of each layer, the severities of which warnings were told, as bits; NULL before */
} cnn_report;

/** What there is to know before the first step. */
typedef struct cnn_report_start {
    const cnn_model_info *model;
    const cnn_dataset *dataset;
    const cnn_progress *progress; /* where the training goes on */
    uint64_t seed;
    int threads;
    bool resumed;
} cnn_report_start;

void cnn_report_begin(const cnn_report *report, const cnn_report_start *start);
void cnn_report_step(cnn_report *report, const cnn_progress *progress);
/** The epoch has ended: how, and what the trainer's inspection of it says. */
void cnn_report_epoch(cnn_report *report, const cnn_trainer *trainer, const cnn_progress *progress);
/** The model has been written; `seconds` is what all epochs took. */
void cnn_report_done(const cnn_report *report, const cnn_model *model, const cnn_progress *progress, double seconds);
/** The checkpoint has been written; `resume` is the command line that goes on. */
void cnn_report_stopped(const cnn_report *report, const cnn_progress *progress, const char *resume);
/** Takes the live line away, so that something else can be written. */
void cnn_report_pause(const cnn_report *report);

/** Frees what the report has allocated. */
void cnn_report_clear(cnn_report *report);

#endif

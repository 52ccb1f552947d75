/* A session's inside, shared by classifying (session.c) and evaluating (evaluate.c). */
#ifndef CNN_TRAIN_SESSION_H
#define CNN_TRAIN_SESSION_H

#include "base/team.h"
#include "net/fold.h"
#include "net/model.h"
#include "net/runner.h"

struct cnn_session {
    const cnn_model *model; /* not owned */
    cnn_folded *folded;     /* what is run in its place */
    cnn_team *team;
    cnn_runner *runner;
    int batch;
    uint8_t *image;          /* one decoded picture of the model's size */
    cnn_real *table;         /* [channels][256]: a pixel's value, scaled */
    cnn_real *probabilities; /* [class_count] of one image */
    const uint8_t *pixels;   /* of the batch under way */
};

/** Computes the logits of n images [n][height][width][channels], 1 <= n <= session->batch, for cnn_runner_output(). */
void cnn_session_run(cnn_session *session, const uint8_t *pixels, int n);

#endif

/* A session's inside, shared by classifying (session.c) and evaluating (evaluate.c). */
#ifndef CNN_TRAIN_SESSION_H
#define CNN_TRAIN_SESSION_H

#include "base/team.h"
#include "net/fold.h"
#include "net/model.h"
#include "net/runner.h"
#include "train/views.h"

/** One of the models that a session classifies with. */
typedef struct cnn_member {
    const cnn_model *model; /* not owned */
    int *classes;           /* [class_count]: its class of the name that the first model's has */
    cnn_folded *folded;     /* what is run in its place */
    cnn_runner *runner;
    cnn_real *table;  /* [channels][256]: a pixel's value, scaled */
    cnn_real *logits; /* [batch][class_count], the mean over the views, divided by the model's temperature */
} cnn_member;

struct cnn_session {
    cnn_member *members; /* [member_count], at least 1 */
    int member_count;
    cnn_team *team;
    int batch;
    const cnn_views *views;
    uint8_t *image;          /* one decoded picture of the models' size */
    uint8_t *moved;          /* [threads][image]: a view of an image; NULL where there is one */
    cnn_real *softmax;       /* [class_count] of one model and image */
    cnn_real *probabilities; /* [class_count] of one image */
    double familiarity;      /* of one image, as cnn_session_familiarity() gives it */
    /* Under way: */
    const uint8_t *pixels; /* of the batch, and of the last one until its results are given */
    const cnn_member *member;
    int view;
};

/** Computes the logits of n images [n][height][width][channels], 1 <= n <= session->batch, by each model. */
void cnn_session_run(cnn_session *session, const uint8_t *pixels, int n);

/** The batch's image `index`'s logits [class_count] by model `member`, in that model's order of classes, divided by its
 * temperature. */
const cnn_real *cnn_session_logits(const cnn_session *session, int member, int index);

/** The mean of the models' probabilities for the batch's image `index` into session->probabilities, in the first
 * model's order of classes, and the image's familiarity. Returns the first model whose logits are not finite, or -1. */
int cnn_session_average(cnn_session *session, int index);

/** CNN_DIVERGED: the outputs of model `member` for image `image` are not finite. */
cnn_status cnn_session_fail(const cnn_session *session, int member, int image, cnn_error *error);

#endif

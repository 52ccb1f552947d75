/* How a model does on a data set: accuracy with Wilson's interval (Wilson 1927, "Probable inference, the law of
 * succession, and statistical inference"), mean cross-entropy, and who was taken for whom. */
#include "base/memory.h"
#include "train/loss.h"
#include "train/match.h"
#include "train/session.h"

#include <math.h>

/** The normal distribution's 97.5% point: an interval of 95%. */
#define NORMAL_POINT 1.959963984540054

/** What is counted, image after image. */
typedef struct tally {
    const cnn_dataset *data;
    int classes;    /* of the model */
    int *labels;    /* [data's classes] the model's class of the same name */
    int *confusion; /* [classes][classes] */
    int count, correct;
    double loss_sum;
} tally;

/** Counts one image; false where its logits are not finite. */
static bool count_image(tally *t, const cnn_real *logits)
{
    const int actual = t->labels[cnn_dataset_label(t->data, t->count)];
    const int predicted = cnn_argmax(logits, t->classes);
    t->loss_sum += cnn_cross_entropy(logits, t->classes, actual, 0, 1, NULL);
    t->correct += predicted == actual;
    t->confusion[(size_t)actual * (size_t)t->classes + (size_t)predicted]++;
    t->count++;
    return isfinite(t->loss_sum);
}

static cnn_status count_all(cnn_session *session, tally *t, cnn_error *error)
{
    const int total = cnn_dataset_count(t->data);
    while (t->count < total) {
        const int left = total - t->count;
        const int n = left < session->batch ? left : session->batch;
        cnn_session_run(session, cnn_dataset_pixels(t->data, t->count), n);
        for (int i = 0; i < n; i++) {
            if (!count_image(t, cnn_runner_output(session->runner, i))) {
                return cnn_fail(error, CNN_DIVERGED, "image %d: the model's outputs are not finite", t->count - 1);
            }
        }
    }
    return CNN_OK;
}

static cnn_evaluation summarize(const tally *t)
{
    const double n = t->count, p = t->correct / n, z = NORMAL_POINT;
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (cnn_evaluation){
        .count = t->count,
        .correct = t->correct,
        .accuracy = p,
        .interval_low = t->correct == 0 ? 0 : centre - half,
        .interval_high = t->correct == t->count ? 1 : centre + half,
        .loss = t->loss_sum / n,
        .class_count = t->classes,
        .confusion = t->confusion,
    };
}

cnn_status cnn_session_evaluate(cnn_session *session, const cnn_dataset *data, cnn_evaluation *evaluation,
                                cnn_error *error)
{
    const size_t classes = (size_t)cnn_model_class_count(session->model);
    tally t = {.data = data, .classes = (int)classes};
    size_t cells;
    cnn_status status = cnn_match_data(session->model, data, &t.labels, error);
    if (status == CNN_OK && cnn_multiply_size(classes, classes, &cells)) {
        t.confusion = cnn_alloc(cells, sizeof *t.confusion);
    }
    if (status == CNN_OK) {
        status = t.confusion != NULL ? count_all(session, &t, error) : cnn_fail_memory(error);
    }
    cnn_free(t.labels);
    if (status != CNN_OK) {
        cnn_free(t.confusion);
        return status;
    }
    *evaluation = summarize(&t);
    return CNN_OK;
}

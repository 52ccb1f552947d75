/* How a model does on a data set: accuracy with Wilson's interval (Wilson 1927, "Probable inference, the law of
 * succession, and statistical inference"), mean cross-entropy, expected calibration error (Guo et al. 2017, arXiv
 * 1706.04599), and who was taken for whom. */
#include "base/memory.h"
#include "train/loss.h"
#include "train/match.h"
#include "train/session.h"

#include <math.h>

/** The normal distribution's 97.5% point: an interval of 95%. */
#define NORMAL_POINT 1.959963984540054
/** Of the calibration error, as many as in the paper. */
#define BINS 15

/** Images whose predicted class has about the same probability. */
typedef struct bin {
    int correct;
    double confidence; /* sum */
} bin;

/** What is counted, image after image. Classes are the first model's. */
typedef struct tally {
    cnn_session *session;
    const cnn_dataset *data;
    int classes;
    int *labels;         /* [data's classes] the class of the same name */
    int *confusion;      /* [classes][classes] */
    int *member_correct; /* [models], behind the confusion matrix */
    int count, correct, unfamiliar;
    double loss_sum;
    bin bins[BINS];
} tally;

/** The ensemble's loss -log(1/M sum over m of exp(-loss_m)), model after model; the largest term is kept aside, so that
 * none overflows. With one model it is that model's, to the bit. */
typedef struct mean_loss {
    double least; /* loss so far */
    double sum;   /* of exp(least - loss_m) */
} mean_loss;

static void add_loss(mean_loss *mean, double loss)
{
    if (loss < mean->least) {
        mean->sum = mean->sum * exp(loss - mean->least) + 1;
        mean->least = loss;
    } else {
        mean->sum += exp(mean->least - loss);
    }
}

/** Bins have equal widths; bin b is of probabilities above b / BINS, up to (b + 1) / BINS. */
static void count_confidence(tally *t, double confidence, bool correct)
{
    const int number = (int)ceil(confidence * BINS) - 1;
    bin *place = &t->bins[number < 0 ? 0 : number < BINS ? number : BINS - 1];
    place->confidence += confidence;
    place->correct += correct;
}

/** The sum over bins of (images of the bin / all) * |share of correct ones - mean confidence|. */
static double calibration_error(const tally *t)
{
    double sum = 0;
    for (int b = 0; b < BINS; b++) {
        sum += fabs(t->bins[b].correct - t->bins[b].confidence);
    }
    return sum / t->count;
}

/** Counts the batch's image `index`. Returns the first model whose outputs are not finite, or -1. */
static int count_image(tally *t, int index)
{
    const int members = t->session->member_count;
    const int actual = t->labels[cnn_dataset_label(t->data, t->count)];
    mean_loss loss = {.least = INFINITY};
    int predicted = 0;
    for (int m = 0; m < members; m++) {
        const cnn_real *logits = cnn_session_logits(t->session, m, index);
        const int own = t->session->members[m].classes[actual];
        const double own_loss = cnn_cross_entropy(logits, t->classes, own, 0, 1, NULL);
        if (!isfinite(own_loss)) {
            return m;
        }
        predicted = cnn_argmax(logits, t->classes);
        t->member_correct[m] += predicted == own;
        add_loss(&loss, own_loss);
    }
    const int diverged = cnn_session_average(t->session, index);
    if (diverged >= 0) {
        return diverged;
    }
    if (members > 1) {
        predicted = cnn_argmax(t->session->probabilities, t->classes);
    }
    count_confidence(t, (double)t->session->probabilities[predicted], predicted == actual);
    t->unfamiliar += t->session->familiarity < 0;
    t->loss_sum += loss.least - log(loss.sum / members);
    t->correct += predicted == actual;
    t->confusion[(size_t)actual * (size_t)t->classes + (size_t)predicted]++;
    t->count++;
    return -1;
}

static cnn_status count_all(tally *t, cnn_error *error)
{
    const int total = cnn_dataset_count(t->data);
    while (t->count < total) {
        const int left = total - t->count;
        const int n = left < t->session->batch ? left : t->session->batch;
        cnn_session_run(t->session, cnn_dataset_pixels(t->data, t->count), n);
        for (int i = 0; i < n; i++) {
            const int diverged = count_image(t, i);
            if (diverged >= 0) {
                return cnn_session_fail(t->session, diverged, t->count, error);
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
        .calibration_error = calibration_error(t),
        .unfamiliar = isnan(t->session->familiarity) ? -1 : t->unfamiliar,
        .class_count = t->classes,
        .confusion = t->confusion,
        .model_count = t->session->member_count,
        .model_correct = t->member_correct,
    };
}

/** The confusion matrix and, behind it, the models' counts. */
static cnn_status allocate_counts(tally *t, cnn_error *error)
{
    const size_t classes = (size_t)t->classes;
    size_t cells, count;
    if (cnn_multiply_size(classes, classes, &cells) && cnn_add_size(cells, (size_t)t->session->member_count, &count)) {
        t->confusion = cnn_alloc(count, sizeof *t->confusion);
    }
    if (t->confusion == NULL) {
        return cnn_fail_memory(error);
    }
    t->member_correct = t->confusion + cells;
    return CNN_OK;
}

cnn_status cnn_session_evaluate(cnn_session *session, const cnn_dataset *data, cnn_evaluation *evaluation,
                                cnn_error *error)
{
    const cnn_model *first = session->members[0].model;
    tally t = {.session = session, .data = data, .classes = cnn_model_class_count(first)};
    cnn_status status = cnn_match_data(first, data, &t.labels, error);
    if (status == CNN_OK) {
        status = allocate_counts(&t, error);
    }
    if (status == CNN_OK) {
        status = count_all(&t, error);
    }
    cnn_free(t.labels);
    if (status != CNN_OK) {
        cnn_free(t.confusion);
        return status;
    }
    *evaluation = summarize(&t);
    return CNN_OK;
}

/* Calibration (Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599): one number, the
 * temperature, by which the logits are divided, makes a trained model's probabilities as large as they are right. It is
 * the one of least cross-entropy on images that the model was not trained on.
 *
 * Which images are unlike the training images is told by the free energy (Liu et al. 2020, arXiv 2010.03759) and at
 * first sight (appearance.c). At 1% of false alarms among the images held back, of foreign ones were found, in %:
 *
 *     lenet.recipe, 2 epochs on MNIST   Fashion-MNIST   CIFAR-10, grey   noise   black   white
 *     largest probability                        78.2             99.6    88.8     100     100
 *     largest logit                              94.2              100     100     100     100
 *     free energy                                94.4              100     100     100     100
 *     first sight alone                          63.8                -     100     100       -
 *     both, as here: energy at 0.5%              91.9              100     100     100     100
 *
 *     cifar10-quick.recipe, 2 epochs            MNIST    Fashion-MNIST   noise   black
 *     the best of the first three                 0.4              0.5     0.1       0
 *     both, as here                              87.3             34.7     100     100
 *
 * A margin between the two largest logits, and logits less their mean, did worse than the energy. Distances of the
 * logits from the classes' means (Mahalanobis) found 82% of MNIST by the second network, but no noise, and 51% of
 * Fashion-MNIST by the first. */
#include "train/calibrate.h"

#include "base/memory.h"
#include "train/appearance.h"
#include "train/loss.h"
#include "train/step.h"

#include <math.h>
#include <string.h>

/** Halvings of the temperature's range, on a logarithmic scale: the rest is 1e-8 of it. */
#define HALVINGS 30
/** Of familiar images so many are called unlike the others. */
#define FALSE_ALARMS 0.005
/** What is fitted is rounded to 1 / this: as it is told, so it is stored, and a recipe can say the same. */
#define ROUNDING 1e4

double cnn_familiarity(const cnn_real *logits, int classes)
{
    return cnn_log_sum_exp(logits, classes);
}

/** d/dbeta of the sum over i of the cross-entropy of softmax(beta * logits[i]) with labels[i], beta = 1 / temperature:
 * the sum of (mean of the logits under that softmax) - (the label's logit). It rises with beta. */
static double slope(const cnn_real *logits, const int *labels, int count, int classes, double beta)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const cnn_real *z = logits + (size_t)i * (size_t)classes;
        const double most = (double)z[cnn_argmax(z, classes)], own = (double)z[labels[i]] - most;
        double weights = 0, weighted = 0;
        for (int c = 0; c < classes; c++) {
            const double distance = (double)z[c] - most, weight = exp(beta * distance);
            weights += weight;
            weighted += weight * distance;
        }
        sum += weighted / weights - own;
    }
    return sum;
}

/** The cross-entropy is convex in beta, so halving finds its only minimum. Added to the sum is beta - log beta, about
 * one image's weight in favour of 1: where the images held back are few and all right, none would be too low. */
double cnn_fit_temperature(const cnn_real *logits, const int *labels, int count, int classes)
{
    double low = -log(CNN_TEMPERATURE_MOST), high = -log(CNN_TEMPERATURE_LEAST); /* of log beta */
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2, beta = exp(middle);
        if (slope(logits, labels, count, classes, beta) + 1 - 1 / beta > 0) {
            high = middle;
        } else {
            low = middle;
        }
    }
    const double rounded = round(exp(-low) * ROUNDING) / ROUNDING;
    return fmin(fmax(rounded, CNN_TEMPERATURE_LEAST), CNN_TEMPERATURE_MOST);
}

/** An image as familiar as `count` others is less so than the k-th least of them with probability k / (count + 1). */
double cnn_fit_familiarity(double *familiarities, int count)
{
    const int rank = (int)(FALSE_ALARMS * (count + 1.0));
    if (rank < 1) {
        return -INFINITY;
    }
    cnn_sort_numbers(familiarities, (size_t)count);
    const double rounded = floor(familiarities[rank - 1] * ROUNDING) / ROUNDING;
    return fmin(fmax(rounded, -CNN_FAMILIARITY_MOST), CNN_FAMILIARITY_MOST);
}

/** What is known of the images held back. */
typedef struct evidence {
    cnn_real *logits;      /* [count][classes] */
    int *labels;           /* [count] */
    double *familiarities; /* [count] */
    int count, classes;
} evidence;

static cnn_status allocate(evidence *it, cnn_error *error)
{
    it->logits = cnn_alloc((size_t)it->count, (size_t)it->classes * sizeof *it->logits);
    it->labels = cnn_alloc((size_t)it->count, sizeof *it->labels);
    it->familiarities = cnn_alloc((size_t)it->count, sizeof *it->familiarities);
    const bool complete = it->logits != NULL && it->labels != NULL && it->familiarities != NULL;
    return complete ? CNN_OK : cnn_fail_memory(error);
}

static void collect(const cnn_trainer *t, evidence *it)
{
    const size_t classes = (size_t)it->classes;
    for (int first = 0, n; first < it->count; first += n) {
        n = cnn_trainer_classify_held_back(t, first);
        for (int i = 0; i < n; i++) {
            memcpy(it->logits + (size_t)(first + i) * classes, cnn_runner_output(t->validator, i),
                   classes * sizeof *it->logits);
            it->labels[first + i] = cnn_dataset_label(t->data, t->indices[t->train_count + first + i]);
        }
    }
}

/** Divides the logits by the temperature, as a session does. */
static void measure_familiarities(evidence *it, double temperature)
{
    const cnn_real factor = 1 / (cnn_real)temperature;
    for (int i = 0; i < it->count; i++) {
        cnn_real *logits = it->logits + (size_t)i * (size_t)it->classes;
        for (int c = 0; c < it->classes; c++) {
            logits[c] *= factor;
        }
        it->familiarities[i] = cnn_familiarity(logits, it->classes);
    }
}

static cnn_status fit(const cnn_train_options *options, evidence *it, cnn_model *model, cnn_error *error)
{
    cnn_status status = CNN_OK;
    if (options->temperature == CNN_OPTION_AUTO) {
        const double temperature = cnn_fit_temperature(it->logits, it->labels, it->count, it->classes);
        status = cnn_model_set_temperature(model, temperature, error);
    }
    if (options->familiarity == CNN_OPTION_AUTO && status == CNN_OK) {
        measure_familiarities(it, model->temperature);
        const double familiarity = cnn_fit_familiarity(it->familiarities, it->count);
        status = isfinite(familiarity) ? cnn_model_set_familiarity(model, familiarity, error) : CNN_OK;
    }
    return status;
}

/** First sight is of the images trained on: the network has no part in it. */
static cnn_status fit_appearance(const cnn_trainer *t, cnn_model *model, cnn_error *error)
{
    const size_t count = (size_t)t->train_count;
    double ranges[CNN_APPEARANCE_COUNT][2], image[CNN_APPEARANCE_COUNT];
    double *figures = cnn_alloc(count, CNN_APPEARANCE_COUNT * sizeof *figures);
    if (figures == NULL) {
        return cnn_fail_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        cnn_appearance_measure(cnn_dataset_pixels(t->data, t->indices[i]), t->data->shape, image);
        for (size_t f = 0; f < CNN_APPEARANCE_COUNT; f++) {
            figures[f * count + i] = image[f];
        }
    }
    const bool fitted = cnn_appearance_fit(figures, t->train_count, ranges);
    cnn_free(figures);
    return fitted ? cnn_model_set_appearance(model, ranges, error) : CNN_OK;
}

cnn_status cnn_trainer_calibrate(const cnn_trainer *t, cnn_model *model, cnn_error *error)
{
    evidence it = {.count = t->held_back, .classes = t->model->network->class_count};
    cnn_status status = fit_appearance(t, model, error);
    if (status != CNN_OK || t->held_back == 0) {
        return status;
    }
    status = allocate(&it, error);
    if (status == CNN_OK) {
        collect(t, &it);
        const size_t numbers = (size_t)it.count * (size_t)it.classes;
        status = t->model->network->vectors->is_finite(it.logits, numbers)
                     ? fit(&t->options, &it, model, error)
                     : cnn_fail(error, CNN_DIVERGED, "the outputs for the images held back are no longer finite");
    }
    cnn_free(it.logits);
    cnn_free(it.labels);
    cnn_free(it.familiarities);
    return status;
}

/* What the figures of an inspection say, in words: at most one warning a layer, its worst, and only where something is
 * wrong. A fault shows in other layers, too: behind a dead layer all are constant, before it no gradient arrives, and
 * weights that are too large make the gradients around them large. So the layers that explain the others are looked for
 * first, and the others are kept quiet about. */
#include "train/watch.h"

#include <math.h>
#include <stdio.h>

/* Chosen with a margin to what healthy trainings show from the first step to the last, in parentheses the most that
 * lenet.recipe, also with its activations exchanged for others, and cifar10-quick.recipe came to. */
#define MOST_GROWTH 500         /* of outputs over inputs, root mean squares (7) */
#define MOST_UPDATE 0.5         /* of the weights in one step (0.22; what came to 0.59 diverged) */
#define MOST_DEAD 0.3           /* of the units (0.02) */
#define MOST_SATURATED 0.8      /* of the outputs, at either limit (0.24) */
#define MOST_SATURATED_LOW 0.98 /* at the only limit, where these activations rest as rectifiers do at 0 (0.56) */
#define MOST_VANISHED 5000      /* times smaller is a weight's gradient than in another layer, root mean squares (40) */

/** What may be wrong with a layer, in rising severity. */
typedef enum trouble { FINE, VANISHING, SATURATED, DEAD, MOVING, EXPLODING, NOT_FINITE } trouble;

typedef struct diagnosis {
    const cnn_watch *watch;
    const cnn_layer_record *records;
    cnn_layer_inspection *layers; /* their severity is the trouble */
} diagnosis;

static double size(const cnn_layer_record *record)
{
    return hypot((double)record->mean, (double)record->deviation);
}

/** The root mean square of what layer `index` reads, at least 1: small numbers may well grow. */
static double input_size(const diagnosis *d, int index)
{
    const int before = d->watch->layers[index].before;
    const double read = before >= 0 ? size(&d->records[before]) : d->watch->input_size;
    return read > 1 ? read : 1;
}

static bool is_all_dead(const diagnosis *d, int index)
{
    return index >= 0 && d->records[index].dead == d->watch->layers[index].units;
}

/** Outputs and gradients that are not numbers any more, named where they begin; whether there are any. */
static bool find_not_finite(diagnosis *d)
{
    for (int i = 0; i < d->watch->layer_count; i++) {
        if (!isfinite(size(&d->records[i]))) {
            d->layers[i].severity = NOT_FINITE;
            return true;
        }
    }
    for (int i = d->watch->layer_count - 1; i >= 0; i--) {
        if (!isfinite(d->records[i].gradient_norm)) {
            d->layers[i].severity = NOT_FINITE;
            return true;
        }
    }
    return false;
}

static bool find_exploding(diagnosis *d)
{
    bool found = false;
    for (int i = 0; i < d->watch->layer_count; i++) {
        if (size(&d->records[i]) > MOST_GROWTH * input_size(d, i)) {
            d->layers[i].severity = EXPLODING;
            found = true;
        }
    }
    return found;
}

static double most_saturated(const cnn_watched *layer)
{
    return isinf(layer->bounds[0]) || isinf(layer->bounds[1]) ? MOST_SATURATED_LOW : MOST_SATURATED;
}

/** Layers that are silent or stuck; whether one lets no gradient through, so that those of others say nothing. */
static bool find_stuck(diagnosis *d)
{
    bool blocks = false;
    for (int i = 0; i < d->watch->layer_count; i++) {
        const cnn_watched *layer = &d->watch->layers[i];
        const cnn_layer_record *record = &d->records[i];
        if (is_all_dead(d, layer->before)) {
            continue;
        }
        if (layer->hidden && record->dead > MOST_DEAD * layer->units) {
            d->layers[i].severity = DEAD;
            blocks = blocks || is_all_dead(d, i);
        } else if ((double)record->saturated > most_saturated(layer)) {
            d->layers[i].severity = SATURATED;
            blocks = true;
        }
    }
    return blocks;
}

static void find_moving(diagnosis *d)
{
    for (int i = 0; i < d->watch->layer_count; i++) {
        if ((double)d->records[i].update_ratio > MOST_UPDATE) {
            d->layers[i].severity = MOVING;
        }
    }
}

/** The root mean square of the gradient of one of the layer's weights; 0 where it has none. */
static double weight_gradient(const diagnosis *d, int index)
{
    const int slot = d->watch->layers[index].slot;
    return slot < 0 ? 0 : (double)d->records[index].gradient_norm / sqrt((double)d->watch->network->slots[slot].count);
}

static int largest_gradient(const diagnosis *d)
{
    int largest = 0;
    for (int i = 1; i < d->watch->layer_count; i++) {
        largest = weight_gradient(d, i) > weight_gradient(d, largest) ? i : largest;
    }
    return largest;
}

static void find_vanishing(diagnosis *d)
{
    const double largest = weight_gradient(d, largest_gradient(d));
    for (int i = 0; i < d->watch->layer_count; i++) {
        if (d->watch->layers[i].slot >= 0 && d->layers[i].severity == FINE &&
            weight_gradient(d, i) * MOST_VANISHED < largest) {
            d->layers[i].severity = VANISHING;
        }
    }
}

static void word_vanishing(const diagnosis *d, int index, char *out, size_t size_of_out)
{
    const int largest = largest_gradient(d);
    const double own = weight_gradient(d, index), other = weight_gradient(d, largest);
    if (own > 0) {
        snprintf(out, size_of_out, "%s: its gradient is %.0f times smaller than that of %s: add batchnorm or residuals",
                 d->layers[index].name, other / own, d->layers[largest].name);
    } else {
        snprintf(out, size_of_out, "%s: no gradient arrives there: add batchnorm or residuals", d->layers[index].name);
    }
}

static void word(const diagnosis *d, int index)
{
    const cnn_layer_record *record = &d->records[index];
    cnn_layer_inspection *layer = &d->layers[index];
    const size_t room = sizeof layer->warning;
    switch (layer->severity) {
    case NOT_FINITE:
        snprintf(layer->warning, room, "%s: its %s are no longer finite: lower the learning rate, or add batchnorm",
                 layer->name, isfinite(size(record)) ? "gradients" : "outputs");
        break;
    case EXPLODING:
        snprintf(layer->warning, room,
                 "%s: its outputs are %.0f times larger than its inputs: lower the learning rate, begin with smaller "
                 "weights, or add batchnorm",
                 layer->name, size(record) / input_size(d, index));
        break;
    case MOVING:
        snprintf(layer->warning, room, "%s: a step changes its weights by %.0f%%: lower the learning rate, or warm up",
                 layer->name, 100 * (double)record->update_ratio);
        break;
    case DEAD:
        snprintf(layer->warning, room, "%s: %.0f%% of its units are dead: lower the learning rate, or try leakyrelu",
                 layer->name, 100.0 * record->dead / layer->units);
        break;
    case SATURATED:
        snprintf(
            layer->warning, room,
            "%s: %.0f%% of its outputs are saturated: scale the input, lower the learning rate, or initialize with "
            "glorot",
            layer->name, 100 * (double)record->saturated);
        break;
    case VANISHING:
        word_vanishing(d, index, layer->warning, room);
        break;
    default:
        break;
    }
}

void cnn_diagnose(const cnn_watch *watch, const cnn_layer_record *records, cnn_layer_inspection *layers)
{
    diagnosis d = {.watch = watch, .records = records, .layers = layers};
    if (watch->layer_count > 0 && !find_not_finite(&d) && !find_exploding(&d)) {
        const bool blocked = find_stuck(&d);
        find_moving(&d);
        if (!blocked) {
            find_vanishing(&d);
        }
    }
    for (int i = 0; i < watch->layer_count; i++) {
        word(&d, i);
    }
}

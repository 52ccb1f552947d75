/* Finding the layers to watch, and adding up what their outputs, gradients and weights are like: see watch.h. */
#include "train/watch.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/** Of the distance between an activation's limits, or of its one limit: an output so near to a limit is saturated. */
#define SATURATED_SHARE 0.01

/* ---- which layers */

/** The index of the node's trained weights among its tensors, -1: it has none. */
static int weight_tensor(const cnn_node *node)
{
    for (int i = 0; i < node->plan.tensor_count; i++) {
        if (node->plan.tensors[i].role == CNN_ROLE_WEIGHT) {
            return i;
        }
    }
    return -1;
}

static bool has_frozen_weights(const cnn_node *node)
{
    return weight_tensor(node) < 0 && node->plan.tensor_count > 0 && cnn_tensor_is_weight(&node->plan.tensors[0]);
}

/** The node that alone reads what node `index` writes, -1: there is none. */
static int sole_reader(const cnn_network *network, int index)
{
    const int value = network->nodes[index].output;
    for (int i = index + 1; i < network->node_count && network->values[value].readers == 1; i++) {
        if (network->nodes[i].input == value || network->nodes[i].input2 == value) {
            return i;
        }
    }
    return -1;
}

/** Whether the node leaves channels what they are: batch normalization, pools, dropout. */
static bool keeps_channels(const cnn_node *node)
{
    return node->input2 < 0 && weight_tensor(node) < 0 && !has_frozen_weights(node) &&
           node->plan.output.channels == node->plan.input.channels;
}

/** The activation that is applied to what node `index` writes, -1: none. */
static int activation_after(const cnn_network *network, int index)
{
    int reader = sole_reader(network, index);
    while (reader >= 0 && !network->nodes[reader].plan.activation.is && keeps_channels(&network->nodes[reader])) {
        reader = sole_reader(network, reader);
    }
    return reader >= 0 && network->nodes[reader].plan.activation.is ? reader : -1;
}

/** Whether what node `index` writes is the network's output, layers aside that inference leaves out. */
static bool is_output(const cnn_network *network, int index)
{
    int last = network->node_count - 1;
    while (last > index && network->nodes[last].plan.inactive) {
        last = network->values[network->nodes[last].input].producer;
    }
    return last == index;
}

/** From where on outputs are saturated: never, without limits. */
static void set_bounds(const cnn_activation *activation, cnn_real bounds[2])
{
    const double low = activation->low, high = activation->high;
    const bool both = isfinite(low) && isfinite(high);
    bounds[0] = -INFINITY;
    bounds[1] = INFINITY;
    if (activation->saturates && isfinite(low)) {
        bounds[0] = (cnn_real)(low + SATURATED_SHARE * (both ? high - low : fabs(low)));
    }
    if (activation->saturates && isfinite(high)) {
        bounds[1] = (cnn_real)(high - SATURATED_SHARE * (both ? high - low : fabs(high)));
    }
}

/** The watched layer whose outputs reach the input of node `index`, by the first input of sums. */
static int layer_before(const cnn_watch *watch, int index)
{
    int producer = watch->network->values[watch->network->nodes[index].input].producer;
    while (producer >= 0 && watch->of[producer] < 0) {
        producer = watch->network->values[watch->network->nodes[producer].input].producer;
    }
    return producer >= 0 ? watch->of[producer] : -1;
}

static void find_layers(cnn_watch *watch)
{
    const cnn_network *network = watch->network;
    for (int i = 0; i < network->node_count; i++) {
        watch->of[i] = -1;
    }
    for (int i = 0; i < network->node_count; i++) {
        const cnn_node *node = &network->nodes[i];
        const int tensor = weight_tensor(node), activation = activation_after(network, i);
        const bool computes = node->input2 >= 0 || has_frozen_weights(node);
        if (node->plan.activation.is || (tensor < 0 && (!computes || activation < 0))) {
            continue;
        }
        const int shown = activation >= 0 ? activation : i;
        const cnn_shape output = network->nodes[shown].plan.output;
        cnn_watched *layer = &watch->layers[watch->layer_count];
        *layer = (cnn_watched){
            .layer = i,
            .node = shown,
            .slot = tensor >= 0 ? node->tensors + tensor : -1,
            .before = layer_before(watch, i),
            .hidden = activation >= 0 && !is_output(network, activation),
            .units = output.channels,
            .pixels = output.height * output.width,
            .first = watch->unit_count,
        };
        set_bounds(&network->nodes[shown].plan.activation, layer->bounds);
        watch->of[shown] = watch->layer_count++;
        watch->unit_count += output.channels;
    }
}

/* ---- memory */

/** About the root mean square of scaled pixels: as if all brightnesses were equally frequent. */
static double input_size(const cnn_model *model)
{
    double sum = 0;
    for (int c = 0; c < model->network->input.channels; c++) {
        const double distance = 0.5 - model->mean[c];
        sum += (distance * distance + 1.0 / 12) / (model->deviation[c] * model->deviation[c]);
    }
    return sqrt(sum / model->network->input.channels);
}

cnn_watch *cnn_watch_new(const cnn_model *model, int lanes, int threads, cnn_error *error)
{
    const size_t nodes = (size_t)model->network->node_count;
    cnn_watch *w = cnn_alloc(1, sizeof *w);
    if (w == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    w->network = model->network;
    w->input_size = input_size(model);
    w->lanes = lanes;
    w->layers = cnn_alloc(nodes, sizeof *w->layers);
    w->of = cnn_alloc(nodes, sizeof *w->of);
    if (w->layers != NULL && w->of != NULL) {
        find_layers(w);
        const size_t layers = (size_t)w->layer_count, units = (size_t)w->unit_count;
        w->lane_moments = cnn_alloc((size_t)lanes * layers, sizeof *w->lane_moments);
        w->lane_live = cnn_alloc((size_t)lanes, units);
        w->room = cnn_alloc((size_t)threads, CNN_WATCH_PIECE * sizeof *w->room);
        w->moments = cnn_alloc(layers, sizeof *w->moments);
        w->live = cnn_alloc(units, 1);
        w->gradients = cnn_alloc(layers, sizeof *w->gradients);
        w->weights = cnn_alloc(layers, sizeof *w->weights);
    }
    if (w->lane_moments == NULL || w->lane_live == NULL || w->room == NULL || w->moments == NULL || w->live == NULL ||
        w->gradients == NULL || w->weights == NULL) {
        cnn_fail_memory(error);
        cnn_watch_free(w);
        return NULL;
    }
    return w;
}

void cnn_watch_free(cnn_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    cnn_free(watch->layers);
    cnn_free(watch->of);
    cnn_free(watch->lane_moments);
    cnn_free(watch->lane_live);
    cnn_free(watch->room);
    cnn_free(watch->moments);
    cnn_free(watch->live);
    cnn_free(watch->gradients);
    cnn_free(watch->weights);
    cnn_free(watch);
}

/* ---- outputs */

void cnn_watch_clear(cnn_watch *watch)
{
    watch->images = 0;
    memset(watch->moments, 0, (size_t)watch->layer_count * sizeof *watch->moments);
    memset(watch->live, 0, (size_t)watch->unit_count);
}

void cnn_watch_tap(void *context, int node, int lane, int n, const cnn_real *values)
{
    cnn_watch *watch = context;
    const int index = watch->of[node];
    if (index < 0) {
        return;
    }
    const cnn_watched *layer = &watch->layers[index];
    const size_t rows = (size_t)n * (size_t)layer->pixels;
    watch->network->vectors->moments(values, rows, (size_t)layer->units, layer->bounds,
                                     &watch->lane_moments[(size_t)lane * (size_t)watch->layer_count + (size_t)index],
                                     watch->lane_live + (size_t)lane * (size_t)watch->unit_count + layer->first);
}

/** Lanes that the pass did not fill are 0, as all are left. */
void cnn_watch_add(cnn_watch *watch, int n)
{
    const size_t layers = (size_t)watch->layer_count, units = (size_t)watch->unit_count;
    for (size_t lane = 0; lane < (size_t)watch->lanes; lane++) {
        for (size_t i = 0; i < layers; i++) {
            const cnn_moments *from = &watch->lane_moments[lane * layers + i];
            watch->moments[i].sum += from->sum;
            watch->moments[i].squares += from->squares;
            watch->moments[i].zeros += from->zeros;
            watch->moments[i].saturated += from->saturated;
        }
        for (size_t u = 0; u < units; u++) {
            watch->live[u] |= watch->lane_live[lane * units + u];
        }
    }
    memset(watch->lane_moments, 0, (size_t)watch->lanes * layers * sizeof *watch->lane_moments);
    memset(watch->lane_live, 0, (size_t)watch->lanes * units);
    watch->images += n;
}

/* ---- gradients and weights */

static void measure_gradient(void *context, int index, int thread)
{
    cnn_watch *watch = context;
    const int slot = watch->layers[index].slot;
    cnn_real *room = watch->room + (size_t)thread * CNN_WATCH_PIECE;
    double sum = 0;
    for (size_t first = 0; slot >= 0 && first < watch->network->slots[slot].count; first += CNN_WATCH_PIECE) {
        const size_t rest = watch->network->slots[slot].count - first;
        const size_t count = rest < CNN_WATCH_PIECE ? rest : CNN_WATCH_PIECE;
        const cnn_real *gradient = cnn_runner_gradient(watch->runner, slot, first, count, room);
        sum += watch->network->vectors->sum_squares(gradient, count);
    }
    watch->gradients[index] = sum;
}

void cnn_watch_gradients(cnn_watch *watch, const cnn_runner *runner, cnn_team *team)
{
    watch->runner = runner;
    cnn_team_run(team, watch->layer_count, measure_gradient, watch);
}

static void measure_weights(void *context, int index, int thread)
{
    cnn_watch *watch = context;
    const int slot = watch->layers[index].slot;
    (void)thread;
    watch->weights[index] = 0;
    if (slot >= 0) {
        const cnn_slot *place = &watch->network->slots[slot];
        watch->weights[index] = watch->network->vectors->sum_squares(watch->parameters + place->offset, place->count);
    }
}

void cnn_watch_weights(cnn_watch *watch, cnn_real *parameters, cnn_team *team)
{
    watch->parameters = parameters;
    cnn_team_run(team, watch->layer_count, measure_weights, watch);
}

/* ---- figures */

cnn_layer_record cnn_watch_record(const cnn_watch *watch, int index)
{
    const cnn_watched *layer = &watch->layers[index];
    const cnn_moments *moments = &watch->moments[index];
    const double values = (double)watch->images * layer->pixels * layer->units;
    const double mean = moments->sum / values, variance = moments->squares / values - mean * mean;
    int dead = 0;
    for (int u = 0; u < layer->units; u++) {
        dead += !watch->live[layer->first + u];
    }
    return (cnn_layer_record){
        .mean = (float)mean,
        .deviation = (float)(variance < 0 ? 0 : sqrt(variance)),
        .zeros = (float)(moments->zeros / values),
        .saturated = (float)(moments->saturated / values),
        .gradient_norm = (float)sqrt(watch->gradients[index]),
        .weight_norm = (float)sqrt(watch->weights[index]),
        .dead = dead,
    };
}

/** What the layers are like together. */
static void sum_up(const cnn_watch *watch, const cnn_layer_record *records, cnn_inspection *inspection)
{
    double units = 0, dead = 0, values = 0, zeros = 0, gradients = 0;
    for (int i = 0; i < watch->layer_count; i++) {
        const cnn_watched *layer = &watch->layers[i];
        const double layer_values = (double)layer->units * layer->pixels;
        units += layer->hidden ? layer->units : 0;
        dead += layer->hidden ? records[i].dead : 0;
        values += layer->hidden ? layer_values : 0;
        zeros += layer->hidden ? layer_values * (double)records[i].zeros : 0;
        gradients += (double)records[i].gradient_norm * (double)records[i].gradient_norm;
        if ((double)records[i].update_ratio > inspection->update_ratio) {
            inspection->update_ratio = (double)records[i].update_ratio;
        }
    }
    inspection->dead = units > 0 ? dead / units : 0;
    inspection->zeros = values > 0 ? zeros / values : 0;
    inspection->gradient_norm = sqrt(gradients);
}

cnn_status cnn_watch_report(const cnn_watch *watch, const cnn_layer_record *records, int images,
                            cnn_inspection *inspection, cnn_error *error)
{
    cnn_layer_inspection *layers = cnn_alloc((size_t)watch->layer_count, sizeof *layers);
    if (layers == NULL) {
        return cnn_fail_memory(error);
    }
    for (int i = 0; i < watch->layer_count; i++) {
        const cnn_watched *layer = &watch->layers[i];
        layers[i] = (cnn_layer_inspection){
            .name = watch->network->nodes[layer->layer].name,
            .has_weights = layer->slot >= 0,
            .hidden = layer->hidden,
            .units = layer->units,
            .dead = records[i].dead,
            .mean = (double)records[i].mean,
            .deviation = (double)records[i].deviation,
            .zeros = (double)records[i].zeros,
            .saturated = (double)records[i].saturated,
            .gradient_norm = (double)records[i].gradient_norm,
            .weight_norm = (double)records[i].weight_norm,
            .update_ratio = (double)records[i].update_ratio,
        };
    }
    cnn_diagnose(watch, records, layers);
    *inspection = (cnn_inspection){.images = images, .layer_count = watch->layer_count, .layers = layers};
    sum_up(watch, records, inspection);
    return CNN_OK;
}

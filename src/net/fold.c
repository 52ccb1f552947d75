/* Folding: y = factor * (weight x + bias) + offset is (factor * weight) x + (factor * bias + offset), channel by
 * channel, in double. Jacob et al. 2017, "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", arXiv 1712.05877, section 3.2. */
#include "net/fold.h"

#include "base/memory.h"

#include <string.h>

/* ---- the network */

/** The source's node that its node `index` is folded into, -1: none. folded->nodes knows who is left out before it. */
static int fold_target(const cnn_folded *folded, int index)
{
    const cnn_network *source = folded->source;
    const cnn_node *node = &source->nodes[index];
    if (node->kind->affine == NULL) {
        return -1;
    }
    for (int value = node->input; source->values[value].readers == 1 && source->values[value].producer >= 0;) {
        const int producer = source->values[value].producer;
        if (folded->nodes[producer] >= 0) {
            return source->nodes[producer].kind->require_bias != NULL ? producer : -1;
        }
        value = source->nodes[producer].input;
    }
    return -1;
}

/** Whether inference does without the source's node `index`: what is left must begin with some node. */
static bool is_left_out(const cnn_folded *folded, int index)
{
    const cnn_node *node = &folded->source->nodes[index];
    return node->plan.inactive ? folded->source->values[node->input].producer >= 0 : fold_target(folded, index) >= 0;
}

/** Marks the nodes that are left out with -1, those that others are folded into with 1, and the others with 0. */
static bool mark_nodes(cnn_folded *folded)
{
    bool folds = false;
    for (int i = 0; i < folded->source->node_count; i++) {
        const int target = fold_target(folded, i);
        folded->nodes[i] = is_left_out(folded, i) ? -1 : 0;
        if (target >= 0) {
            folded->nodes[target] = 1;
            folds = true;
        }
    }
    return folds;
}

/** Appends the source's node, with a bias where it is marked for one. */
static cnn_status append_node(cnn_folded *folded, int index, const int inputs[2], cnn_error *error)
{
    const cnn_node *node = &folded->source->nodes[index];
    void *options = cnn_alloc(1, node->kind->options_size);
    if (options == NULL) {
        return cnn_fail_memory(error);
    }
    memcpy(options, node->options, node->kind->options_size);
    if (folded->nodes[index] > 0) {
        node->kind->require_bias(options);
    }
    const cnn_status status = cnn_network_append(folded->network, node->kind, node->name, options, inputs, error);
    cnn_free(options);
    return status;
}

/** Appends all nodes that are not left out, and turns their marks into their places. */
static cnn_status append_nodes(cnn_folded *folded, cnn_error *error)
{
    const cnn_network *source = folded->source;
    int *values = cnn_alloc((size_t)source->value_count, sizeof *values);
    if (values == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_status status = CNN_OK;
    for (int i = 0; i < source->node_count && status == CNN_OK; i++) {
        const cnn_node *node = &source->nodes[i];
        if (folded->nodes[i] < 0) {
            values[node->output] = values[node->input];
            continue;
        }
        const int inputs[2] = {values[node->input], node->input2 >= 0 ? values[node->input2] : -1};
        status = append_node(folded, i, inputs, error);
        folded->nodes[i] = folded->network->node_count - 1;
        values[node->output] = folded->network->value_count - 1;
    }
    cnn_free(values);
    return status;
}

/** Twice the channels of the widest output. */
static size_t room_count(const cnn_network *network)
{
    int most = 0;
    for (int i = 0; i < network->value_count; i++) {
        most = network->values[i].shape.channels > most ? network->values[i].shape.channels : most;
    }
    return 2 * (size_t)most;
}

static cnn_status fold(cnn_folded *folded, int batch, cnn_error *error)
{
    const cnn_network *source = folded->source;
    folded->nodes = cnn_alloc((size_t)source->node_count, sizeof *folded->nodes);
    folded->room = cnn_alloc(room_count(source), sizeof *folded->room);
    folded->network = cnn_network_empty(source->node_count, source->isa, error);
    if (folded->nodes == NULL || folded->room == NULL || folded->network == NULL) {
        return cnn_fail_memory(error);
    }
    folded->network->values[0].shape = folded->network->input = source->input;
    folded->network->class_count = source->class_count;
    folded->network->scale = source->scale;
    folded->network->lane_images = batch < CNN_LANE_IMAGES ? batch : CNN_LANE_IMAGES;
    const bool folds = mark_nodes(folded);
    cnn_status status = append_nodes(folded, error);
    if (status == CNN_OK && (folds || folded->network->parameter_count != source->parameter_count)) {
        folded->block = cnn_alloc(folded->network->parameter_count, sizeof *folded->block);
        status = folded->block != NULL ? CNN_OK : cnn_fail_memory(error);
    }
    return status;
}

cnn_folded *cnn_network_fold(const cnn_network *source, int batch, cnn_error *error)
{
    cnn_folded *folded = cnn_alloc(1, sizeof *folded);
    if (folded == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    folded->source = source;
    if (fold(folded, batch, error) != CNN_OK) {
        cnn_folded_free(folded);
        return NULL;
    }
    return folded;
}

void cnn_folded_free(cnn_folded *folded)
{
    if (folded != NULL) {
        cnn_network_free(folded->network);
        cnn_free(folded->block);
        cnn_free(folded->nodes);
        cnn_free(folded->room);
        cnn_free(folded);
    }
}

/* ---- the parameters */

/** Copies the tensors of the source's node `index`; one that it lacks, the bias it was given, becomes zero. */
static void copy_tensors(const cnn_folded *folded, int index, const cnn_real *parameters)
{
    const cnn_node *from = &folded->source->nodes[index], *to = &folded->network->nodes[folded->nodes[index]];
    for (int i = 0; i < to->plan.tensor_count; i++) {
        const cnn_slot *slot = &folded->network->slots[to->tensors + i];
        cnn_real *values = folded->block + slot->offset;
        int k = 0;
        while (k < from->plan.tensor_count && strcmp(from->plan.tensors[k].name, to->plan.tensors[i].name) != 0) {
            k++;
        }
        if (k < from->plan.tensor_count) {
            memcpy(values, parameters + folded->source->slots[from->tensors + k].offset, slot->count * sizeof *values);
        } else {
            memset(values, 0, slot->count * sizeof *values);
        }
    }
}

/** weight[channels][...] *= factor[channels], bias[channels] = bias * factor + offset */
static void apply(const cnn_folded *folded, const cnn_node *node, const double *factor, const double *offset)
{
    for (int i = 0; i < node->plan.tensor_count; i++) {
        const cnn_tensor *tensor = &node->plan.tensors[i];
        const cnn_slot *slot = &folded->network->slots[node->tensors + i];
        const size_t channels = (size_t)tensor->sizes[0], size = slot->count / channels;
        cnn_real *values = folded->block + slot->offset;
        for (size_t c = 0; c < channels; c++) {
            const double added = tensor->role == CNN_ROLE_BIAS ? offset[c] : 0;
            for (size_t k = 0; k < size; k++) {
                values[c * size + k] = (cnn_real)((double)values[c * size + k] * factor[c] + added);
            }
        }
    }
}

/** Applies the source's node `index` to what it is folded into. */
static void apply_node(const cnn_folded *folded, int index, int target, cnn_real *parameters)
{
    const cnn_node *node = &folded->source->nodes[index];
    cnn_real *tensors[CNN_LAYER_TENSORS];
    for (int i = 0; i < node->plan.tensor_count; i++) {
        tensors[i] = parameters + folded->source->slots[node->tensors + i].offset;
    }
    const cnn_layer_call call = {.options = node->options, .plan = &node->plan, .tensors = tensors};
    double *factor = folded->room, *offset = factor + node->plan.input.channels;
    node->kind->affine(&call, factor, offset);
    apply(folded, &folded->network->nodes[folded->nodes[target]], factor, offset);
}

void cnn_folded_fill(cnn_folded *folded, cnn_real *parameters)
{
    folded->parameters = folded->block;
    if (folded->block == NULL) {
        folded->parameters = parameters;
        return;
    }
    for (int i = 0; i < folded->source->node_count; i++) {
        const int target = fold_target(folded, i);
        if (folded->nodes[i] >= 0) {
            copy_tensors(folded, i, parameters);
        } else if (target >= 0) {
            apply_node(folded, i, target, parameters);
        }
    }
}

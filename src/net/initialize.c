/* How parameters begin: what suits each layer's activation, and the drawing itself. Each tensor has a random stream of
 * its own, so one layer's beginning does not depend on another's. */
#include "net/network.h"

#include <math.h>
#include <string.h>

/* ---- what suits the activations */

static bool has_weight(const cnn_node *node)
{
    for (int i = 0; i < node->plan.tensor_count; i++) {
        if (cnn_tensor_is_weight(&node->plan.tensors[i])) {
            return true;
        }
    }
    return false;
}

/** The first node that reads a value, -1: none. */
static int reader(const cnn_network *network, int value)
{
    for (int i = 0; i < network->node_count; i++) {
        if (network->nodes[i].input == value || network->nodes[i].input2 == value) {
            return i;
        }
    }
    return -1;
}

/** The activation behind node `index`, before further weights; else the nearest one before it; NULL: none. */
static const cnn_activation *activation_of(const cnn_network *network, int index)
{
    int at = reader(network, network->nodes[index].output);
    while (at >= 0 && !has_weight(&network->nodes[at])) {
        if (network->nodes[at].plan.activation.is) {
            return &network->nodes[at].plan.activation;
        }
        at = reader(network, network->nodes[at].output);
    }
    at = network->values[network->nodes[index].input].producer;
    while (at >= 0) {
        if (network->nodes[at].plan.activation.is) {
            return &network->nodes[at].plan.activation;
        }
        at = network->values[network->nodes[at].input].producer;
    }
    return NULL;
}

void cnn_network_suit_activations(cnn_network *network)
{
    static const cnn_activation none = {.suits = CNN_INITIALIZE_HE_NORMAL};
    for (int i = 0; i < network->node_count; i++) {
        cnn_layer_plan *plan = &network->nodes[i].plan;
        const cnn_activation *found = has_weight(&network->nodes[i]) ? activation_of(network, i) : NULL;
        const cnn_activation *activation = found != NULL ? found : &none;
        for (int t = 0; t < plan->tensor_count; t++) {
            cnn_tensor *tensor = &plan->tensors[t];
            if (cnn_tensor_is_weight(tensor)) {
                tensor->initialization =
                    tensor->initialization == CNN_INITIALIZE_AUTO ? activation->suits : tensor->initialization;
                tensor->slope = activation->slope;
                tensor->gain = activation->suits == CNN_INITIALIZE_HE_NORMAL
                                   ? sqrt(2 / (1 + activation->slope * activation->slope))
                                   : 1;
            }
        }
    }
}

/* ---- drawing */

static void fill_constant(double value, size_t count, cnn_real *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (cnn_real)value;
    }
}

static void fill_normal(double deviation, cnn_random random, size_t count, cnn_real *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (cnn_real)(deviation * cnn_random_normal(&random));
    }
}

static void fill_uniform(double limit, cnn_random random, size_t count, cnn_real *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (cnn_real)(limit * (2 * cnn_random_uniform(&random) - 1));
    }
}

/** Vectors of `length` numbers `step` apart in a matrix, each beginning `stride` after the one before. */
typedef struct vectors {
    cnn_real *numbers;
    size_t count, length, stride, step;
} vectors;

static double inner(const vectors *v, size_t a, size_t b)
{
    double sum = 0;
    for (size_t i = 0; i < v->length; i++) {
        sum += (double)v->numbers[a * v->stride + i * v->step] * (double)v->numbers[b * v->stride + i * v->step];
    }
    return sum;
}

/** Gram and Schmidt's method, each vector twice against those before it, which is enough in any precision. */
static void orthogonalize(const vectors *v, double norm)
{
    for (size_t k = 0; k < v->count; k++) {
        for (size_t pass = 0; pass < 2 * k; pass++) {
            const size_t other = pass % k;
            const double share = inner(v, k, other) / inner(v, other, other);
            for (size_t i = 0; i < v->length; i++) {
                cnn_real *number = &v->numbers[k * v->stride + i * v->step];
                *number = (cnn_real)((double)*number - share * (double)v->numbers[other * v->stride + i * v->step]);
            }
        }
        const double factor = norm / sqrt(inner(v, k, k));
        for (size_t i = 0; i < v->length; i++) {
            v->numbers[k * v->stride + i * v->step] *= (cnn_real)factor;
        }
    }
}

/** Rows of a wide matrix, columns of a tall one. */
static void fill_orthogonal(const cnn_tensor *tensor, cnn_random random, size_t count, cnn_real *out)
{
    const size_t rows = (size_t)tensor->sizes[0], columns = count / rows;
    const vectors wide = {out, rows, columns, columns, 1}, tall = {out, columns, rows, 1, columns};
    fill_normal(1, random, count, out);
    orthogonalize(rows <= columns ? &wide : &tall, tensor->gain);
}

/** Row i of a group: 1 at the group's channel i of the kernel's centre. Rows beyond the channels are uniform, as Jordan
 * 2024, arXiv 2404.00498. */
static void fill_dirac(const cnn_tensor *tensor, cnn_random random, size_t count, cnn_real *out)
{
    const size_t rows = (size_t)tensor->sizes[0], columns = count / rows;
    const size_t channels = (size_t)tensor->sizes[tensor->rank - 1], pixels = columns / channels;
    const size_t group_rows = (size_t)tensor->fan_out / pixels;
    size_t centre = pixels / 2;
    if (tensor->rank == 4) {
        centre = (size_t)(tensor->sizes[1] / 2) * (size_t)tensor->sizes[2] + (size_t)(tensor->sizes[2] / 2);
    }
    fill_uniform(1 / sqrt(tensor->fan_in), random, count, out);
    for (size_t row = 0; row < rows; row++) {
        const size_t channel = row % group_rows;
        if (channel < channels) {
            fill_constant(0, columns, out + row * columns);
            out[row * columns + centre * channels + channel] = 1;
        }
    }
}

/** The variance that he, glorot and lecun give. */
static double variance(const cnn_tensor *tensor)
{
    const double fan = tensor->fan == CNN_FAN_OUT ? tensor->fan_out : tensor->fan_in;
    switch (tensor->initialization) {
    case CNN_INITIALIZE_HE_NORMAL:
    case CNN_INITIALIZE_HE_UNIFORM:
        return 2 / ((1 + tensor->slope * tensor->slope) * fan);
    case CNN_INITIALIZE_GLOROT_NORMAL:
    case CNN_INITIALIZE_GLOROT_UNIFORM:
        return 2.0 / (tensor->fan_in + (double)tensor->fan_out);
    default:
        return 1 / fan;
    }
}

static void initialize(const cnn_tensor *tensor, cnn_random random, size_t count, cnn_real *out)
{
    switch (tensor->initialization) {
    case CNN_INITIALIZE_HE_NORMAL:
    case CNN_INITIALIZE_GLOROT_NORMAL:
    case CNN_INITIALIZE_LECUN_NORMAL:
        fill_normal(sqrt(variance(tensor)), random, count, out);
        break;
    case CNN_INITIALIZE_HE_UNIFORM:
    case CNN_INITIALIZE_GLOROT_UNIFORM:
    case CNN_INITIALIZE_LECUN_UNIFORM:
        fill_uniform(sqrt(3 * variance(tensor)), random, count, out);
        break;
    case CNN_INITIALIZE_UNIFORM:
        fill_uniform(tensor->limit, random, count, out);
        break;
    case CNN_INITIALIZE_NORMAL:
        fill_normal(tensor->std, random, count, out);
        break;
    case CNN_INITIALIZE_ORTHOGONAL:
        fill_orthogonal(tensor, random, count, out);
        break;
    case CNN_INITIALIZE_DIRAC:
        fill_dirac(tensor, random, count, out);
        break;
    case CNN_INITIALIZE_AUTO:   /* settled before */
    case CNN_INITIALIZE_WHITEN: /* the trainer's work: it has the images */
    case CNN_INITIALIZE_ZEROS:
        fill_constant(0, count, out);
        break;
    case CNN_INITIALIZE_CONSTANT:
        fill_constant(tensor->value, count, out);
        break;
    }
}

void cnn_network_initialize(const cnn_network *network, uint64_t seed, cnn_real *parameters)
{
    memset(parameters, 0, network->parameter_count * sizeof *parameters);
    for (int i = 0; i < network->slot_count; i++) {
        const cnn_slot *slot = &network->slots[i];
        initialize(cnn_network_tensor(network, i), cnn_random_at(seed, CNN_RANDOM_INITIALIZE, (uint32_t)i, 0),
                   slot->count, parameters + slot->offset);
    }
}

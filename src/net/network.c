/* From statements to planned nodes: shapes flow from the input down the recipe; a residual's end adds its body's output
 * to its input, through a projection where the recipe asks for one. */
#include "net/network.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define ALIGNED_REALS (CNN_ALIGNMENT / sizeof(cnn_real))

typedef struct open_residual {
    const cnn_statement *statement;
    int value; /* what enters */
} open_residual;

typedef struct builder {
    const cnn_recipe *recipe;
    cnn_network *network;
    cnn_train_options train;
    const cnn_statement *statement; /* being built */
    int value;                      /* the last output */
    open_residual open[CNN_RECIPE_NESTING];
    int depth;
} builder;

const cnn_tensor *cnn_network_tensor(const cnn_network *network, int slot)
{
    const cnn_slot *place = &network->slots[slot];
    return &network->nodes[place->node].plan.tensors[place->index];
}

void cnn_network_tensor_name(const cnn_network *network, int slot, char out[CNN_TENSOR_NAME])
{
    const cnn_node *node = &network->nodes[network->slots[slot].node];
    snprintf(out, CNN_TENSOR_NAME, "%s.%s", node->name, cnn_network_tensor(network, slot)->name);
}

/** Repeats a plan's failure with the place of the statement it belongs to. */
static cnn_status fail_here(const builder *b, const cnn_error *cause, cnn_error *error)
{
    if (cause->status == CNN_MEMORY) {
        return cnn_fail_memory(error);
    }
    return cnn_recipe_fail(b->recipe, b->statement, error, "%s", cause->message);
}

/** Gives the newest node's tensors their places. */
static cnn_status add_slots(cnn_network *network, cnn_error *error)
{
    const int index = network->node_count - 1;
    cnn_node *node = &network->nodes[index];
    node->tensors = network->slot_count;
    for (int i = 0; i < node->plan.tensor_count; i++) {
        const cnn_tensor *tensor = &node->plan.tensors[i];
        size_t count = 1, padded;
        bool fits = true;
        for (int d = 0; d < tensor->rank; d++) {
            fits = fits && cnn_multiply_size(count, (size_t)tensor->sizes[d], &count);
        }
        fits = fits && cnn_add_size(count, ALIGNED_REALS - 1, &padded);
        if (fits) {
            padded -= padded % ALIGNED_REALS;
        }
        size_t end;
        if (!fits || !cnn_add_size(network->parameter_count, padded, &end) || end > CNN_NETWORK_PARAMETERS) {
            return cnn_fail(error, CNN_USAGE, "the network has more than %zu weights: no model file holds them",
                            CNN_NETWORK_PARAMETERS);
        }
        network->slots[network->slot_count++] = (cnn_slot){index, i, network->parameter_count, count};
        network->parameter_count = end;
    }
    return CNN_OK;
}

/** The node's own copy of options, and its statement's text. */
static cnn_status set_options(cnn_node *node, const void *options, cnn_error *error)
{
    const cnn_layer_kind *kind = node->kind;
    cnn_statement described = {.type = CNN_STATEMENT_LAYER, .kind = kind};
    cnn_text text = {0};
    node->options = cnn_alloc(1, kind->options_size);
    node->state = cnn_alloc(1, kind->state_size);
    if (node->options == NULL || node->state == NULL) {
        return cnn_fail_memory(error);
    }
    if (options != NULL) {
        memcpy(node->options, options, kind->options_size);
    }
    described.options = node->options;
    cnn_statement_print(&described, &text);
    node->text = cnn_text_take(&text, error);
    return node->text != NULL ? CNN_OK : CNN_MEMORY;
}

cnn_status cnn_network_append(cnn_network *network, const cnn_layer_kind *kind, const char *name, const void *options,
                              const int inputs[2], cnn_error *error)
{
    const int index = network->node_count++;
    cnn_node *node = &network->nodes[index];
    node->kind = kind;
    node->input = inputs[0];
    node->input2 = inputs[1];
    snprintf(node->name, sizeof node->name, "%s", name);
    cnn_status status = set_options(node, options, error);
    if (status != CNN_OK) {
        return status;
    }
    node->plan.images = network->lane_images;
    node->plan.input = network->values[node->input].shape;
    status = kind->plan(&node->plan, node->options, node->state, error);
    if (status != CNN_OK) {
        return status;
    }
    network->values[node->input].readers++;
    if (node->input2 >= 0) {
        network->values[node->input2].readers++;
    }
    node->output = network->value_count++;
    network->values[node->output] = (cnn_value){.shape = node->plan.output, .producer = index};
    return add_slots(network, error);
}

/** init=whiten is computed of the images' patches, as the layer's kernel sees them. */
static cnn_status check_whitening(const cnn_node *node, const cnn_tensor *tensor, cnn_error *error)
{
    if (tensor->initialization != CNN_INITIALIZE_WHITEN) {
        return CNN_OK;
    }
    if (node->input != 0 || tensor->rank != 4 || tensor->sizes[3] != node->plan.input.channels) {
        return cnn_fail(error, CNN_USAGE, "init=whiten is for a convolution that reads the images, without groups");
    }
    if (tensor->fan_in > CNN_WHITEN_MOST || tensor->sizes[0] > 2 * tensor->fan_in) {
        return cnn_fail(error, CNN_USAGE,
                        "init=whiten has patches of at most %d numbers, not %d, and at most two filters for each",
                        CNN_WHITEN_MOST, tensor->fan_in);
    }
    return CNN_OK;
}

/** Appends a node whose output is the new b->value. */
static cnn_status add_node(builder *b, const cnn_layer_kind *kind, const char *name, const void *options,
                           const int inputs[2], cnn_error *error)
{
    cnn_error cause = {0};
    cnn_status status = cnn_network_append(b->network, kind, name, options, inputs, &cause);
    cnn_node *node = &b->network->nodes[b->network->node_count - 1];
    for (int i = 0; status == CNN_OK && i < node->plan.tensor_count; i++) {
        status = cnn_tensor_inherit(&node->plan.tensors[i], &b->train.weights, &cause);
        if (status == CNN_OK) {
            status = check_whitening(node, &node->plan.tensors[i], &cause);
        }
    }
    if (status != CNN_OK) {
        return fail_here(b, &cause, error);
    }
    b->value = b->network->value_count - 1;
    return CNN_OK;
}

/** A node that no statement describes: `kind` with the given name=value settings, as text pairs ended by NULL. */
static cnn_status add_made_node(builder *b, const char *kind_name, const char *name, const char *const *settings,
                                const int inputs[2], cnn_error *error)
{
    const cnn_layer_kind *kind = cnn_layer_find(b->network->isa, kind_name, strlen(kind_name));
    void *options = cnn_alloc(1, kind->options_size);
    if (options == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_error cause = {0};
    cnn_status status = CNN_OK;
    cnn_options_default(kind->options, options);
    for (; status == CNN_OK && settings[0] != NULL; settings += 2) {
        status = cnn_options_set(kind->options, options, settings[0], settings[1], &cause);
    }
    status = status == CNN_OK ? add_node(b, kind, name, options, inputs, error) : fail_here(b, &cause, error);
    cnn_free(options);
    return status;
}

/** The projection's stride along one side: `in` pixels become `out` = ceil(in / stride); 0 where no stride does. */
static int projection_stride(int in, int out)
{
    const int stride = (in + out - 1) / out;
    return (in + stride - 1) / stride == out ? stride : 0;
}

static cnn_status add_projection(builder *b, const open_residual *open, int body, int *shortcut, cnn_error *error)
{
    const cnn_residual_options *options = open->statement->options;
    const cnn_shape from = b->network->values[open->value].shape;
    const cnn_shape to = b->network->values[body].shape;
    const int stride_h = projection_stride(from.height, to.height);
    const int stride_w = projection_stride(from.width, to.width);
    if (stride_h == 0 || stride_w == 0) {
        return cnn_recipe_fail(b->recipe, b->statement, error, "no stride projects %dx%d to the body's %dx%d",
                               from.height, from.width, to.height, to.width);
    }
    char name[48], filters[16], stride[32];
    snprintf(name, sizeof name, "%s.projection", open->statement->name);
    snprintf(filters, sizeof filters, "%d", to.channels);
    snprintf(stride, sizeof stride, "%dx%d", stride_h, stride_w);
    const char *const conv[] = {"filters", filters, "kernel", "1",   "stride", stride,
                                "padding", "same",  "bias",   "off", NULL,     NULL};
    cnn_status status = add_made_node(b, "conv", name, conv, (const int[]){open->value, -1}, error);
    if (status == CNN_OK && options->projection == CNN_PROJECTION_BATCHNORM) {
        snprintf(name, sizeof name, "%s.batchnorm", open->statement->name);
        status =
            add_made_node(b, "batchnorm", name, (const char *const[]){NULL, NULL}, (const int[]){b->value, -1}, error);
    }
    *shortcut = b->value;
    return status;
}

static cnn_status close_residual(builder *b, cnn_error *error)
{
    const open_residual open = b->open[--b->depth];
    const cnn_residual_options *options = open.statement->options;
    const int body = b->value;
    int shortcut = open.value;
    b->statement = open.statement;
    if (body == open.value) {
        return cnn_recipe_fail(b->recipe, b->statement, error, "the body is empty");
    }
    if (options->projection != CNN_PROJECTION_NONE) {
        const cnn_status status = add_projection(b, &open, body, &shortcut, error);
        if (status != CNN_OK) {
            return status;
        }
    }
    const cnn_shape to = b->network->values[body].shape, from = b->network->values[shortcut].shape;
    if (to.height != from.height || to.width != from.width || to.channels != from.channels) {
        return cnn_recipe_fail(b->recipe, b->statement, error,
                               "the body turns %dx%dx%d into %dx%dx%d: add projection=conv, or keep the shape",
                               from.height, from.width, from.channels, to.height, to.width, to.channels);
    }
    char name[48];
    snprintf(name, sizeof name, "%s.add", open.statement->name);
    return add_made_node(b, "add", name, (const char *const[]){NULL, NULL}, (const int[]){body, shortcut}, error);
}

/** The network's input, and the fixed layer that its scaling may ask for, whose numbers come from the data. */
static cnn_status add_input(builder *b, const cnn_input_options *options, cnn_error *error)
{
    static const char *const nothing[] = {NULL};
    char filters[16];
    snprintf(filters, sizeof filters, "%d", options->shape.channels);
    const char *const whiten[] = {"filters", filters, "kernel", CNN_WHITEN_KERNEL, "padding", "same", "bias", "off",
                                  "frozen",  "on",    "init",   "dirac",           NULL};
    b->network->input = options->shape;
    b->network->scale = options->scale;
    b->network->values[0].shape = options->shape;
    const int inputs[2] = {0, -1};
    switch ((cnn_scale)options->scale) {
    case CNN_SCALE_STANDARDIZE_PIXELS:
        return add_made_node(b, "standardize", "input.standardize", nothing, inputs, error);
    case CNN_SCALE_WHITEN:
        return add_made_node(b, "conv", "input.whiten", whiten, inputs, error);
    default:
        return CNN_OK;
    }
}

/** A statement's layer, and behind an activation the penalty on its size. */
static cnn_status add_layer(builder *b, const cnn_statement *statement, cnn_error *error)
{
    const cnn_status status =
        add_node(b, statement->kind, statement->name, statement->options, (const int[]){b->value, -1}, error);
    const cnn_node *node = &b->network->nodes[b->network->node_count - 1];
    if (status != CNN_OK || !node->plan.activation.is || b->train.activation_l1 <= 0) {
        return status;
    }
    char name[48], strength[CNN_NUMBER_LENGTH];
    snprintf(name, sizeof name, "%s.penalty", statement->name);
    cnn_format_number(b->train.activation_l1, strength);
    return add_made_node(b, "penalty", name, (const char *const[]){"l1", strength, NULL}, (const int[]){b->value, -1},
                         error);
}

static cnn_status add_statement(builder *b, const cnn_statement *statement, cnn_error *error)
{
    b->statement = statement;
    switch (statement->type) {
    case CNN_STATEMENT_INPUT:
        return add_input(b, statement->options, error);
    case CNN_STATEMENT_LAYER:
        return add_layer(b, statement, error);
    case CNN_STATEMENT_RESIDUAL:
        b->open[b->depth++] = (open_residual){statement, b->value};
        return CNN_OK;
    case CNN_STATEMENT_END:
        return close_residual(b, error);
    case CNN_STATEMENT_TRAIN:
    case CNN_STATEMENT_AUGMENT:
        break;
    }
    return CNN_OK;
}

static cnn_status check_whole(builder *b, const cnn_statement *last, cnn_error *error)
{
    const cnn_shape out = b->network->values[b->value].shape;
    if (last == NULL) {
        return cnn_fail(error, CNN_USAGE, "%s: the recipe has no layer", b->recipe->name);
    }
    if (out.height != 1 || out.width != 1 || out.channels < 2) {
        b->statement = last;
        return cnn_recipe_fail(b->recipe, last, error,
                               "the network ends in %dx%dx%d: end it with a dense layer of one unit a class",
                               out.height, out.width, out.channels);
    }
    if (out.channels > CNN_NETWORK_CLASSES) {
        return cnn_recipe_fail(b->recipe, last, error, "%d classes are too many: at most %d", out.channels,
                               CNN_NETWORK_CLASSES);
    }
    b->network->class_count = out.channels;
    return CNN_OK;
}

static cnn_status build(builder *b, cnn_error *error)
{
    const cnn_recipe *recipe = b->recipe;
    const cnn_statement *last = NULL;
    if (recipe->count == 0 || recipe->statements[0].type != CNN_STATEMENT_INPUT) {
        return cnn_fail(error, CNN_USAGE,
                        "%s: the recipe has no input statement: begin it with one, as in "
                        "'input 28x28x1'",
                        recipe->name);
    }
    if (recipe->depth != 0) {
        return cnn_fail(error, CNN_USAGE, "%s: a residual is not closed: '}' is missing", recipe->name);
    }
    for (int i = 0; i < recipe->count; i++) {
        const cnn_statement *statement = &recipe->statements[i];
        const cnn_status status = add_statement(b, statement, error);
        if (status != CNN_OK) {
            return status;
        }
        if (statement->type == CNN_STATEMENT_LAYER) {
            last = statement;
        }
    }
    return check_whole(b, last, error);
}

cnn_network *cnn_network_empty(int most, cnn_isa isa, cnn_error *error)
{
    const size_t nodes = (size_t)most;
    cnn_network *network = cnn_alloc(1, sizeof *network);
    if (network == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    network->nodes = cnn_alloc(nodes, sizeof *network->nodes);
    network->values = cnn_alloc(nodes + 1, sizeof *network->values);
    network->slots = cnn_alloc(nodes * CNN_LAYER_TENSORS, sizeof *network->slots);
    if (network->nodes == NULL || network->values == NULL || network->slots == NULL) {
        cnn_fail_memory(error);
        cnn_network_free(network);
        return NULL;
    }
    network->isa = isa;
    network->lane_images = CNN_LANE_IMAGES;
    network->vectors = cnn_vector_kernels_of(isa);
    network->values[0].producer = -1;
    network->value_count = 1;
    return network;
}

cnn_network *cnn_network_new(const cnn_recipe *recipe, cnn_error *error)
{
    /* The end of a residual makes the most nodes of all statements: projection, batch normalization and sum. */
    builder b = {.recipe = recipe, .network = cnn_network_empty(3 * recipe->count, recipe->isa, error)};
    cnn_recipe_train_options(recipe, &b.train);
    if (b.network != NULL && build(&b, error) != CNN_OK) {
        cnn_network_free(b.network);
        return NULL;
    }
    if (b.network != NULL) {
        cnn_network_suit_activations(b.network);
    }
    return b.network;
}

void cnn_network_free(cnn_network *network)
{
    if (network == NULL) {
        return;
    }
    for (int i = 0; i < network->node_count; i++) {
        cnn_free(network->nodes[i].text); /* NOLINT: where there is no room for nodes, there are none */
        cnn_free(network->nodes[i].options);
        cnn_free(network->nodes[i].state);
    }
    cnn_free(network->nodes);
    cnn_free(network->values);
    cnn_free(network->slots);
    cnn_free(network);
}

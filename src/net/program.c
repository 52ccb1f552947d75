/* Writing out a network's passes: which operations, in which stages, over which arrays, and where these lie. */
#include "net/program.h"

#include "base/memory.h"
#include "net/fuse.h"

/* Lanes: enough to keep many threads busy, few enough that their gradient sums stay cheap; and at least this many
 * images each, since a product over fewer rows loses more than a further thread gains. */
#define MOST_LANES 16

typedef struct builder {
    cnn_program *program;
    const cnn_network *network;
    int *value_buffers, *gradient_buffers; /* [value_count], -1: none */
    bool *needs_gradient, *gradient_written;
} builder;

bool cnn_node_is_trained(const cnn_node *node)
{
    for (int i = 0; i < node->plan.tensor_count; i++) {
        if (node->plan.tensors[i].role != CNN_ROLE_STATE) {
            return true;
        }
    }
    return false;
}

static bool left_out(const cnn_program *program, const cnn_node *node)
{
    return !program->training && node->plan.inactive;
}

/* ---- operations and stages */

static void add_operation(cnn_program *program, cnn_operation_type type, int node)
{
    program->operations[program->operation_count++] = (cnn_operation){type, node};
}

static bool needs_backward(const builder *b, const cnn_node *node)
{
    return b->needs_gradient[node->output];
}

static void add_operations(builder *b)
{
    cnn_program *program = b->program;
    const cnn_network *network = b->network;
    for (int i = 0; i < network->node_count; i++) {
        const cnn_node *node = &network->nodes[i];
        if (left_out(program, node) || cnn_program_rectifying(program, network, i) >= 0) {
            continue;
        }
        if (program->training && node->kind->forward_sums != NULL) {
            add_operation(program, CNN_OPERATION_FORWARD_SUMS, i);
        }
        add_operation(program, CNN_OPERATION_FORWARD, i);
    }
    if (!program->training) {
        return;
    }
    add_operation(program, CNN_OPERATION_LOSS, -1);
    for (int i = network->node_count - 1; i >= 0; i--) {
        const cnn_node *node = &network->nodes[i];
        if (!needs_backward(b, node) || cnn_program_rectifies_backward(program, network, i)) {
            continue;
        }
        const int repeated = cnn_program_repeated(program, network, i);
        if (repeated >= 0 && program->repeated_for[repeated] == i) {
            add_operation(program, CNN_OPERATION_REPEAT, repeated);
        }
        if (node->kind->backward_sums != NULL) {
            add_operation(program, CNN_OPERATION_BACKWARD_SUMS, i);
        }
        add_operation(program, CNN_OPERATION_BACKWARD, i);
        if (node->kind->backward_input != NULL && b->needs_gradient[node->input]) {
            add_operation(program, CNN_OPERATION_BACKWARD_INPUT, i);
        }
    }
}

static bool is_sums(cnn_operation_type type)
{
    return type == CNN_OPERATION_FORWARD_SUMS || type == CNN_OPERATION_BACKWARD_SUMS;
}

static int operation_parts(const builder *b, const cnn_operation *operation)
{
    const cnn_node *nodes = b->network->nodes;
    switch (operation->type) {
    case CNN_OPERATION_FORWARD:
        return b->program->alone ? nodes[operation->node].plan.alone_parts : nodes[operation->node].plan.forward_parts;
    case CNN_OPERATION_BACKWARD:
        return nodes[operation->node].plan.backward_parts;
    case CNN_OPERATION_BACKWARD_INPUT:
        return nodes[operation->node].plan.backward_input_parts;
    default:
        return 0;
    }
}

static void add_stages(builder *b)
{
    cnn_program *program = b->program;
    bool open = false;
    for (int i = 0; i < program->operation_count; i++) {
        const int parts = operation_parts(b, &program->operations[i]);
        if (!open || parts > 0) {
            program->stages[program->stage_count++] = (cnn_stage){.first = i, .parts = parts};
        }
        cnn_stage *stage = &program->stages[program->stage_count - 1];
        stage->count++;
        stage->totals = is_sums(program->operations[i].type);
        open = parts == 0 && !stage->totals;
    }
}

/* ---- buffers */

static int add_buffer(cnn_program *program, size_t size)
{
    const int index = program->buffer_count++;
    program->buffers[index] = (cnn_buffer){.size = size, .begin = program->operation_count, .end = -1, .same_as = -1};
    return index;
}

static int add_value_buffer(builder *b, int value)
{
    return add_buffer(b->program, cnn_shape_size(b->network->values[value].shape) * sizeof(cnn_real));
}

/** Gives `buffer` the place of `other`, which is as large or larger. */
static void share_place(cnn_program *program, int buffer, int other)
{
    program->buffers[cnn_buffer_place(program, buffer)].same_as = cnn_buffer_place(program, other);
}

/** A layer may work in place where nobody else reads what it overwrites. */
static bool works_in_place(const builder *b, const cnn_node *node)
{
    const cnn_value *input = &b->network->values[node->input];
    return node->plan.in_place && input->readers == 1 && input->producer >= 0 &&
           cnn_shape_size(input->shape) == cnn_shape_size(b->network->values[node->output].shape);
}

static void add_forward_buffers(builder *b)
{
    cnn_program *program = b->program;
    const cnn_network *network = b->network;
    program->input = b->value_buffers[0] = add_value_buffer(b, 0);
    for (int i = 0; i < network->node_count; i++) {
        const cnn_node *node = &network->nodes[i];
        cnn_node_buffers *buffers = &program->nodes[i];
        *buffers = (cnn_node_buffers){-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, false};
        buffers->x = b->value_buffers[node->input];
        buffers->x2 = node->input2 >= 0 ? b->value_buffers[node->input2] : -1;
        if (left_out(program, node)) {
            b->value_buffers[node->output] = buffers->x;
            continue;
        }
        if (cnn_program_rectifying(program, network, i) >= 0) {
            buffers->y = b->value_buffers[node->output] = buffers->x;
            continue;
        }
        buffers->y = b->value_buffers[node->output] = add_value_buffer(b, node->output);
        if (program->training && node->plan.saved_size > 0) {
            buffers->saved = add_buffer(program, node->plan.saved_size);
        }
        const int producer = network->values[node->input].producer;
        const bool overwritable = !program->training || (!node->plan.backward_reads_input && producer >= 0 &&
                                                         !cnn_program_reads_output(program, network, producer));
        if (works_in_place(b, node) && overwritable) {
            share_place(program, buffers->y, buffers->x);
        }
    }
    program->output = b->value_buffers[network->nodes[network->node_count - 1].output];
}

/** Where node i's backward writes its input's gradient: to the gradient's own buffer if it comes first, else to a
 * buffer of its own that is added. */
static void add_input_gradient(builder *b, int i)
{
    cnn_program *program = b->program;
    const cnn_node *node = &b->network->nodes[i];
    cnn_node_buffers *buffers = &program->nodes[i];
    if (!b->needs_gradient[node->input]) {
        return;
    }
    if (b->gradient_written[node->input]) {
        buffers->dx = add_value_buffer(b, node->input);
        buffers->dx_sum = b->gradient_buffers[node->input];
        return;
    }
    buffers->dx = b->gradient_buffers[node->input] = add_value_buffer(b, node->input);
    b->gradient_written[node->input] = true;
    if (works_in_place(b, node)) {
        share_place(program, buffers->dx, buffers->dy);
    }
}

/** What node i's backward reads as its input. */
static void add_repeated_input(builder *b, int i)
{
    cnn_program *program = b->program;
    const int repeated = cnn_program_repeated(program, b->network, i);
    program->nodes[i].x_backward = program->nodes[i].x;
    if (repeated >= 0) {
        if (program->repeated_for[repeated] == i) {
            program->nodes[repeated].y_again = add_value_buffer(b, b->network->nodes[i].input);
        }
        program->nodes[i].x_backward = program->nodes[repeated].y_again;
    }
}

static void add_backward_buffers(builder *b)
{
    cnn_program *program = b->program;
    const cnn_network *network = b->network;
    const int logits = network->nodes[network->node_count - 1].output;
    program->output_gradient = b->gradient_buffers[logits] = add_value_buffer(b, logits);
    for (int i = network->node_count - 1; i >= 0; i--) {
        const cnn_node *node = &network->nodes[i];
        cnn_node_buffers *buffers = &program->nodes[i];
        if (!needs_backward(b, node)) {
            continue;
        }
        buffers->dy = b->gradient_buffers[node->output];
        add_repeated_input(b, i);
        if (cnn_program_rectifies_backward(program, network, i)) {
            b->gradient_buffers[node->input] = buffers->dy;
            b->gradient_written[node->input] = true;
            continue;
        }
        if (node->input2 >= 0 && b->needs_gradient[node->input2]) {
            buffers->dx2_adds = b->gradient_written[node->input2];
            if (!buffers->dx2_adds) {
                b->gradient_buffers[node->input2] = add_value_buffer(b, node->input2);
                b->gradient_written[node->input2] = true;
            }
            buffers->dx2 = b->gradient_buffers[node->input2];
        }
        add_input_gradient(b, i);
    }
}

static void use_node_buffers(builder *b, const cnn_operation *operation, int t)
{
    cnn_program *program = b->program;
    const cnn_layer_plan *plan = &b->network->nodes[operation->node].plan;
    const cnn_node_buffers *buffers = &program->nodes[operation->node];
    const bool backward = operation->type >= CNN_OPERATION_BACKWARD_SUMS;
    const bool input_alone = operation->type == CNN_OPERATION_BACKWARD_INPUT;
    const bool gives_input = input_alone || b->network->nodes[operation->node].kind->backward_input == NULL;
    const bool whole = operation_parts(b, operation) > 0 && program->lanes > 1; /* one lane is the batch */
    cnn_buffer_use(program, buffers->saved, t, whole);
    if (!backward || (plan->backward_reads_input && !input_alone)) {
        cnn_buffer_use(program, backward ? buffers->x_backward : buffers->x, t, whole);
    }
    if (!backward || (plan->backward_reads_output && !input_alone)) {
        cnn_buffer_use(program, buffers->y, t, whole);
    }
    if (backward) {
        cnn_buffer_use(program, buffers->dy, t, whole);
        cnn_buffer_use(program, buffers->dx2, t, whole);
    }
    if (backward && gives_input) {
        cnn_buffer_use(program, buffers->dx, t, whole);
        cnn_buffer_use(program, buffers->dx_sum, t, whole);
    }
    if (!backward) {
        cnn_buffer_use(program, buffers->x2, t, whole);
    }
}

/** Every buffer's lifetime, from the operations that touch it. */
static void use_buffers(builder *b)
{
    cnn_program *program = b->program;
    cnn_buffer_use(program, program->input, -1, false);
    for (int t = 0; t < program->operation_count; t++) {
        const cnn_operation *operation = &program->operations[t];
        if (operation->type == CNN_OPERATION_LOSS) {
            cnn_buffer_use(program, program->output, t, false);
            cnn_buffer_use(program, program->output_gradient, t, false);
        } else if (operation->type == CNN_OPERATION_REPEAT) {
            cnn_buffer_use(program, program->nodes[operation->node].x, t, false);
            cnn_buffer_use(program, program->nodes[operation->node].y_again, t, false);
        } else {
            use_node_buffers(b, operation, t);
        }
    }
    if (!program->training) {
        cnn_buffer_use(program, program->output, program->operation_count, false);
    }
}

/* ---- all together */

static void find_gradients(builder *b)
{
    for (int i = 0; i < b->network->node_count; i++) {
        const cnn_node *node = &b->network->nodes[i];
        b->needs_gradient[node->output] = cnn_node_is_trained(node) || b->needs_gradient[node->input] ||
                                          (node->input2 >= 0 && b->needs_gradient[node->input2]);
    }
}

static cnn_status allocate(builder *b, cnn_error *error)
{
    cnn_program *program = b->program;
    const size_t nodes = (size_t)b->network->node_count, values = (size_t)b->network->value_count;
    program->operations = cnn_alloc(6 * nodes + 1, sizeof *program->operations);
    program->stages = cnn_alloc(6 * nodes + 1, sizeof *program->stages);
    program->buffers = cnn_alloc(5 * nodes + values + 2, sizeof *program->buffers);
    program->nodes = cnn_alloc(nodes, sizeof *program->nodes);
    program->rectifies = cnn_alloc(nodes, sizeof *program->rectifies);
    program->repeated_for = cnn_alloc(nodes, sizeof *program->repeated_for);
    b->value_buffers = cnn_alloc(values, sizeof *b->value_buffers);
    b->gradient_buffers = cnn_alloc(values, sizeof *b->gradient_buffers);
    b->needs_gradient = cnn_alloc(values, sizeof *b->needs_gradient);
    b->gradient_written = cnn_alloc(values, sizeof *b->gradient_written);
    if (program->operations == NULL || program->stages == NULL || program->buffers == NULL || program->nodes == NULL ||
        program->rectifies == NULL || program->repeated_for == NULL || b->value_buffers == NULL ||
        b->gradient_buffers == NULL || b->needs_gradient == NULL || b->gradient_written == NULL) {
        return cnn_fail_memory(error);
    }
    return CNN_OK;
}

cnn_status cnn_program_make(cnn_program *program, const cnn_network *network, int batch, bool training,
                            cnn_error *error)
{
    builder b = {.program = program, .network = network};
    const int wanted = (batch + CNN_LANE_IMAGES - 1) / CNN_LANE_IMAGES;
    *program = (cnn_program){.training = training, .batch = batch};
    program->lanes = wanted < MOST_LANES ? wanted : MOST_LANES;
    program->lane_images = (batch + program->lanes - 1) / program->lanes;
    program->lanes = (batch + program->lane_images - 1) / program->lane_images;
    program->alone = !training && program->lanes == 1;

    cnn_status status = allocate(&b, error);
    if (status == CNN_OK) {
        find_gradients(&b);
        cnn_program_find_rectifiers(program, network);
        cnn_program_find_repeated(program, network, b.needs_gradient);
        add_operations(&b);
        add_stages(&b);
        add_forward_buffers(&b);
        if (training) {
            add_backward_buffers(&b);
        }
        use_buffers(&b);
        status = cnn_program_place(program, error);
    }
    cnn_free(b.value_buffers);
    cnn_free(b.gradient_buffers);
    cnn_free(b.needs_gradient);
    cnn_free(b.gradient_written);
    if (status != CNN_OK) {
        cnn_program_clear(program);
    }
    return status;
}

void cnn_program_clear(cnn_program *program)
{
    cnn_free(program->operations);
    cnn_free(program->stages);
    cnn_free(program->buffers);
    cnn_free(program->nodes);
    cnn_free(program->rectifies);
    cnn_free(program->repeated_for);
    *program = (cnn_program){0};
}

/* Runs a program: the stages one after the other, the parts of each on a team. */
#include "net/runner_memory.h"

#include <string.h>

/** A call and the arrays it points to. */
typedef struct full_call {
    cnn_layer_call call;
    cnn_real *tensors[CNN_LAYER_TENSORS];
    cnn_real *gradients[CNN_LAYER_TENSORS];
} full_call;

/* ---- places */

int cnn_runner_lanes(const cnn_runner *runner)
{
    return runner->program.lanes;
}

int cnn_runner_lane_first(const cnn_runner *runner, int n, int lane)
{
    const int first = lane * runner->program.lane_images;
    return first < n ? first : n;
}

/** Array `buffer` (-1: NULL) from the first image of `lane` on, or the batch's first. */
static void *place(const cnn_runner *r, int buffer, int lane)
{
    if (buffer < 0) {
        return NULL;
    }
    const cnn_buffer *b = &r->program.buffers[buffer];
    if (b->whole) {
        return r->whole + b->offset + b->size * (size_t)lane * (size_t)r->program.lane_images;
    }
    return r->lanes + (size_t)lane * r->program.lane_size + b->offset;
}

static void *image_place(const cnn_runner *r, int buffer, int index)
{
    const int lane = index / r->program.lane_images;
    const int within = index - lane * r->program.lane_images;
    return (unsigned char *)place(r, buffer, lane) + r->program.buffers[buffer].size * (size_t)within;
}

cnn_real *cnn_runner_input(cnn_runner *runner, int index)
{
    return image_place(runner, runner->program.input, index);
}

const cnn_real *cnn_runner_output(const cnn_runner *runner, int index)
{
    return image_place(runner, runner->program.output, index);
}

/* ---- measuring */

static void note_operation(const cnn_runner *r, const cnn_operation *operation, int thread)
{
    static const cnn_work passes[] = {
        [CNN_OPERATION_FORWARD_SUMS] = CNN_WORK_FORWARD_SUMS,
        [CNN_OPERATION_FORWARD] = CNN_WORK_FORWARD,
        [CNN_OPERATION_LOSS] = CNN_WORK_LOSS,
        [CNN_OPERATION_REPEAT] = CNN_WORK_REPEAT,
        [CNN_OPERATION_BACKWARD_SUMS] = CNN_WORK_BACKWARD_SUMS,
        [CNN_OPERATION_BACKWARD] = CNN_WORK_BACKWARD,
        [CNN_OPERATION_BACKWARD_INPUT] = CNN_WORK_BACKWARD_INPUT,
    };
    cnn_runner_note(r, thread, operation->node, passes[operation->type]);
}

/* ---- one operation */

static void fill_tensors(const cnn_runner *r, int node_index, int lane, full_call *full)
{
    const cnn_node *node = &r->network->nodes[node_index];
    for (int i = 0; i < node->plan.tensor_count; i++) {
        const int slot = node->tensors + i;
        const bool trained = r->program.training && node->plan.tensors[i].role != CNN_ROLE_STATE;
        full->tensors[i] = r->parameters + r->network->slots[slot].offset;
        full->gradients[i] = NULL;
        if (trained) {
            const cnn_gradient_place *at = &r->gradient_places[slot];
            full->gradients[i] = at->whole ? r->whole_gradients + at->offset
                                           : r->lane_gradients + (size_t)lane * r->lane_gradient_count + at->offset;
        }
    }
    full->call.tensors = full->tensors;
    full->call.gradients = full->gradients;
}

/** Fills a call for n images of `lane` (0 for the whole batch); scratch, random and sums are the caller's to add. */
static void fill(const cnn_runner *r, int node_index, int lane, int n, full_call *full)
{
    const cnn_node *node = &r->network->nodes[node_index];
    const cnn_node_buffers *buffers = &r->program.nodes[node_index];
    full->call = (cnn_layer_call){
        .options = node->options,
        .plan = &node->plan,
        .state = node->state,
        .n = n,
        .batch = r->n,
        .parts = 1,
        .training = r->program.training,
        .rectify = r->program.rectifies[node_index],
        .x = place(r, buffers->x, lane),
        .x2 = place(r, buffers->x2, lane),
        .y = place(r, buffers->y, lane),
        .dy = place(r, buffers->dy, lane),
        .dx = place(r, buffers->dx, lane),
        .saved = place(r, buffers->saved, lane),
        .prepared = r->prepared + r->node_places[node_index].prepared,
    };
    if (r->program.training) {
        full->call.shared = r->shared + r->node_places[node_index].shared;
    }
    fill_tensors(r, node_index, lane, full);
}

/** In backward the input may lie elsewhere, and repeated work leaves its output there. */
static void use_backward_places(const cnn_runner *r, const cnn_operation *operation, int lane, cnn_layer_call *call)
{
    if (operation->type == CNN_OPERATION_REPEAT) {
        call->y = place(r, r->program.nodes[operation->node].y_again, lane);
    } else if (operation->type >= CNN_OPERATION_BACKWARD_SUMS) {
        call->x = place(r, r->program.nodes[operation->node].x_backward, lane);
    }
}

static void draw_random(const cnn_runner *r, int node_index, int lane, int thread, cnn_layer_call *call)
{
    const uint64_t first = r->image + (uint64_t)cnn_runner_lane_first(r, r->n, lane);
    call->random = r->random + (size_t)thread * (size_t)r->program.lane_images;
    for (int i = 0; i < call->n; i++) {
        call->random[i] = cnn_random_at(r->seed, CNN_RANDOM_DROPOUT, (uint32_t)node_index, first + (uint64_t)i);
    }
}

static size_t output_count(const cnn_layer_call *call)
{
    return (size_t)call->n * cnn_shape_size(call->plan->output);
}

/** The second input's gradient is dy itself. */
static void give_second_gradient(const cnn_runner *r, int node_index, int lane, const cnn_layer_call *call)
{
    const cnn_node_buffers *buffers = &r->program.nodes[node_index];
    cnn_real *dx2 = place(r, buffers->dx2, lane);
    if (dx2 != NULL && buffers->dx2_adds) {
        r->network->vectors->add(dx2, call->dy, output_count(call));
    } else if (dx2 != NULL) {
        memcpy(dx2, call->dy, output_count(call) * sizeof *dx2);
    }
}

/** Adds the input's gradient to what the input's other readers gave. */
static void sum_input_gradient(const cnn_runner *r, int node_index, int lane, int n)
{
    const cnn_node_buffers *buffers = &r->program.nodes[node_index];
    if (buffers->dx_sum >= 0) {
        const size_t count = (size_t)n * cnn_shape_size(r->network->nodes[node_index].plan.input);
        r->network->vectors->add(place(r, buffers->dx_sum, lane), place(r, buffers->dx, lane), count);
    }
}

static double *lane_sums(const cnn_runner *r, const cnn_operation *operation, int lane)
{
    const cnn_node_place *at = &r->node_places[operation->node];
    const size_t offset = operation->type == CNN_OPERATION_FORWARD_SUMS ? at->sums_forward : at->sums_backward;
    return r->sums + (size_t)lane * r->sums_count + offset;
}

static size_t sums_count(const cnn_runner *r, const cnn_operation *operation)
{
    const cnn_layer_plan *plan = &r->network->nodes[operation->node].plan;
    return (size_t)(operation->type == CNN_OPERATION_FORWARD_SUMS ? plan->sums_forward : plan->sums_backward);
}

static void run_sums(const cnn_runner *r, const cnn_operation *operation, int lane, cnn_layer_call *call)
{
    const cnn_layer_kind *kind = r->network->nodes[operation->node].kind;
    call->sums = lane_sums(r, operation, lane);
    memset(call->sums, 0, sums_count(r, operation) * sizeof *call->sums);
    if (operation->type == CNN_OPERATION_FORWARD_SUMS) {
        kind->forward_sums(call);
    } else {
        kind->backward_sums(call);
    }
}

static void run_loss(const cnn_runner *r, int lane, int first, int n)
{
    const cnn_loss_call call = {
        .lane = lane,
        .first = first,
        .n = n,
        .batch = r->n,
        .classes = r->network->class_count,
        .logits = place(r, r->program.output, lane),
        .gradient = place(r, r->program.output_gradient, lane),
    };
    r->loss(r->loss_context, &call);
}

static void run_lane_operation(const cnn_runner *r, const cnn_operation *operation, int lane, int thread)
{
    const int first = cnn_runner_lane_first(r, r->n, lane), n = cnn_runner_lane_first(r, r->n, lane + 1) - first;
    note_operation(r, operation, thread);
    if (operation->type == CNN_OPERATION_LOSS) {
        run_loss(r, lane, first, n);
        return;
    }
    const cnn_layer_kind *kind = r->network->nodes[operation->node].kind;
    full_call full;
    cnn_layer_call *call = &full.call;
    fill(r, operation->node, lane, n, &full);
    use_backward_places(r, operation, lane, call);
    call->scratch = r->scratch + (size_t)thread * r->scratch_size;
    if (kind->random && r->program.training) {
        draw_random(r, operation->node, lane, thread, call);
    }
    switch (operation->type) {
    case CNN_OPERATION_FORWARD:
        kind->forward(call);
        cnn_runner_show(r, operation->node, lane, n, call->y);
        break;
    case CNN_OPERATION_REPEAT:
        kind->forward(call);
        break;
    case CNN_OPERATION_BACKWARD:
        give_second_gradient(r, operation->node, lane, call);
        kind->backward(call);
        if (kind->backward_input == NULL) {
            sum_input_gradient(r, operation->node, lane, n);
        }
        break;
    case CNN_OPERATION_BACKWARD_INPUT:
        kind->backward_input(call);
        sum_input_gradient(r, operation->node, lane, n);
        break;
    default:
        run_sums(r, operation, lane, call);
    }
}

static void run_whole_operation(const cnn_runner *r, const cnn_operation *operation, int part, int thread)
{
    const cnn_layer_kind *kind = r->network->nodes[operation->node].kind;
    full_call full;
    note_operation(r, operation, thread);
    fill(r, operation->node, 0, r->n, &full);
    use_backward_places(r, operation, 0, &full.call);
    full.call.part = part;
    full.call.parts = r->stage->parts;
    full.call.alone = r->program.alone;
    full.call.scratch = r->scratch + (size_t)thread * r->scratch_size;
    switch (operation->type) {
    case CNN_OPERATION_BACKWARD:
        kind->backward(&full.call);
        break;
    case CNN_OPERATION_BACKWARD_INPUT:
        kind->backward_input(&full.call);
        break;
    default:
        kind->forward(&full.call);
    }
}

/* ---- stages */

static void run_part(void *context, int part, int thread)
{
    const cnn_runner *r = context;
    const cnn_operation *operation = &r->program.operations[r->stage->first];
    if (r->stage->parts > 0) {
        run_whole_operation(r, operation, part, thread);
    } else {
        for (int i = 0; i < r->stage->count; i++) {
            run_lane_operation(r, &operation[i], part, thread);
        }
    }
    cnn_runner_note(r, thread, -1, CNN_WORK_NONE);
}

/** Adds the lanes' sums up, in their order, and lets the layer use the total. */
static void run_total(cnn_runner *r, const cnn_operation *operation, int lanes)
{
    const cnn_layer_kind *kind = r->network->nodes[operation->node].kind;
    const size_t count = sums_count(r, operation);
    full_call full;
    memset(r->totals, 0, count * sizeof *r->totals);
    for (int lane = 0; lane < lanes; lane++) {
        const double *sums = lane_sums(r, operation, lane);
        for (size_t i = 0; i < count; i++) {
            r->totals[i] += sums[i];
        }
    }
    fill(r, operation->node, 0, r->n, &full);
    full.call.sums = r->totals;
    (operation->type == CNN_OPERATION_FORWARD_SUMS ? kind->forward_total : kind->backward_total)(&full.call);
}

static int filled_lanes(const cnn_runner *r)
{
    return (r->n + r->program.lane_images - 1) / r->program.lane_images;
}

static int prepare_parts(const cnn_runner *r, int node)
{
    const cnn_layer_plan *plan = &r->network->nodes[node].plan;
    return r->program.training ? plan->prepare_parts_training : plan->prepare_parts;
}

/** Part `part` of all nodes' preparing, in the order of the nodes. */
static void run_prepare(void *context, int part, int thread)
{
    const cnn_runner *r = context;
    int node = 0;
    while (part >= prepare_parts(r, node)) {
        part -= prepare_parts(r, node++);
    }
    full_call full;
    fill(r, node, 0, 0, &full);
    full.call.part = part;
    full.call.parts = prepare_parts(r, node);
    cnn_runner_note(r, thread, node, CNN_WORK_PREPARE);
    r->network->nodes[node].kind->prepare(&full.call);
    cnn_runner_note(r, thread, -1, CNN_WORK_NONE);
}

void cnn_runner_prepare(cnn_runner *runner, cnn_real *parameters)
{
    runner->parameters = parameters;
    runner->n = 0;
    if (runner->prepare_parts > 0) {
        cnn_team_run(runner->team, runner->prepare_parts, run_prepare, runner);
    }
}

/** The outputs of a node that ran over the whole batch. */
static void show_lanes(const cnn_runner *r, int node, int lanes)
{
    for (int lane = 0; lane < lanes; lane++) {
        const int n = cnn_runner_lane_first(r, r->n, lane + 1) - cnn_runner_lane_first(r, r->n, lane);
        cnn_runner_show(r, node, lane, n, place(r, r->program.nodes[node].y, lane));
    }
}

static void run(cnn_runner *r, cnn_real *parameters, int n)
{
    r->parameters = parameters;
    r->n = n;
    const int lanes = filled_lanes(r);
    for (int s = 0; s < r->program.stage_count; s++) {
        const cnn_stage *stage = r->stage = &r->program.stages[s];
        const cnn_operation *last = &r->program.operations[stage->first + stage->count - 1];
        cnn_team_run(r->team, stage->parts > 0 ? stage->parts : lanes, run_part, r);
        if (stage->parts > 0 && last->type == CNN_OPERATION_FORWARD) {
            show_lanes(r, last->node, lanes);
        }
        if (stage->totals) {
            note_operation(r, last, 0);
            run_total(r, last, lanes);
            cnn_runner_note(r, 0, -1, CNN_WORK_NONE);
        }
        if (stage->parts > 0 && last->type == CNN_OPERATION_BACKWARD_INPUT &&
            r->program.nodes[last->node].dx_sum >= 0) {
            note_operation(r, last, 0);
            sum_input_gradient(r, last->node, 0, n);
            cnn_runner_note(r, 0, -1, CNN_WORK_NONE);
        }
    }
}

void cnn_runner_forward(cnn_runner *runner, cnn_real *parameters, int n)
{
    run(runner, parameters, n);
}

void cnn_runner_train(cnn_runner *runner, cnn_real *parameters, int n, uint64_t image)
{
    runner->image = image;
    cnn_runner_prepare(runner, parameters);
    run(runner, parameters, n);
}

const cnn_real *cnn_runner_gradient(const cnn_runner *runner, int slot, size_t first, size_t count, cnn_real *room)
{
    const cnn_gradient_place *at = &runner->gradient_places[slot];
    if (at->whole) {
        return runner->whole_gradients + at->offset + first;
    }
    const cnn_real *gradient = runner->lane_gradients + at->offset + first;
    const int lanes = filled_lanes(runner);
    memcpy(room, gradient, count * sizeof *room);
    for (int lane = 1; lane < lanes; lane++) {
        runner->network->vectors->add(room, gradient + (size_t)lane * runner->lane_gradient_count, count);
    }
    return room;
}

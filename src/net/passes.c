/* What the planner decided, for people to look at: the operations of training as passes of layers, in their order. */
#include "base/memory.h"
#include "net/model.h"
#include "net/program.h"

/** What is written out, and where it stands. */
typedef struct writer {
    const cnn_network *network;
    const cnn_program *program;
    cnn_pass_list *list;
    int stage;
} writer;

/** `pass` is one of cnn_layer_pass, or -1 for sums over the batch. */
static void add_pass(writer *w, int node_index, const char *name, int pass)
{
    const cnn_node *node = &w->network->nodes[node_index];
    const char *method = pass >= 0 ? node->plan.methods[pass] : NULL;
    w->list->passes[w->list->pass_count++] = (cnn_pass_info){
        .layer = node->name,
        .pass = name,
        .method = method != NULL ? method : "",
        .stage = w->stage,
        .slices = w->program->stages[w->stage - 1].parts,
        .scratch_bytes = (int64_t)node->plan.scratch_size,
    };
}

/** Where a layer has sums over the batch, these make the weights' gradients. */
static void add_backward(writer *w, int node_index)
{
    const cnn_node *node = &w->network->nodes[node_index];
    if (cnn_node_is_trained(node) && node->kind->backward_sums == NULL) {
        add_pass(w, node_index, "weight gradient", CNN_PASS_WEIGHT_GRADIENT);
    }
    if (w->program->nodes[node_index].dx >= 0 && node->kind->backward_input == NULL) {
        add_pass(w, node_index, "input gradient", CNN_PASS_INPUT_GRADIENT);
    }
}

static void add_operation(writer *w, const cnn_operation *operation)
{
    switch (operation->type) {
    case CNN_OPERATION_FORWARD_SUMS:
        add_pass(w, operation->node, "sums", -1);
        break;
    case CNN_OPERATION_FORWARD:
        add_pass(w, operation->node, w->program->rectifies[operation->node] ? "forward, relu" : "forward",
                 CNN_PASS_FORWARD);
        break;
    case CNN_OPERATION_LOSS:
        break;
    case CNN_OPERATION_REPEAT:
        add_pass(w, operation->node, "forward again", CNN_PASS_FORWARD);
        break;
    case CNN_OPERATION_BACKWARD_SUMS:
        add_pass(w, operation->node, "gradient sums", -1);
        break;
    case CNN_OPERATION_BACKWARD:
        add_backward(w, operation->node);
        break;
    case CNN_OPERATION_BACKWARD_INPUT:
        add_pass(w, operation->node, "input gradient", CNN_PASS_INPUT_GRADIENT);
        break;
    }
}

static void write_all(writer *w)
{
    const cnn_program *program = w->program;
    for (int s = 0; s < program->stage_count; s++) {
        const cnn_stage *stage = &program->stages[s];
        w->stage = s + 1;
        for (int i = 0; i < stage->count; i++) {
            add_operation(w, &program->operations[stage->first + i]);
        }
    }
    for (int i = 0; i < w->list->pass_count; i++) {
        const int64_t scratch = w->list->passes[i].scratch_bytes;
        w->list->scratch_bytes = scratch > w->list->scratch_bytes ? scratch : w->list->scratch_bytes;
    }
}

cnn_status cnn_model_passes(const cnn_model *model, cnn_pass_list *list, cnn_error *error)
{
    cnn_program program;
    cnn_train_options options;
    cnn_recipe_train_options(model->recipe, &options);
    cnn_status status = cnn_program_make(&program, model->network, options.batch, true, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_pass_list result = {.batch = program.batch,
                            .lanes = program.lanes,
                            .lane_images = program.lane_images,
                            .stages = program.stage_count,
                            .passes = cnn_alloc(2 * (size_t)program.operation_count, sizeof *result.passes)};
    if (result.passes != NULL) {
        write_all(&(writer){.network = model->network, .program = &program, .list = &result});
        *list = result;
    } else {
        status = cnn_fail_memory(error);
    }
    cnn_program_clear(&program);
    return status;
}

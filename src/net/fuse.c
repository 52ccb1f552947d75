/* Which layer does a rectifier's work, and whose output is made twice. */
#include "net/fuse.h"

/* ---- rectifiers */

/* A layer that can rectify does so where a rectifier alone reads its output. */
void cnn_program_find_rectifiers(cnn_program *program, const cnn_network *network)
{
    for (int i = 0; i < network->node_count; i++) {
        const cnn_value *input = &network->values[network->nodes[i].input];
        if (network->nodes[i].plan.is_rectifier && input->producer >= 0 && input->readers == 1) {
            program->rectifies[input->producer] = network->nodes[input->producer].plan.rectifies;
        }
    }
}

int cnn_program_rectifying(const cnn_program *program, const cnn_network *network, int index)
{
    const cnn_node *node = &network->nodes[index];
    const int producer = network->values[node->input].producer;
    return node->plan.is_rectifier && producer >= 0 && program->rectifies[producer] ? producer : -1;
}

bool cnn_program_rectifies_backward(const cnn_program *program, const cnn_network *network, int index)
{
    const int before = cnn_program_rectifying(program, network, index);
    return before >= 0 && network->nodes[before].plan.rectifies_backward;
}

bool cnn_program_reads_output(const cnn_program *program, const cnn_network *network, int index)
{
    const int before = cnn_program_rectifying(program, network, index);
    return (before >= 0 && network->nodes[before].plan.backward_reads_output) ||
           (network->nodes[index].plan.backward_reads_output &&
            !cnn_program_rectifies_backward(program, network, index));
}

/* ---- outputs made again
 *
 * A convolution's weight gradient reads the convolution's input. Where that is batch normalization's output, it need
 * not be kept from the forward pass on: batch normalization keeps its own input anyway and makes its output of it once
 * more, in one pass over an array that is used next. */

/** The node that writes what node `index` reads: not a rectifier whose work another does. -1: the network's input. */
static int writer(const cnn_program *program, const cnn_network *network, int index)
{
    const int producer = network->values[network->nodes[index].input].producer;
    const int before = producer >= 0 ? cnn_program_rectifying(program, network, producer) : -1;
    return before >= 0 ? before : producer;
}

/** Whether node `index` can write node `reader`'s input again: all that it reads must be there in backward. */
static bool can_repeat(const cnn_program *program, const cnn_network *network, int index, int reader)
{
    const cnn_layer_plan *plan = &network->nodes[index].plan;
    const int before = writer(program, network, index);
    return plan->repeatable && plan->backward_reads_input && (before < 0 || program->repeated_for[before] < 0) &&
           !cnn_program_reads_output(program, network, network->values[network->nodes[reader].input].producer);
}

void cnn_program_find_repeated(cnn_program *program, const cnn_network *network, const bool *needs_gradient)
{
    for (int i = 0; i < network->node_count; i++) {
        const cnn_node *node = &network->nodes[i];
        const int before = writer(program, network, i);
        program->repeated_for[i] = -1;
        if (program->training && before >= 0 && node->plan.backward_reads_input && needs_gradient[node->output] &&
            can_repeat(program, network, before, i)) {
            program->repeated_for[before] = i;
        }
    }
    /* Arrays over the whole batch share their memory with nothing, so that two would take more than one. */
    for (int i = 0; i < network->node_count && program->lanes > 1; i++) {
        const cnn_layer_plan *plan = &network->nodes[i].plan;
        const int before = writer(program, network, i);
        if (before >= 0 && (plan->forward_parts > 0 || plan->backward_parts > 0)) {
            program->repeated_for[before] = -1;
        }
    }
}

int cnn_program_repeated(const cnn_program *program, const cnn_network *network, int index)
{
    const int before = writer(program, network, index);
    const bool repeated = before >= 0 && program->repeated_for[before] >= 0;
    return repeated && network->nodes[index].plan.backward_reads_input ? before : -1;
}

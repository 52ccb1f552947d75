/* Tuning a network: a program tells what each layer will run on, the layers measure for themselves. */
#include "net/program.h"

cnn_status cnn_network_tune(cnn_network *network, int batch, bool training, cnn_error *error)
{
    cnn_program program;
    cnn_status status = cnn_program_make(&program, network, batch, training, error);
    for (int i = 0; i < network->node_count && status == CNN_OK; i++) {
        cnn_node *node = &network->nodes[i];
        const cnn_layer_tuning tuning = {.images = program.lane_images,
                                         .lanes = program.lanes,
                                         .training = training,
                                         .input_gradient = program.nodes[i].dx >= 0};
        if (node->kind->tune != NULL) {
            status = node->kind->tune(&node->plan, node->options, node->state, &tuning, error);
        }
    }
    cnn_program_clear(&program);
    return status;
}

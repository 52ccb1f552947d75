/* What layers do for each other: rectifiers that are the work of the layer before, and outputs that are not kept for
 * the backward pass but made again in it. */
#ifndef CNN_NET_FUSE_H
#define CNN_NET_FUSE_H

#include "net/program.h"

/** Sets program->rectifies. */
void cnn_program_find_rectifiers(cnn_program *program, const cnn_network *network);

/** The node before, where that does the work of node `index`, a rectifier; else -1. */
int cnn_program_rectifying(const cnn_program *program, const cnn_network *network, int index);

/** Whether the node before does the work of node `index` in backward, too. */
bool cnn_program_rectifies_backward(const cnn_program *program, const cnn_network *network, int index);

/** Whether some backward reads the node's output as its own output. */
bool cnn_program_reads_output(const cnn_program *program, const cnn_network *network, int index);

/** Sets program->repeated_for, after the rectifiers; needs_gradient [value_count]. */
void cnn_program_find_repeated(cnn_program *program, const cnn_network *network, const bool *needs_gradient);

/** The node whose output is made again for node `index`'s backward to read, else -1. */
int cnn_program_repeated(const cnn_program *program, const cnn_network *network, int index);

#endif

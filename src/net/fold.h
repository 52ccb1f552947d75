/* A network as inference runs it: layers that only give each channel a factor and an offset (batch normalization) are
 * folded into the weights and the bias of the layer before, and layers that are the identity in inference (dropout) are
 * gone. The network it was made of stays as it is. */
#ifndef CNN_NET_FOLD_H
#define CNN_NET_FOLD_H

#include "net/network.h"

typedef struct cnn_folded {
    const cnn_network *source; /* not owned */
    cnn_network *network;
    cnn_real *parameters; /* [network->parameter_count] after cnn_folded_fill(): `block`, or the source's own */
    cnn_real *block;      /* NULL where nothing is folded: then both networks have the same parameters */
    int *nodes;   /* [source->node_count]: the network's node that computes the source's, -1 if it is left out */
    double *room; /* for a factor and an offset a channel of the widest layer */
} cnn_folded;

/** Folds what can be folded: layers that alone read the output of a layer with a bias, be it through others that are
 * left out. Layers are planned for batches of up to `batch` images. The source must outlive the result. Fails with
 * CNN_MEMORY only. */
cnn_folded *cnn_network_fold(const cnn_network *source, int batch, cnn_error *error);
void cnn_folded_free(cnn_folded *folded);

/** Makes folded->parameters of the source's, which are not changed; to be called again when they have changed, and they
 * must stay where they are as long as folded->parameters is used. */
void cnn_folded_fill(cnn_folded *folded, cnn_real *parameters);

#endif

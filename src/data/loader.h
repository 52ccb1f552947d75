/* The batch loader: a worker thread that augments, scales and mixes the next batch while the current one is trained on.
 * What a batch holds is a function of (seed, epoch, step) alone. */
#ifndef CNN_DATA_LOADER_H
#define CNN_DATA_LOADER_H

#include "base/real.h"
#include "data/augment.h"
#include "data/dataset.h"

typedef struct cnn_loader_options {
    const cnn_dataset *data; /* not owned */
    const int *indices;      /* [count] images to draw from, not owned */
    int count;
    int batch; /* the last batch of an epoch may be smaller */
    uint64_t seed;
    bool augments;
    cnn_augmentation augmentation;
    double mixup;                   /* alpha of the shares' Beta distribution; 0: images are not mixed */
    const double *mean, *deviation; /* [channels], copied: x = (pixel / 255 - mean) / deviation */
    int epoch, step;                /* the first batch to give, both from 0 */
} cnn_loader_options;

/** One batch. It stays valid until the next cnn_loader_next() or the loader's end. */
typedef struct cnn_batch {
    int epoch, step;        /* from 0 */
    int count;              /* images */
    const cnn_real *images; /* [count][h][w][c] */
    const int *labels;      /* [count] */
    const int *others;      /* [count] labels of the images mixed in; NULL without mixup */
    const double *shares;   /* [count] of an image's own, 1/2 .. 1, where 1 - shares[i] is others[i]'s; NULL likewise */
} cnn_batch;

typedef struct cnn_loader cnn_loader;

cnn_loader *cnn_loader_new(const cnn_loader_options *options, cnn_error *error);
/** The next batch, epoch after epoch without end. Waits only where the worker has not kept up. */
void cnn_loader_next(cnn_loader *loader, cnn_batch *batch);
void cnn_loader_free(cnn_loader *loader);

/** The order of an epoch: a permutation of 0 .. count - 1 into out, a function of (seed, purpose, epoch). */
void cnn_loader_order(uint64_t seed, cnn_random_purpose purpose, int epoch, int count, int *out);

/** Fills table[channels][256] with (pixel / 255 - mean[c]) / deviation[c], computed in double and rounded once. */
void cnn_scale_table(int channels, const double *mean, const double *deviation, cnn_real *table);

/** out[i] = table[i % channels][pixels[i]], for `count` bytes of whole pixels of 1 or 3 channels. */
void cnn_scale_pixels(const uint8_t *pixels, size_t count, int channels, const cnn_real *table, cnn_real *out);

#endif

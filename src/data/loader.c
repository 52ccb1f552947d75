/* The batch loader: a ring of batches between one worker that fills them and the trainer that reads them. Each batch is
 * a function of (seed, epoch, step), so a loader that starts in the middle gives what an older one would have given. */
#include "data/loader.h"

#include "base/memory.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/** One that is trained on, and two ahead, so that a worker that had to wait for a processor can catch up. */
#define SLOTS 3
#define MOST_CHANNELS 3

typedef struct slot {
    cnn_real *images;
    int *labels, *others;
    double *shares;
    int epoch, step, count;
} slot;

struct cnn_loader {
    cnn_loader_options options;
    cnn_real table[MOST_CHANNELS * 256];
    size_t image_size;
    /* The worker's own. */
    int epoch, step;  /* of the batch to fill next */
    int order_epoch;  /* of `order`, -1: none yet */
    int *order;       /* [count] */
    uint8_t *changed; /* one augmented image */
    float *workspace; /* what augmenting needs, perhaps NULL */
    cnn_real *kept;   /* a batch's first image, before it is mixed */
    /* Shared, under the mutex; a slot belongs to the worker until it is counted as filled. */
    slot slots[SLOTS];
    uint64_t filled, released;
    bool stop;
    /* The reader's own. */
    bool holds;
    /* What was created, so that freeing knows. */
    bool has_mutex, has_ready, has_room, has_worker;
    pthread_mutex_t mutex;
    pthread_cond_t ready, room;
    pthread_t worker;
};

void cnn_loader_order(uint64_t seed, cnn_random_purpose purpose, int epoch, int count, int *out)
{
    cnn_random random = cnn_random_at(seed, purpose, (uint32_t)epoch, 0);
    for (int i = 0; i < count; i++) {
        out[i] = i;
    }
    for (int i = count - 1; i > 0; i--) {
        const int other = (int)cnn_random_below(&random, (uint32_t)i + 1);
        const int kept = out[i];
        out[i] = out[other];
        out[other] = kept;
    }
}

void cnn_scale_table(int channels, const double *mean, const double *deviation, cnn_real *table)
{
    for (int c = 0; c < channels; c++) {
        for (int value = 0; value < 256; value++) {
            table[256 * c + value] = (cnn_real)((value / 255.0 - mean[c]) / deviation[c]);
        }
    }
}

/* A table, not a multiplication and an addition, so that every value is rounded once and equals what a session
 * computes for the same pixel. */
void cnn_scale_pixels(const uint8_t *pixels, size_t count, int channels, const cnn_real *table, cnn_real *out)
{
    if (channels == 1) {
        for (size_t i = 0; i < count; i++) {
            out[i] = table[pixels[i]];
        }
        return;
    }
    for (size_t i = 0; i < count; i += 3) {
        out[i] = table[pixels[i]];
        out[i + 1] = table[256 + pixels[i + 1]];
        out[i + 2] = table[512 + pixels[i + 2]];
    }
}

/* ---- the worker */

/* Mixup (Zhang et al. 2018, arXiv 1710.09412): x[i] = share x[i] + (1 - share) x[i + 1], all of them unmixed, and for
 * the last image x[0] in place of the next. An image of a batch is a random one, so the next is a random partner. The
 * paper's share is Beta(alpha, alpha); share and 1 - share swapped give the same pairs, so the larger is the image's
 * own. An image alone in its batch stays as it is. */
static void mix(cnn_loader *loader, slot *to, const int *order)
{
    const cnn_loader_options *const options = &loader->options;
    const size_t size = loader->image_size;
    memcpy(loader->kept, to->images, size * sizeof *loader->kept);
    for (int i = 0; i < to->count; i++) {
        const bool last = i + 1 == to->count;
        cnn_random random = cnn_random_at(options->seed, CNN_RANDOM_MIXUP, (uint32_t)loader->epoch,
                                          (uint64_t)options->indices[order[i]]);
        const double drawn = cnn_random_beta(&random, options->mixup);
        const double share = to->count == 1 ? 1 : fmax(drawn, 1 - drawn);
        const cnn_real own = (cnn_real)share, rest = (cnn_real)(1 - share);
        cnn_real *const x = to->images + (size_t)i * size;
        const cnn_real *const next = last ? loader->kept : x + size;
        for (size_t k = 0; k < size; k++) {
            x[k] = own * x[k] + rest * next[k];
        }
        to->others[i] = to->labels[last ? 0 : i + 1];
        to->shares[i] = share;
    }
}

static void fill(cnn_loader *loader, slot *to)
{
    const cnn_loader_options *const options = &loader->options;
    const cnn_shape shape = options->data->shape;
    if (loader->order_epoch != loader->epoch) {
        cnn_loader_order(options->seed, CNN_RANDOM_ORDER, loader->epoch, options->count, loader->order);
        loader->order_epoch = loader->epoch;
    }
    const int first = loader->step * options->batch, left = options->count - first;
    to->epoch = loader->epoch;
    to->step = loader->step;
    to->count = left < options->batch ? left : options->batch;
    for (int i = 0; i < to->count; i++) {
        const int index = options->indices[loader->order[first + i]];
        const uint8_t *pixels = options->data->pixels + (size_t)index * loader->image_size;
        if (options->augments) {
            const cnn_showing showing = {options->seed, loader->epoch, index};
            cnn_augment(&options->augmentation, shape, showing, loader->workspace, pixels, loader->changed);
            pixels = loader->changed;
        }
        cnn_scale_pixels(pixels, loader->image_size, shape.channels, loader->table,
                         to->images + (size_t)i * loader->image_size);
        to->labels[i] = options->data->labels[index];
    }
    if (options->mixup > 0) {
        mix(loader, to, loader->order + first);
    }
    if (left > options->batch) {
        loader->step++;
    } else {
        loader->step = 0;
        loader->epoch++;
    }
}

static void *work(void *argument)
{
    cnn_loader *const loader = argument;
    pthread_mutex_lock(&loader->mutex);
    for (;;) {
        while (!loader->stop && loader->filled - loader->released == SLOTS) {
            pthread_cond_wait(&loader->room, &loader->mutex);
        }
        if (loader->stop) {
            break;
        }
        slot *const to = &loader->slots[loader->filled % SLOTS];
        pthread_mutex_unlock(&loader->mutex);
        fill(loader, to);
        pthread_mutex_lock(&loader->mutex);
        loader->filled++;
        pthread_cond_signal(&loader->ready);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

/* ---- the reader */

void cnn_loader_next(cnn_loader *loader, cnn_batch *batch)
{
    pthread_mutex_lock(&loader->mutex);
    if (loader->holds) {
        loader->released++;
        pthread_cond_signal(&loader->room);
    }
    loader->holds = true;
    while (loader->filled == loader->released) {
        pthread_cond_wait(&loader->ready, &loader->mutex);
    }
    const slot *const from = &loader->slots[loader->released % SLOTS];
    pthread_mutex_unlock(&loader->mutex);
    *batch = (cnn_batch){from->epoch, from->step, from->count, from->images, from->labels, from->others, from->shares};
}

/* ---- making and freeing */

static cnn_status check(const cnn_loader_options *options, cnn_error *error)
{
    if (options->count < 1 || options->batch < 1 || options->batch > INT_MAX - options->count) {
        return cnn_fail(error, CNN_USAGE, "loader: %d images in batches of %d: both must be positive", options->count,
                        options->batch);
    }
    const int steps = (options->count - 1) / options->batch + 1;
    if (options->epoch < 0 || options->step < 0 || options->step >= steps) {
        return cnn_fail(error, CNN_USAGE, "loader: there is no step %d in epoch %d: an epoch has %d", options->step,
                        options->epoch, steps);
    }
    return CNN_OK;
}

/** What mixing takes beside, for batches of `most` images; false when memory is out. */
static bool allocate_mixing(cnn_loader *loader, size_t most)
{
    loader->kept = cnn_alloc(loader->image_size, sizeof *loader->kept);
    bool complete = loader->kept != NULL;
    for (int i = 0; complete && i < SLOTS; i++) {
        loader->slots[i].others = cnn_alloc(most, sizeof *loader->slots[i].others);
        loader->slots[i].shares = cnn_alloc(most, sizeof *loader->slots[i].shares);
        complete = loader->slots[i].others != NULL && loader->slots[i].shares != NULL;
    }
    return complete;
}

static cnn_status allocate(cnn_loader *loader, cnn_error *error)
{
    const cnn_loader_options *const options = &loader->options;
    const size_t most = (size_t)(options->batch < options->count ? options->batch : options->count);
    size_t values;
    bool complete = cnn_multiply_size(most, loader->image_size, &values);
    loader->order = cnn_alloc((size_t)options->count, sizeof *loader->order);
    loader->changed = cnn_alloc(loader->image_size, 1);
    complete = complete && loader->order != NULL && loader->changed != NULL;
    for (int i = 0; complete && i < SLOTS; i++) {
        loader->slots[i].images = cnn_alloc(values, sizeof *loader->slots[i].images);
        loader->slots[i].labels = cnn_alloc(most, sizeof *loader->slots[i].labels);
        complete = loader->slots[i].images != NULL && loader->slots[i].labels != NULL;
    }
    const size_t workspace = options->augments ? cnn_augment_room(&options->augmentation, options->data->shape) : 0;
    if (workspace > 0) {
        loader->workspace = cnn_alloc(workspace, sizeof *loader->workspace);
        complete = complete && loader->workspace != NULL;
    }
    complete = complete && (options->mixup <= 0 || allocate_mixing(loader, most));
    return complete ? CNN_OK : cnn_fail_memory(error);
}

/** Starts the worker with all signals blocked, so that a handler runs in the program's own threads. */
static cnn_status start(cnn_loader *loader, cnn_error *error)
{
    sigset_t all, former;
    loader->has_mutex = pthread_mutex_init(&loader->mutex, NULL) == 0;
    loader->has_ready = pthread_cond_init(&loader->ready, NULL) == 0;
    loader->has_room = pthread_cond_init(&loader->room, NULL) == 0;
    if (!loader->has_mutex || !loader->has_ready || !loader->has_room) {
        return cnn_fail_memory(error);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    const int failure = pthread_create(&loader->worker, NULL, work, loader);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    loader->has_worker = failure == 0;
    return failure == 0 ? CNN_OK
                        : cnn_fail(error, CNN_PLATFORM, "cannot start the thread that loads batches: %s",
                                   cnn_errno_text(failure));
}

cnn_loader *cnn_loader_new(const cnn_loader_options *options, cnn_error *error)
{
    const cnn_shape shape = options->data->shape;
    if (check(options, error) != CNN_OK) {
        return NULL;
    }
    cnn_loader *const loader = cnn_alloc(1, sizeof *loader);
    if (loader == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    loader->options = *options;
    loader->image_size = (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels;
    loader->epoch = options->epoch;
    loader->step = options->step;
    loader->order_epoch = -1;
    cnn_scale_table(shape.channels, options->mean, options->deviation, loader->table);
    if (allocate(loader, error) != CNN_OK || start(loader, error) != CNN_OK) {
        cnn_loader_free(loader);
        return NULL;
    }
    return loader;
}

static void stop(cnn_loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    pthread_cond_signal(&loader->room);
    pthread_mutex_unlock(&loader->mutex);
    pthread_join(loader->worker, NULL);
}

void cnn_loader_free(cnn_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    if (loader->has_worker) {
        stop(loader);
    }
    if (loader->has_room) {
        pthread_cond_destroy(&loader->room);
    }
    if (loader->has_ready) {
        pthread_cond_destroy(&loader->ready);
    }
    if (loader->has_mutex) {
        pthread_mutex_destroy(&loader->mutex);
    }
    for (int i = 0; i < SLOTS; i++) {
        cnn_free(loader->slots[i].images);
        cnn_free(loader->slots[i].labels);
        cnn_free(loader->slots[i].others);
        cnn_free(loader->slots[i].shares);
    }
    cnn_free(loader->kept);
    cnn_free(loader->workspace);
    cnn_free(loader->changed);
    cnn_free(loader->order);
    cnn_free(loader);
}

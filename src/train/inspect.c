/* Inspecting a model that stands still: the network as it is, nothing folded, classifies all images for the outputs'
 * figures, then goes forward and back over some of them for the gradients', on a copy of the parameters. */
#include "base/memory.h"
#include "data/loader.h"
#include "math/gemm.h"
#include "train/loss.h"
#include "train/match.h"
#include "train/watch.h"

#include <string.h>

/** Images that are classified at once, and the most that gradients are taken over. */
#define BATCH 64
#define GRADIENT_IMAGES 1024

typedef struct inspecting {
    const cnn_model *model;
    const cnn_dataset *data;
    cnn_train_options options;
    int *labels;               /* [data's classes] the model's */
    cnn_real *table;           /* [channels][256]: a pixel's value, scaled */
    cnn_real *parameters;      /* a copy, whose running statistics may change */
    double *squares;           /* [layer_count] of the gradients' norms, summed over the batches */
    cnn_layer_record *records; /* [layer_count] */
    cnn_team *team;
    cnn_runner *classifier, *learner;
    cnn_watch *watch;
    int count;               /* images to look at */
    int classified, learned; /* images at once of either runner */
    int first, stride;       /* of the batch under way: images first, first + stride, ... */
} inspecting;

static void put_images(const inspecting *it, cnn_runner *runner, int n)
{
    const cnn_shape input = it->model->network->input;
    for (int i = 0; i < n; i++) {
        cnn_scale_pixels(cnn_dataset_pixels(it->data, it->first + i * it->stride), cnn_shape_size(input),
                         input.channels, it->table, cnn_runner_input(runner, i));
    }
}

static void look_at_outputs(inspecting *it)
{
    cnn_runner_tap(it->classifier, cnn_watch_tap, it->watch);
    cnn_runner_prepare(it->classifier, it->parameters);
    it->stride = cnn_dataset_count(it->data) / it->count;
    for (int done = 0; done < it->count; done += it->classified) {
        const int left = it->count - done, n = left < it->classified ? left : it->classified;
        it->first = done * it->stride;
        put_images(it, it->classifier, n);
        cnn_runner_forward(it->classifier, it->parameters, n);
        cnn_watch_add(it->watch, n);
    }
}

static void give_loss(void *context, const cnn_loss_call *call)
{
    const inspecting *it = context;
    for (int i = 0; i < call->n; i++) {
        const size_t offset = (size_t)i * (size_t)call->classes;
        const int label = cnn_dataset_label(it->data, it->first + (call->first + i) * it->stride);
        cnn_cross_entropy(call->logits + offset, call->classes, it->labels[label], it->options.label_smoothing,
                          1.0 / call->batch, call->gradient + offset);
    }
}

/** Leaves the means of the squared norms over the batches in the watch. */
static void look_at_gradients(inspecting *it)
{
    const int layers = it->watch->layer_count;
    const int most = it->count < GRADIENT_IMAGES ? it->count : GRADIENT_IMAGES, batches = most / it->learned;
    it->stride = cnn_dataset_count(it->data) / (batches * it->learned);
    for (int b = 0; b < batches; b++) {
        it->first = b * it->learned * it->stride;
        put_images(it, it->learner, it->learned);
        cnn_runner_train(it->learner, it->parameters, it->learned, (uint64_t)b * (uint64_t)it->learned);
        cnn_watch_gradients(it->watch, it->learner, it->team);
        for (int i = 0; i < layers; i++) {
            it->squares[i] += it->watch->gradients[i];
        }
    }
    for (int i = 0; i < layers; i++) {
        it->watch->gradients[i] = it->squares[i] / batches;
    }
}

static cnn_status make_runners(inspecting *it, int threads, cnn_error *error)
{
    cnn_error cause;
    it->team = cnn_team_new(threads, &cause);
    const cnn_runner_options options[] = {
        {.batch = it->classified, .team = it->team},
        {.batch = it->learned, .team = it->team, .loss = give_loss, .loss_context = it},
    };
    it->classifier = it->team != NULL ? cnn_runner_new(it->model->network, &options[0], &cause) : NULL;
    it->learner = it->classifier != NULL ? cnn_runner_new(it->model->network, &options[1], &cause) : NULL;
    return it->learner != NULL ? CNN_OK : cnn_fail(error, cause.status, "%s", cause.message);
}

static cnn_status set_up(inspecting *it, int threads, cnn_error *error)
{
    const cnn_network *network = it->model->network;
    const size_t parameters = network->parameter_count, inputs = (size_t)network->input.channels;
    cnn_status status = make_runners(it, threads, error);
    if (status != CNN_OK) {
        return status;
    }
    const int lanes[] = {cnn_runner_lanes(it->classifier), cnn_runner_lanes(it->learner)};
    it->watch = cnn_watch_new(it->model, lanes[0] > lanes[1] ? lanes[0] : lanes[1], threads, error);
    if (it->watch == NULL) {
        return CNN_MEMORY;
    }
    it->table = cnn_alloc(inputs * 256, sizeof *it->table);
    it->parameters = cnn_alloc(parameters, sizeof *it->parameters);
    it->squares = cnn_alloc((size_t)it->watch->layer_count, sizeof *it->squares);
    it->records = cnn_alloc((size_t)it->watch->layer_count, sizeof *it->records);
    if (it->table == NULL || it->parameters == NULL || it->squares == NULL || it->records == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_scale_table(network->input.channels, it->model->mean, it->model->deviation, it->table);
    memcpy(it->parameters, it->model->parameters, parameters * sizeof *it->parameters);
    return CNN_OK;
}

static cnn_status look(inspecting *it, int threads, cnn_inspection *inspection, cnn_error *error)
{
    const int most = it->count < GRADIENT_IMAGES ? it->count : GRADIENT_IMAGES;
    it->classified = it->count < BATCH ? it->count : BATCH;
    it->learned = it->options.batch < most ? it->options.batch : most;
    const cnn_status status = set_up(it, threads, error);
    if (status != CNN_OK) {
        return status;
    }
    look_at_outputs(it);
    cnn_watch_weights(it->watch, it->parameters, it->team);
    look_at_gradients(it);
    for (int i = 0; i < it->watch->layer_count; i++) {
        cnn_layer_record *record = &it->records[i];
        *record = cnn_watch_record(it->watch, i);
        if (record->weight_norm > 0) {
            record->update_ratio = (float)(it->options.lr * (double)record->gradient_norm) / record->weight_norm;
        }
    }
    return cnn_watch_report(it->watch, it->records, it->watch->images, inspection, error);
}

cnn_status cnn_model_inspect(const cnn_model *model, const cnn_dataset *data, const cnn_inspect_options *options,
                             cnn_inspection *inspection, cnn_error *error)
{
    inspecting it = {.model = model, .data = data};
    const cnn_inspect_options chosen = options != NULL ? *options : (cnn_inspect_options){0};
    int threads = chosen.threads, former;
    if (threads < 0 || chosen.images < 0) {
        return cnn_fail(error, CNN_USAGE, "inspecting needs threads and images of 0 or more, not %d and %d", threads,
                        chosen.images);
    }
    threads = threads > 0 ? threads : cnn_processor_count();
    cnn_recipe_train_options(model->recipe, &it.options);
    it.count = cnn_dataset_count(data);
    it.count = chosen.images > 0 && chosen.images < it.count ? chosen.images : it.count;
    cnn_status status = cnn_match_data(model, data, &it.labels, error);
    if (status == CNN_OK) {
        status = cnn_blas_borrow(&former, error);
        if (status == CNN_OK) {
            status = look(&it, threads, inspection, error);
            cnn_blas_return(former);
        }
    }
    cnn_runner_free(it.classifier);
    cnn_runner_free(it.learner);
    cnn_watch_free(it.watch);
    cnn_team_free(it.team);
    cnn_free(it.labels);
    cnn_free(it.table);
    cnn_free(it.parameters);
    cnn_free(it.squares);
    cnn_free(it.records);
    return status;
}

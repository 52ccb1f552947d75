/* One step: the loader's batch through the network and back, then every parameter's update; after an epoch's last step
 * the images held back are classified. Sums are taken in the order of lanes and images, whatever thread ran them. */
#include "train/step.h"

#include "train/loss.h"
#include "train/update.h"

#include <math.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/** What image `index` of the batch shall be taken for. */
static cnn_target target_of(const cnn_trainer *t, int index)
{
    const cnn_batch *batch = &t->batch;
    const bool mixed = batch->others != NULL;
    return (cnn_target){
        .label = batch->labels[index],
        .other = mixed ? batch->others[index] : batch->labels[index],
        .share = mixed ? batch->shares[index] : 1,
        .smoothing = t->options.label_smoothing,
    };
}

void cnn_trainer_loss(void *context, const cnn_loss_call *call)
{
    cnn_trainer *t = context;
    cnn_lane_result result = {0};
    for (int i = 0; i < call->n; i++) {
        const size_t offset = (size_t)i * (size_t)call->classes;
        const cnn_target target = target_of(t, call->first + i);
        result.correct += cnn_argmax(call->logits + offset, call->classes) == target.label;
        result.loss += cnn_mixed_cross_entropy(call->logits + offset, call->classes, &target, 1.0 / call->batch,
                                               call->gradient + offset);
    }
    t->lane_results[call->lane] = result;
}

static cnn_status fail_diverged(const cnn_trainer *t, const char *what, cnn_error *error)
{
    return cnn_fail(error, CNN_DIVERGED,
                    "epoch %d, step %d: %s is no longer finite: try a smaller lr (now %g), a longer warmup, or "
                    "batchnorm after the convolutions",
                    t->epoch + 1, t->step + 1, what, t->options.lr);
}

cnn_status cnn_trainer_check_finite(const cnn_trainer *t, cnn_error *error)
{
    const cnn_network *network = t->model->network;
    if (!network->vectors->is_finite(t->model->parameters, network->parameter_count)) {
        return cnn_fail(error, CNN_DIVERGED, "epoch %d: the weights are no longer finite: try a smaller lr (now %g)",
                        t->epoch + (t->step > 0), t->options.lr);
    }
    return CNN_OK;
}

/** Forward, backward and update over t->batch. */
static cnn_status train_batch(cnn_trainer *t, cnn_error *error)
{
    const cnn_batch *batch = &t->batch;
    const size_t size = cnn_shape_size(t->model->network->input);
    const uint64_t image = (uint64_t)t->epoch * (uint64_t)t->train_count + (uint64_t)t->images;
    cnn_runner_note(t->runner, 0, -1, CNN_WORK_INPUT);
    for (int i = 0; i < batch->count; i++) {
        memcpy(cnn_runner_input(t->runner, i), batch->images + (size_t)i * size, size * sizeof *batch->images);
    }
    cnn_runner_note(t->runner, 0, -1, CNN_WORK_NONE);
    memset(t->lane_results, 0, (size_t)cnn_runner_lanes(t->runner) * sizeof *t->lane_results);
    cnn_inspector_begin_step(t);
    cnn_runner_train(t->runner, t->model->parameters, batch->count, image);

    double loss = 0;
    for (int lane = 0; lane < cnn_runner_lanes(t->runner); lane++) {
        loss += t->lane_results[lane].loss;
        t->correct += t->lane_results[lane].correct;
    }
    if (!isfinite(loss)) {
        return fail_diverged(t, "the loss", error);
    }
    t->loss_sum += loss;
    t->images += batch->count;
    cnn_inspector_before_update(t);
    cnn_trainer_update(t);
    cnn_inspector_end_step(t);
    return CNN_OK;
}

int cnn_trainer_classify_held_back(const cnn_trainer *t, int first)
{
    const int batch = t->options.batch < t->train_count ? t->options.batch : t->train_count;
    const int n = t->held_back - first < batch ? t->held_back - first : batch;
    const int *indices = t->indices + t->train_count + first;
    const cnn_shape input = t->model->network->input;
    if (first == 0) {
        cnn_folded_fill(t->folded, cnn_trainer_weights(t));
        cnn_runner_prepare(t->validator, t->folded->parameters);
    }
    for (int i = 0; i < n; i++) {
        cnn_scale_pixels(cnn_dataset_pixels(t->data, indices[i]), cnn_shape_size(input), input.channels, t->scale_table,
                         cnn_runner_input(t->validator, i));
    }
    cnn_runner_forward(t->validator, t->folded->parameters, n);
    return n;
}

/** Mean loss and accuracy over the images held back. */
static cnn_status validate(cnn_trainer *t, cnn_progress *progress, cnn_error *error)
{
    const int classes = t->model->network->class_count;
    double loss = 0;
    int correct = 0;
    for (int first = 0, n; first < t->held_back; first += n) {
        n = cnn_trainer_classify_held_back(t, first);
        for (int i = 0; i < n; i++) {
            const cnn_real *logits = cnn_runner_output(t->validator, i);
            const int label = cnn_dataset_label(t->data, t->indices[t->train_count + first + i]);
            correct += cnn_argmax(logits, classes) == label;
            loss += cnn_cross_entropy(logits, classes, label, 0, 0, NULL);
        }
    }
    if (!isfinite(loss)) {
        return fail_diverged(t, "the validation loss", error);
    }
    progress->validated = true;
    progress->validation_loss = loss / t->held_back;
    progress->validation_accuracy = (double)correct / t->held_back;
    return CNN_OK;
}

/** What the position and the sums say, without what an epoch's end adds. */
static cnn_progress describe(const cnn_trainer *t)
{
    cnn_progress progress = {
        .epoch = t->epoch + (t->step > 0),
        .epochs = t->options.epochs,
        .step = t->step,
        .steps = t->steps,
        .images = (int)t->images,
        .training_images = t->train_count,
        .validation_images = t->held_back,
        .learning_rate = t->learning_rate,
        .seconds = t->seconds,
    };
    if (t->images > 0) {
        progress.loss = t->loss_sum / (double)t->images;
        progress.accuracy = (double)t->correct / (double)t->images;
    }
    return progress;
}

void cnn_trainer_progress(const cnn_trainer *trainer, cnn_progress *progress)
{
    *progress = describe(trainer);
    if (trainer->step == 0 && trainer->epoch > 0) {
        *progress = trainer->history[trainer->epoch - 1];
    }
}

bool cnn_trainer_epoch(const cnn_trainer *trainer, int epoch, cnn_progress *progress)
{
    if (epoch < 1 || epoch > trainer->epoch) {
        return false;
    }
    *progress = trainer->history[epoch - 1];
    return true;
}

/** Validates, files the epoch, and makes ready for the next. */
static cnn_status end_epoch(cnn_trainer *t, cnn_progress *progress, double begun, cnn_error *error)
{
    if (t->validator != NULL) {
        const cnn_status status = validate(t, progress, error);
        if (status != CNN_OK) {
            return status;
        }
    }
    progress->epoch_done = true;
    progress->done = t->epoch + 1 == t->options.epochs;
    progress->seconds = t->seconds + now() - begun;
    t->history[t->epoch++] = *progress;
    t->step = 0;
    t->loss_sum = t->seconds = 0;
    t->correct = t->images = 0;
    return CNN_OK;
}

cnn_status cnn_trainer_step(cnn_trainer *trainer, cnn_progress *progress, cnn_error *error)
{
    cnn_trainer *t = trainer;
    if (t->epoch == t->options.epochs) {
        return cnn_fail(error, CNN_USAGE, "the training has ended after %d epochs", t->options.epochs);
    }
    const double begun = now();
    cnn_loader_next(t->loader, &t->batch);
    t->learning_rate = cnn_schedule_rate(&t->options, (int64_t)t->epoch * t->steps + t->step, t->steps);
    cnn_status status = train_batch(t, error);
    if (status != CNN_OK) {
        return status;
    }
    t->step++;
    cnn_progress reached = describe(t);
    if (t->step == t->steps) {
        status = end_epoch(t, &reached, begun, error);
        if (status != CNN_OK) {
            return status;
        }
    } else {
        t->seconds += now() - begun;
        reached.seconds = t->seconds;
    }
    *progress = reached;
    return CNN_OK;
}

/* Looking on while a trainer trains: see inspector.h. */
#include "train/inspector.h"

#include "base/memory.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/** An epoch's last images that are looked at: many enough for shares of a percent, few enough to cost nothing. */
#define IMAGES 1000

cnn_inspector *cnn_inspector_new(const cnn_trainer *t, cnn_error *error)
{
    const int batch = t->options.batch < t->train_count ? t->options.batch : t->train_count;
    const int steps = batch < IMAGES ? (IMAGES + batch - 1) / batch : 1;
    const size_t epochs = (size_t)t->options.epochs;
    cnn_inspector *in = cnn_alloc(1, sizeof *in);
    if (in == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    in->first = steps < t->steps ? t->steps - steps : 0;
    in->watch = cnn_watch_new(t->model, cnn_runner_lanes(t->runner), cnn_team_threads(t->team), error);
    in->former = cnn_alloc(t->model->network->parameter_count, sizeof *in->former);
    in->images = cnn_alloc(epochs, sizeof *in->images);
    size_t records;
    if (in->watch != NULL && cnn_multiply_size(epochs, (size_t)in->watch->layer_count, &records)) {
        in->records = cnn_alloc(records, sizeof *in->records);
    }
    if (in->former == NULL || in->images == NULL || in->records == NULL) {
        cnn_fail_memory(error);
        cnn_inspector_free(in);
        return NULL;
    }
    return in;
}

void cnn_inspector_free(cnn_inspector *inspector)
{
    if (inspector != NULL) {
        cnn_watch_free(inspector->watch);
        cnn_free(inspector->former);
        cnn_free(inspector->images);
        cnn_free(inspector->records);
        cnn_free(inspector);
    }
}

static bool is_last(const cnn_trainer *t)
{
    return t->step == t->steps - 1;
}

void cnn_inspector_begin_step(cnn_trainer *t)
{
    const bool looks = t->step >= t->inspector->first;
    if (t->step == t->inspector->first) {
        cnn_watch_clear(t->inspector->watch);
    }
    cnn_runner_tap(t->runner, looks ? cnn_watch_tap : NULL, t->inspector->watch);
}

void cnn_inspector_before_update(cnn_trainer *t)
{
    if (t->step >= t->inspector->first) {
        cnn_watch_add(t->inspector->watch, t->batch.count);
    }
    if (is_last(t)) {
        const size_t size = t->model->network->parameter_count * sizeof *t->inspector->former;
        cnn_watch_gradients(t->inspector->watch, t->runner, t->team);
        memcpy(t->inspector->former, t->model->parameters, size);
    }
}

/** former = parameters - former */
static void subtract_part(void *context, int index, int thread)
{
    const cnn_trainer *t = context;
    const cnn_update_part *part = &t->parts[index];
    const size_t offset = t->model->network->slots[part->slot].offset + part->first;
    const cnn_real *weights = t->model->parameters + offset;
    cnn_real *former = t->inspector->former + offset;
    (void)thread;
    for (size_t i = 0; i < part->count; i++) {
        former[i] = weights[i] - former[i];
    }
}

void cnn_inspector_end_step(cnn_trainer *t)
{
    if (!is_last(t)) {
        return;
    }
    cnn_watch *watch = t->inspector->watch;
    cnn_layer_record *records = t->inspector->records + (size_t)t->epoch * (size_t)watch->layer_count;
    cnn_team_run(t->team, t->part_count, subtract_part, t);
    cnn_watch_weights(watch, t->inspector->former, t->team);
    for (int i = 0; i < watch->layer_count; i++) {
        records[i].update_ratio = (float)sqrt(watch->weights[i]);
    }
    cnn_watch_weights(watch, t->model->parameters, t->team);
    for (int i = 0; i < watch->layer_count; i++) {
        const float change = records[i].update_ratio;
        records[i] = cnn_watch_record(watch, i);
        records[i].update_ratio = records[i].weight_norm > 0 ? change / records[i].weight_norm : 0;
    }
    t->inspector->images[t->epoch] = watch->images;
    watch->images = 0;
}

cnn_status cnn_trainer_inspection(const cnn_trainer *trainer, int epoch, cnn_inspection *inspection, cnn_error *error)
{
    const cnn_inspector *in = trainer->inspector;
    if (epoch < 1 || epoch > trainer->epoch || in->images[epoch - 1] == 0) {
        return cnn_fail(error, CNN_USAGE, "there is no inspection of epoch %d", epoch);
    }
    const size_t first = (size_t)(epoch - 1) * (size_t)in->watch->layer_count;
    return cnn_watch_report(in->watch, in->records + first, in->images[epoch - 1], inspection, error);
}

/* What a model costs: its numbers, its arithmetic, and the memory of classifying and of training with it. */
#include "net/fold.h"
#include "net/model.h"
#include "net/runner.h"
#include "train/update.h"

/** Batches that the loader holds. */
#define LOADED_BATCHES 3

/** Makes a runner a training one; it is never run. */
static void no_loss(void *context, const cnn_loss_call *call)
{
    (void)context;
    (void)call;
}

/** Adds the memory of a runner on one thread to *bytes. */
static cnn_status add_runner(const cnn_network *network, int batch, cnn_loss_function *loss, int64_t *bytes,
                             cnn_error *error)
{
    cnn_error cause;
    cnn_team *team = cnn_team_new(1, &cause);
    const cnn_runner_options options = {.batch = batch, .team = team, .loss = loss};
    cnn_runner *runner = team != NULL ? cnn_runner_new(network, &options, &cause) : NULL;
    const cnn_status status = runner != NULL ? CNN_OK : cnn_fail(error, cause.status, "%s", cause.message);
    if (runner != NULL) {
        *bytes += (int64_t)cnn_runner_size(runner);
    }
    cnn_runner_free(runner);
    cnn_team_free(team);
    return status;
}

/** Adds what classifying `batch` images at once takes beside the model's own parameters. */
static cnn_status add_inference(const cnn_network *network, int batch, int64_t *bytes, cnn_error *error)
{
    cnn_folded *folded = cnn_network_fold(network, batch, error);
    if (folded == NULL) {
        return CNN_MEMORY;
    }
    if (folded->block != NULL) {
        *bytes += (int64_t)(folded->network->parameter_count * sizeof(cnn_real));
    }
    const cnn_status status = add_runner(folded->network, batch, NULL, bytes, error);
    cnn_folded_free(folded);
    return status;
}

/** Adds what the loader holds: images, and with mixup a second label, its share, and one image aside. */
static void add_batches(const cnn_model *model, int batch, int64_t *bytes)
{
    cnn_augment_options augment;
    cnn_recipe_augment_options(model->recipe, &augment);
    const int64_t image = (int64_t)(cnn_shape_size(model->network->input) * sizeof(cnn_real));
    *bytes += (int64_t)LOADED_BATCHES * batch * image;
    if (augment.mixup > 0) {
        *bytes += (int64_t)LOADED_BATCHES * batch * (int64_t)(sizeof(int) + sizeof(double)) + image;
    }
}

/** Weights, those before an epoch's last step, the training's states and room on one thread, batches, and the
 * runners of training and validation. */
static cnn_status add_training(const cnn_model *model, int64_t *bytes, cnn_error *error)
{
    const cnn_network *network = model->network;
    cnn_train_options options;
    cnn_recipe_train_options(model->recipe, &options);
    cnn_state_block blocks[CNN_TRAINER_STATES];
    const int64_t states = cnn_train_states(&options, blocks);
    *bytes += (2 + states) * (int64_t)(network->parameter_count * sizeof(cnn_real));
    *bytes += (int64_t)(cnn_update_room(network, cnn_optimizers[options.optimizer]) * sizeof(cnn_real));
    add_batches(model, options.batch, bytes);
    const cnn_status status = add_runner(network, options.batch, no_loss, bytes, error);
    return status == CNN_OK && options.val > 0 ? add_inference(network, options.batch, bytes, error) : status;
}

cnn_status cnn_model_describe(const cnn_model *model, cnn_model_info *info, cnn_error *error)
{
    const cnn_network *network = model->network;
    cnn_model_info result = {.layer_count = network->node_count, .isa = cnn_isa_name(network->isa)};
    cnn_layer_info layer;
    for (int i = 0; cnn_model_layer(model, i, &layer); i++) {
        result.parameters += layer.parameters;
        result.multiply_adds += layer.multiply_adds;
    }
    for (int i = 0; i < network->slot_count; i++) {
        result.file_bytes += (int64_t)(network->slots[i].count * sizeof(float));
    }
    result.inference_bytes = (int64_t)(network->parameter_count * sizeof(cnn_real));
    cnn_status status = add_inference(network, 1, &result.inference_bytes, error);
    if (status == CNN_OK) {
        status = add_training(model, &result.training_bytes, error);
    }
    if (status == CNN_OK) {
        *info = result;
    }
    return status;
}

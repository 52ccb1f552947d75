/* Classifying: pictures become pixels of the model's size, batches of them logits, logits probabilities. All memory is
 * taken when the session is made. */
#include "train/session.h"

#include "base/memory.h"
#include "data/loader.h"
#include "image/image.h"
#include "train/loss.h"

#include <math.h>

#define DEFAULT_BATCH 64

/** The session's own network, folded for inference, and tuned where that is asked for: the model is shared and
 * constant. */
static cnn_status set_up_network(cnn_session *session, bool tune, cnn_error *error)
{
    session->folded = cnn_network_fold(session->model->network, session->batch, error);
    if (session->folded == NULL) {
        return CNN_MEMORY;
    }
    return tune ? cnn_network_tune(session->folded->network, session->batch, false, error) : CNN_OK;
}

static cnn_status set_up_runner(cnn_session *session, int threads, cnn_error *error)
{
    cnn_error cause;
    session->team = cnn_team_new(threads, &cause);
    const cnn_runner_options options = {.batch = session->batch, .team = session->team};
    session->runner = session->team != NULL ? cnn_runner_new(session->folded->network, &options, &cause) : NULL;
    if (session->runner == NULL) {
        return cnn_fail(error, cause.status, "%s", cause.message);
    }
    cnn_folded_fill(session->folded, session->model->parameters);
    cnn_runner_prepare(session->runner, session->folded->parameters);
    return CNN_OK;
}

static cnn_status set_up(cnn_session *session, const cnn_session_options *options, cnn_error *error)
{
    const cnn_model *model = session->model;
    const cnn_shape input = cnn_model_input(model);
    session->image = cnn_alloc(cnn_shape_size(input), sizeof *session->image);
    session->table = cnn_alloc((size_t)input.channels * 256, sizeof *session->table);
    session->probabilities = cnn_alloc((size_t)cnn_model_class_count(model), sizeof *session->probabilities);
    if (session->image == NULL || session->table == NULL || session->probabilities == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_scale_table(input.channels, model->mean, model->deviation, session->table);
    if (set_up_network(session, options->tune, error) != CNN_OK) {
        return CNN_MEMORY;
    }
    return set_up_runner(session, options->threads > 0 ? options->threads : cnn_processor_count(), error);
}

cnn_session *cnn_session_new(const cnn_model *model, const cnn_session_options *options, cnn_error *error)
{
    const cnn_session_options chosen = options != NULL ? *options : (cnn_session_options){0};
    if (chosen.threads < 0 || chosen.batch < 0) {
        cnn_fail(error, CNN_USAGE, "a session needs threads and a batch of 0 or more, not %d and %d", chosen.threads,
                 chosen.batch);
        return NULL;
    }
    cnn_session *session = cnn_alloc(1, sizeof *session);
    if (session == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    session->model = model;
    session->batch = chosen.batch > 0 ? chosen.batch : DEFAULT_BATCH;
    if (set_up(session, &chosen, error) != CNN_OK) {
        cnn_session_free(session);
        return NULL;
    }
    return session;
}

void cnn_session_free(cnn_session *session)
{
    if (session == NULL) {
        return;
    }
    cnn_runner_free(session->runner);
    cnn_team_free(session->team);
    cnn_folded_free(session->folded);
    cnn_free(session->probabilities);
    cnn_free(session->table);
    cnn_free(session->image);
    cnn_free(session);
}

static void scale_image(void *context, int part, int thread)
{
    const cnn_session *session = context;
    const cnn_shape input = cnn_model_input(session->model);
    const size_t size = cnn_shape_size(input);
    cnn_runner_note(session->runner, thread, -1, CNN_WORK_INPUT);
    cnn_scale_pixels(session->pixels + (size_t)part * size, size, input.channels, session->table,
                     cnn_runner_input(session->runner, part));
    cnn_runner_note(session->runner, thread, -1, CNN_WORK_NONE);
}

void cnn_session_run(cnn_session *session, const uint8_t *pixels, int n)
{
    session->pixels = pixels;
    cnn_team_run(session->team, n, scale_image, session);
    session->pixels = NULL;
    cnn_runner_forward(session->runner, session->folded->parameters, n);
}

/** The probabilities of the batch's image `index` into `out`; false where its logits are not finite. */
static bool give_probabilities(const cnn_session *session, int index, float *out)
{
    const int classes = cnn_model_class_count(session->model);
    cnn_softmax(cnn_runner_output(session->runner, index), classes, session->probabilities);
    for (int c = 0; c < classes; c++) {
        out[c] = (float)session->probabilities[c];
    }
    return isfinite(out[0]);
}

cnn_status cnn_session_classify_pixels(cnn_session *session, const uint8_t *pixels, int count, float *probabilities,
                                       cnn_error *error)
{
    if (count < 0 || (count > 0 && (pixels == NULL || probabilities == NULL))) {
        return cnn_fail(error, CNN_USAGE, "classifying needs images and room for their probabilities, not %d of them",
                        count);
    }
    const size_t image_size = cnn_shape_size(cnn_model_input(session->model));
    const size_t classes = (size_t)cnn_model_class_count(session->model);
    for (int first = 0; first < count;) {
        const int n = count - first < session->batch ? count - first : session->batch;
        cnn_session_run(session, pixels + (size_t)first * image_size, n);
        for (int i = 0; i < n; i++) {
            if (!give_probabilities(session, i, probabilities + (size_t)(first + i) * classes)) {
                return cnn_fail(error, CNN_DIVERGED, "image %d: the model's outputs are not finite", first + i);
            }
        }
        first += n;
    }
    return CNN_OK;
}

cnn_status cnn_session_classify_file(cnn_session *session, const char *path, float *probabilities, cnn_error *error)
{
    const cnn_status status = cnn_image_fit_file(path, cnn_model_input(session->model), session->image, error);
    return status == CNN_OK ? cnn_session_classify_pixels(session, session->image, 1, probabilities, error) : status;
}

cnn_status cnn_session_classify_memory(cnn_session *session, const void *bytes, size_t size, float *probabilities,
                                       cnn_error *error)
{
    const cnn_status status =
        cnn_image_fit(bytes, size, "picture", cnn_model_input(session->model), session->image, error);
    return status == CNN_OK ? cnn_session_classify_pixels(session, session->image, 1, probabilities, error) : status;
}

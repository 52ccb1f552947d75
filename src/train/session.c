/* Classifying: pictures become pixels of the model's size, batches of them logits, logits probabilities; with an
 * ensemble or with several views of an image, means of these. All memory is taken when the session is made. */
#include "train/session.h"

#include "base/memory.h"
#include "data/loader.h"
#include "image/image.h"
#include "train/appearance.h"
#include "train/calibrate.h"
#include "train/loss.h"
#include "train/match.h"

#include <math.h>
#include <string.h>

#define DEFAULT_BATCH 64

/** The member's own network, folded for inference, and tuned where that is asked for: the model is shared and
 * constant. */
static cnn_status set_up_network(cnn_member *member, int batch, bool tune, cnn_error *error)
{
    member->folded = cnn_network_fold(member->model->network, batch, error);
    if (member->folded == NULL) {
        return CNN_MEMORY;
    }
    return tune ? cnn_network_tune(member->folded->network, batch, false, error) : CNN_OK;
}

static cnn_status set_up_runner(const cnn_session *session, cnn_member *member, cnn_error *error)
{
    cnn_error cause;
    const cnn_runner_options options = {.batch = session->batch, .team = session->team};
    member->runner = cnn_runner_new(member->folded->network, &options, &cause);
    if (member->runner == NULL) {
        return cnn_fail(error, cause.status, "%s", cause.message);
    }
    cnn_folded_fill(member->folded, member->model->parameters);
    cnn_runner_prepare(member->runner, member->folded->parameters);
    return CNN_OK;
}

static cnn_status set_up_member(const cnn_session *session, cnn_member *member, bool tune, cnn_error *error)
{
    const cnn_model *model = member->model;
    const int channels = cnn_model_input(model).channels;
    const size_t classes = (size_t)cnn_model_class_count(model);
    member->table = cnn_alloc((size_t)channels * 256, sizeof *member->table);
    member->logits = cnn_alloc((size_t)session->batch, classes * sizeof *member->logits);
    if (member->table == NULL || member->logits == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_scale_table(channels, model->mean, model->deviation, member->table);
    const cnn_status status = set_up_network(member, session->batch, tune, error);
    return status == CNN_OK ? set_up_runner(session, member, error) : status;
}

/** What the members share. */
static cnn_status set_up_common(cnn_session *session, int threads, cnn_error *error)
{
    const cnn_model *model = session->members[0].model;
    const size_t size = cnn_shape_size(cnn_model_input(model)), classes = (size_t)cnn_model_class_count(model);
    session->image = cnn_alloc(size, sizeof *session->image);
    session->softmax = cnn_alloc(classes, sizeof *session->softmax);
    session->probabilities = cnn_alloc(classes, sizeof *session->probabilities);
    if (session->views->count > 1) {
        session->moved = cnn_alloc((size_t)threads, size);
    }
    if (session->image == NULL || session->softmax == NULL || session->probabilities == NULL ||
        (session->views->count > 1 && session->moved == NULL)) {
        return cnn_fail_memory(error);
    }
    cnn_error cause;
    session->team = cnn_team_new(threads, &cause);
    return session->team != NULL ? CNN_OK : cnn_fail(error, cause.status, "%s", cause.message);
}

static cnn_status set_up(cnn_session *session, const cnn_session_options *options, cnn_error *error)
{
    cnn_status status = CNN_OK;
    for (int m = 0; m < session->member_count && status == CNN_OK; m++) {
        status = cnn_match_models(session->members[0].model, session->members[m].model, m + 1,
                                  &session->members[m].classes, error);
    }
    if (status == CNN_OK) {
        status = set_up_common(session, options->threads > 0 ? options->threads : cnn_processor_count(), error);
    }
    for (int m = 0; m < session->member_count && status == CNN_OK; m++) {
        status = set_up_member(session, &session->members[m], options->tune, error);
    }
    return status;
}

static cnn_status check_options(const cnn_session_options *options, cnn_error *error)
{
    if (options->threads < 0 || options->batch < 0) {
        return cnn_fail(error, CNN_USAGE, "a session needs threads and a batch of 0 or more, not %d and %d",
                        options->threads, options->batch);
    }
    if (cnn_views_of(options->tta) == NULL) {
        return cnn_fail(error, CNN_USAGE, "there is no test-time augmentation %d", (int)options->tta);
    }
    return CNN_OK;
}

static cnn_status check_models(const cnn_model *const *models, int count, cnn_error *error)
{
    if (models == NULL || count < 1) {
        return cnn_fail(error, CNN_USAGE, "a session needs a model or several, not %d", models == NULL ? 0 : count);
    }
    for (int m = 0; m < count; m++) {
        if (models[m] == NULL) {
            return cnn_fail(error, CNN_USAGE, "model %d of %d is NULL", m + 1, count);
        }
    }
    return CNN_OK;
}

/** Without memory for its work. */
static cnn_session *make_session(const cnn_model *const *models, int count, const cnn_session_options *options)
{
    cnn_session *session = cnn_alloc(1, sizeof *session);
    cnn_member *members = cnn_alloc((size_t)count, sizeof *members);
    if (session == NULL || members == NULL) {
        cnn_free(session);
        cnn_free(members);
        return NULL;
    }
    for (int m = 0; m < count; m++) {
        members[m].model = models[m];
    }
    session->members = members;
    session->member_count = count;
    session->batch = options->batch > 0 ? options->batch : DEFAULT_BATCH;
    session->views = cnn_views_of(options->tta);
    session->familiarity = NAN;
    return session;
}

cnn_session *cnn_session_new_ensemble(const cnn_model *const *models, int count, const cnn_session_options *options,
                                      cnn_error *error)
{
    const cnn_session_options chosen = options != NULL ? *options : (cnn_session_options){0};
    if (check_options(&chosen, error) != CNN_OK || check_models(models, count, error) != CNN_OK) {
        return NULL;
    }
    cnn_session *session = make_session(models, count, &chosen);
    if (session == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    if (set_up(session, &chosen, error) != CNN_OK) {
        cnn_session_free(session);
        return NULL;
    }
    return session;
}

cnn_session *cnn_session_new(const cnn_model *model, const cnn_session_options *options, cnn_error *error)
{
    return cnn_session_new_ensemble(&model, 1, options, error);
}

void cnn_session_free(cnn_session *session)
{
    if (session == NULL) {
        return;
    }
    for (int m = 0; m < session->member_count; m++) {
        cnn_member *member = &session->members[m];
        cnn_runner_free(member->runner);
        cnn_folded_free(member->folded);
        cnn_free(member->classes);
        cnn_free(member->table);
        cnn_free(member->logits);
    }
    cnn_team_free(session->team);
    cnn_free(session->members);
    cnn_free(session->image);
    cnn_free(session->moved);
    cnn_free(session->softmax);
    cnn_free(session->probabilities);
    cnn_free(session);
}

/** The view under way of the batch's image `part`, scaled, into the runner. */
static void scale_image(void *context, int part, int thread)
{
    const cnn_session *session = context;
    const cnn_member *member = session->member;
    const cnn_shape input = cnn_model_input(member->model);
    const size_t size = cnn_shape_size(input);
    const uint8_t *pixels = session->pixels + (size_t)part * size;
    cnn_runner_note(member->runner, thread, -1, CNN_WORK_INPUT);
    if (session->view > 0) {
        uint8_t *moved = session->moved + (size_t)thread * size;
        cnn_move_pixels(&session->views->moves[session->view], input, pixels, moved);
        pixels = moved;
    }
    cnn_scale_pixels(pixels, size, input.channels, member->table, cnn_runner_input(member->runner, part));
    cnn_runner_note(member->runner, thread, -1, CNN_WORK_NONE);
}

/** Adds the view's share of the mean to the n images' logits, at the model's temperature. */
static void add_view(const cnn_session *session, int n)
{
    const cnn_member *member = session->member;
    const size_t classes = (size_t)cnn_model_class_count(member->model);
    const cnn_real weight = session->views->weights[session->view] / (cnn_real)member->model->temperature;
    if (session->view == 0) {
        memset(member->logits, 0, (size_t)n * classes * sizeof *member->logits);
    }
    for (int i = 0; i < n; i++) {
        const cnn_real *output = cnn_runner_output(member->runner, i);
        for (size_t c = 0; c < classes; c++) {
            member->logits[(size_t)i * classes + c] += weight * output[c];
        }
    }
}

void cnn_session_run(cnn_session *session, const uint8_t *pixels, int n)
{
    session->pixels = pixels;
    for (int m = 0; m < session->member_count; m++) {
        const cnn_member *member = session->member = &session->members[m];
        for (session->view = 0; session->view < session->views->count; session->view++) {
            cnn_team_run(session->team, n, scale_image, session);
            cnn_runner_forward(member->runner, member->folded->parameters, n);
            add_view(session, n);
        }
    }
}

const cnn_real *cnn_session_logits(const cnn_session *session, int member, int index)
{
    const cnn_member *by = &session->members[member];
    return by->logits + (size_t)index * (size_t)cnn_model_class_count(by->model);
}

/** How familiar the batch's image `index` is to the member that gave the logits: by these, and at first sight. INFINITY
 * where its model knows of neither. */
static double judge(const cnn_session *session, const cnn_model *model, const cnn_real *logits, int index)
{
    const cnn_shape shape = cnn_model_input(model);
    double margin = INFINITY;
    if (isfinite(model->familiarity)) {
        margin = cnn_familiarity(logits, cnn_model_class_count(model)) - model->familiarity;
    }
    if (model->has_appearance) {
        double figures[CNN_APPEARANCE_COUNT];
        cnn_appearance_measure(session->pixels + (size_t)index * cnn_shape_size(shape), shape, figures);
        margin = fmin(margin, cnn_appearance_margin(figures, model->appearance));
    }
    return margin;
}

int cnn_session_average(cnn_session *session, int index)
{
    const int classes = cnn_model_class_count(session->members[0].model);
    double margins = 0;
    int judges = 0;
    memset(session->probabilities, 0, (size_t)classes * sizeof *session->probabilities);
    for (int m = 0; m < session->member_count; m++) {
        const cnn_real *logits = cnn_session_logits(session, m, index);
        cnn_softmax(logits, classes, session->softmax);
        if (!isfinite(session->softmax[0])) {
            return m;
        }
        const double margin = judge(session, session->members[m].model, logits, index);
        margins += isfinite(margin) ? margin : 0;
        judges += isfinite(margin);
        for (int c = 0; c < classes; c++) {
            session->probabilities[c] += session->softmax[session->members[m].classes[c]];
        }
    }
    for (int c = 0; c < classes; c++) {
        session->probabilities[c] /= (cnn_real)session->member_count;
    }
    session->familiarity = judges > 0 ? margins / judges : NAN;
    return -1;
}

cnn_status cnn_session_fail(const cnn_session *session, int member, int image, cnn_error *error)
{
    if (session->member_count == 1) {
        return cnn_fail(error, CNN_DIVERGED, "image %d: the model's outputs are not finite", image);
    }
    return cnn_fail(error, CNN_DIVERGED, "image %d: the outputs of model %d of %d are not finite", image, member + 1,
                    session->member_count);
}

float cnn_session_familiarity(const cnn_session *session)
{
    return (float)session->familiarity;
}

/** The probabilities of the batch's image `index`, the call's image `image`, into `out`. */
static cnn_status give_probabilities(cnn_session *session, int index, int image, float *out, cnn_error *error)
{
    const int classes = cnn_model_class_count(session->members[0].model);
    const int diverged = cnn_session_average(session, index);
    if (diverged >= 0) {
        return cnn_session_fail(session, diverged, image, error);
    }
    for (int c = 0; c < classes; c++) {
        out[c] = (float)session->probabilities[c];
    }
    return CNN_OK;
}

cnn_status cnn_session_assess_pixels(cnn_session *session, const uint8_t *pixels, int count, float *probabilities,
                                     float *familiarity, cnn_error *error)
{
    if (count < 0 || (count > 0 && (pixels == NULL || probabilities == NULL))) {
        return cnn_fail(error, CNN_USAGE, "classifying needs images and room for their probabilities, not %d of them",
                        count);
    }
    const size_t image_size = cnn_shape_size(cnn_model_input(session->members[0].model));
    const size_t classes = (size_t)cnn_model_class_count(session->members[0].model);
    cnn_status status = CNN_OK;
    for (int first = 0; first < count && status == CNN_OK;) {
        const int n = count - first < session->batch ? count - first : session->batch;
        cnn_session_run(session, pixels + (size_t)first * image_size, n);
        for (int i = 0; i < n && status == CNN_OK; i++) {
            status = give_probabilities(session, i, first + i, probabilities + (size_t)(first + i) * classes, error);
            if (familiarity != NULL && status == CNN_OK) {
                familiarity[first + i] = cnn_session_familiarity(session);
            }
        }
        first += n;
    }
    return status;
}

cnn_status cnn_session_classify_pixels(cnn_session *session, const uint8_t *pixels, int count, float *probabilities,
                                       cnn_error *error)
{
    return cnn_session_assess_pixels(session, pixels, count, probabilities, NULL, error);
}

/** What pictures are to be for the session's models. */
static cnn_image_form form_of(const cnn_session *session)
{
    const cnn_model *model = session->members[0].model;
    return (cnn_image_form){cnn_model_input(model), cnn_model_fit(model)};
}

cnn_status cnn_session_classify_file(cnn_session *session, const char *path, float *probabilities, cnn_error *error)
{
    const cnn_status status = cnn_image_fit_file(path, form_of(session), session->image, error);
    return status == CNN_OK ? cnn_session_classify_pixels(session, session->image, 1, probabilities, error) : status;
}

cnn_status cnn_session_classify_memory(cnn_session *session, const void *bytes, size_t size, float *probabilities,
                                       cnn_error *error)
{
    const cnn_status status = cnn_image_fit(bytes, size, "picture", form_of(session), session->image, error);
    return status == CNN_OK ? cnn_session_classify_pixels(session, session->image, 1, probabilities, error) : status;
}

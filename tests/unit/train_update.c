/* What a step does around the optimizer: the norm of the gradients and clipping by it, lookahead, the parts of threads;
 * and the labels of mixed images on their way into the loss. */
#include "base/memory.h"
#include "train/loss.h"
#include "train/step.h"
#include "train/update.h"
#include "unit/noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 16, STEPS = 3 };

/* Gradients a lane and over the whole batch, and a tensor of more than one part. */
static const char *const network = "input 8x8x1\nconv filters=6 padding=same\nbatchnorm\nrelu\nmaxpool size=2\n"
                                   "dense units=128\nrelu\ndense units=3\n";

static cnn_trainer *make_trainer(const char *train, int threads)
{
    return make_noise_trainer(network, train, threads);
}

static void run(cnn_trainer *trainer, int steps)
{
    cnn_progress progress;
    for (int i = 0; i < steps; i++) {
        assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
    }
}

/** The parameters as they are, to be freed. */
static cnn_real *copy_parameters(const cnn_trainer *trainer)
{
    const size_t count = trainer->model->network->parameter_count;
    cnn_real *copy = cnn_alloc(count, sizeof *copy);
    assert_non_null(copy);
    return memcpy(copy, trainer->model->parameters, count * sizeof *copy);
}

/** Calls with each trained parameter's index within the block. */
typedef void visitor(void *context, size_t index);

static void visit_trained(const cnn_trainer *trainer, visitor *visit, void *context)
{
    const cnn_network *n = trainer->model->network;
    for (int s = 0; s < n->slot_count; s++) {
        for (size_t i = 0; i < n->slots[s].count && cnn_network_tensor(n, s)->role != CNN_ROLE_STATE; i++) {
            visit(context, n->slots[s].offset + i);
        }
    }
}

/* ---- the norm, and clipping */

static double naive_norm(const cnn_trainer *trainer)
{
    const cnn_network *n = trainer->model->network;
    double sum = 0;
    for (int s = 0; s < n->slot_count; s++) {
        if (cnn_network_tensor(n, s)->role == CNN_ROLE_STATE) {
            continue;
        }
        cnn_real *room = cnn_alloc(n->slots[s].count, sizeof *room);
        const cnn_real *gradient = cnn_runner_gradient(trainer->runner, s, 0, n->slots[s].count, room);
        for (size_t i = 0; i < n->slots[s].count; i++) {
            sum += (double)gradient[i] * (double)gradient[i];
        }
        cnn_free(room);
    }
    return sqrt(sum);
}

static void the_norm_is_of_all_gradients(void **state)
{
    (void)state;
    const char *const trains[] = {"train batch=16", "train batch=16 optimizer=muon"};
    double norms[2];
    for (int i = 0; i < 2; i++) {
        cnn_trainer *trainer = make_trainer(trains[i], 2);
        run(trainer, 1);
        cnn_trainer_measure_gradients(trainer);
        norms[i] = cnn_trainer_gradient_norm(trainer);
        assert_true(norms[i] > 1e-3 && fabs(norms[i] / naive_norm(trainer) - 1) < 1e-12);
        for (int p = 0; p < trainer->part_count; p++) {
            assert_true(trainer->squares[p] >= 0);
        }
        cnn_trainer_free(trainer);
    }
    assert_true(fabs(norms[0] / norms[1] - 1) < 1e-12); /* whatever the parts are */
}

/** A step's changes of the parameters without and with clipping. */
typedef struct clipping {
    cnn_real *before, *plain, *clipped;
    double factor; /* that is expected between them */
    double plain_norm, clipped_norm, distance;
} clipping;

static void compare_changes(void *context, size_t index)
{
    clipping *c = context;
    const double plain = (double)c->plain[index] - (double)c->before[index];
    const double clipped = (double)c->clipped[index] - (double)c->before[index];
    c->plain_norm += plain * plain;
    c->clipped_norm += clipped * clipped;
    c->distance += (clipped - c->factor * plain) * (clipped - c->factor * plain);
}

/** A step of plain descent at rate 10 with this clip, compared with one without. */
static clipping clip_at(double clip)
{
    char train[128];
    clipping c = {0};
    snprintf(train, sizeof train, "train batch=16 lr=10 momentum=0 clip=%g", clip);
    cnn_trainer *plain = make_trainer("train batch=16 lr=10 momentum=0", 2), *clipped = make_trainer(train, 2);
    c.before = copy_parameters(plain);
    run(plain, 1);
    run(clipped, 1);
    cnn_trainer_measure_gradients(clipped);
    const double norm = cnn_trainer_gradient_norm(clipped);
    c.factor = norm > clip ? clip / norm : 1;
    c.plain = copy_parameters(plain);
    c.clipped = copy_parameters(clipped);
    visit_trained(plain, compare_changes, &c);
    cnn_free(c.before);
    cnn_free(c.plain);
    cnn_free(c.clipped);
    cnn_trainer_free(plain);
    cnn_trainer_free(clipped);
    return c;
}

static void clipping_bounds_the_norm_and_keeps_the_direction(void **state)
{
    (void)state;
    const clipping none = clip_at(1e9);
    const double norm = sqrt(none.plain_norm) / 10;
    assert_true(none.distance == 0 && norm > 0.01);
    for (double share = 0.9; share > 0.02; share /= 3) {
        const clipping c = clip_at(share * norm);
        assert_true(fabs(sqrt(c.clipped_norm) / (10 * share * norm) - 1) < 1e-5);
        assert_true(sqrt(c.distance / c.clipped_norm) < 1e-5);
    }
    assert_true(clip_at(norm * 1.0001).distance == 0);
}

/* ---- lookahead */

/** Fast weights and slow ones before a synchronization, and the weights after it. */
typedef struct meeting {
    const cnn_real *slow, *fast, *found, *found_slow;
    cnn_real share;
} meeting;

static void check_meeting(void *context, size_t index)
{
    const meeting *m = context;
    const cnn_real expected = m->slow[index] + m->share * (m->fast[index] - m->slow[index]);
    assert_true(m->found[index] == expected);
    assert_true(m->found_slow[index] == expected);
}

static void assert_same_parameters(const cnn_trainer *a, const cnn_trainer *b)
{
    const size_t count = a->model->network->parameter_count;
    assert_memory_equal(a->model->parameters, b->model->parameters, count * sizeof(cnn_real));
}

/** Four steps of six between meetings, against a training without lookahead that is given its weights in between: the
 * optimizer's states go on, and the last meeting comes after two steps. */
static void slow_weights_follow_and_lead(void **state)
{
    (void)state;
    const char *const trains[] = {"train epochs=2 batch=16 lr=0.05", "train epochs=2 batch=16 lr=0.01 optimizer=adam"};
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        char train[128];
        snprintf(train, sizeof train, "%s lookahead=4 lookahead-share=0.3", trains[i]);
        cnn_trainer *plain = make_trainer(trains[i], 1), *ahead = make_trainer(train, 2);
        const size_t size = plain->model->network->parameter_count * sizeof(cnn_real);
        meeting m = {.share = (cnn_real)0.3, .found = ahead->model->parameters};
        m.found_slow = ahead->states[ahead->state_count - 1];
        m.fast = plain->model->parameters;
        cnn_real *slow = copy_parameters(plain);
        m.slow = slow;
        for (int step = 1; step <= 2 * STEPS; step++) {
            run(plain, 1);
            run(ahead, 1);
            if (step != 4 && step != 2 * STEPS) {
                assert_same_parameters(plain, ahead);
                continue;
            }
            visit_trained(plain, check_meeting, &m);
            memcpy(plain->model->parameters, ahead->model->parameters, size);
            memcpy(slow, ahead->model->parameters, size);
        }
        cnn_free(slow);
        cnn_trainer_free(plain);
        cnn_trainer_free(ahead);
    }
}

/* ---- threads */

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const trains[] = {
        "train epochs=3 batch=16 optimizer=adam lr=0.01 clip=0.5 lookahead=2 weight-decay=0.01\naugment mixup=0.4",
        "train epochs=3 batch=16 optimizer=rmsprop lr=0.001 clip=0.5 average=0.9 bias-lr=4\naugment mixup=1",
        "train epochs=3 batch=16 optimizer=muon lr=0.02 nesterov=on clip=0.5 lookahead=4 weight-decay=0.01",
    };
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        cnn_trainer *one = make_trainer(trains[i], 1);
        const size_t size = one->model->network->parameter_count * sizeof(cnn_real);
        run(one, 3 * STEPS);
        for (int threads = 2; threads <= 4; threads++) {
            cnn_trainer *many = make_trainer(trains[i], threads);
            run(many, 3 * STEPS);
            assert_same_parameters(one, many);
            for (int s = 0; s < one->state_count; s++) {
                assert_memory_equal(one->states[s], many->states[s], size);
            }
            cnn_trainer_free(many);
        }
        cnn_trainer_free(one);
    }
}

/** Parts cover every trained parameter once; Muon's weights are whole, but for those of the head. */
static void parts_cover_all(void **state)
{
    (void)state;
    for (int muon = 0; muon < 2; muon++) {
        cnn_trainer *trainer = make_trainer(muon ? "train batch=16 optimizer=muon" : "train batch=16", 1);
        const cnn_network *n = trainer->model->network;
        size_t *covered = cnn_alloc((size_t)n->slot_count, sizeof *covered);
        for (int p = 0; p < trainer->part_count; p++) {
            const cnn_update_part *part = &trainer->parts[p];
            const bool weights = cnn_network_tensor(n, part->slot)->role == CNN_ROLE_WEIGHT;
            const bool matrix = muon && weights && part->slot != n->slot_count - 2; /* the head, before its bias */
            assert_true(part->first == covered[part->slot]);
            covered[part->slot] += part->count;
            assert_true(part->count == (size_t)part->rows * (size_t)part->columns || !matrix);
            assert_true(matrix ? part->count == n->slots[part->slot].count : part->rows == 0 && part->count <= 4096);
        }
        for (int s = 0; s < n->slot_count; s++) {
            const bool trained = cnn_network_tensor(n, s)->role != CNN_ROLE_STATE;
            assert_true(covered[s] == (trained ? n->slots[s].count : 0));
        }
        cnn_free(covered);
        cnn_trainer_free(trainer);
    }
}

/* ---- memory */

static int64_t training_bytes(const char *train)
{
    char text[1024];
    cnn_model_info info;
    snprintf(text, sizeof text, "%s%s\n", network, train);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", NULL);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    assert_non_null(model);
    assert_int_equal(cnn_model_describe(model, &info, NULL), CNN_OK);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
    return info.training_bytes;
}

static void memory_is_accounted_for(void **state)
{
    (void)state;
    cnn_trainer *trainer = make_trainer("train batch=16", 1);
    const int64_t block = (int64_t)(trainer->model->network->parameter_count * sizeof(cnn_real));
    const int64_t image = SIDE * SIDE * (int64_t)sizeof(cnn_real), matrix = 128 * 96 * (int64_t)sizeof(cnn_real);
    const int64_t sgd = training_bytes("train batch=16");
    assert_int_equal(training_bytes("train batch=16 lookahead=5"), sgd + block);
    assert_int_equal(training_bytes("train batch=16 lookahead=5 average=0.9"), sgd + 2 * block);
    assert_int_equal(training_bytes("train batch=16 optimizer=rmsprop clip=1"), sgd);
    assert_int_equal(training_bytes("train batch=16 optimizer=adam lookahead=5"), sgd + 2 * block);
    assert_int_equal(training_bytes("train batch=16\naugment mixup=1"), sgd + image + 3 * BATCH * (4 + 8));
    assert_true(training_bytes("train batch=16 optimizer=muon") > sgd + 3 * matrix); /* the gradient, and two turns */
    cnn_trainer_free(trainer);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text,
             "%strain batch=16 optimizer=muon lookahead=2 clip=1 average=0.9\n"
             "augment mixup=1 elastic=1\n",
             network);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", NULL);
    cnn_trainer *trainer = NULL;
    for (long k = 0; trainer == NULL; k++) {
        cnn_error error = {0};
        cnn_alloc_fail_after(k, false);
        trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = 2}, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(trainer != NULL || error.status == CNN_MEMORY);
    }
    run(trainer, 1);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
}

/* ---- mixed labels */

/** The trainer's own batch and loss function, on logits that are known. */
static void mixed_labels_reach_the_loss(void **state)
{
    (void)state;
    cnn_real logits[BATCH][CLASSES], gradient[BATCH][CLASSES];
    cnn_trainer *trainer = make_trainer("train batch=16 label-smoothing=0.1\naugment mixup=1", 1);
    run(trainer, 1);
    const cnn_batch *batch = &trainer->batch;
    const cnn_loss_call call = {.n = batch->count,
                                .batch = batch->count,
                                .classes = CLASSES,
                                .logits = &logits[0][0],
                                .gradient = &gradient[0][0]};
    double expected = 0;
    int correct = 0;
    for (int i = 0; i < batch->count; i++) {
        for (int c = 0; c < CLASSES; c++) {
            logits[i][c] = (cnn_real)sin(3.0 * i + 2.0 * c);
        }
        const double share = batch->shares[i];
        expected += share * cnn_cross_entropy(logits[i], CLASSES, batch->labels[i], 0.1, 1, NULL) +
                    (1 - share) * cnn_cross_entropy(logits[i], CLASSES, batch->others[i], 0.1, 1, NULL);
        correct += cnn_argmax(logits[i], CLASSES) == batch->labels[i];
    }
    cnn_trainer_loss(trainer, &call);
    assert_true(fabs(trainer->lane_results[0].loss - expected) < 1e-12 * expected);
    assert_int_equal(trainer->lane_results[0].correct, correct);
    cnn_trainer_free(trainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_norm_is_of_all_gradients),
        cmocka_unit_test(clipping_bounds_the_norm_and_keeps_the_direction),
        cmocka_unit_test(slow_weights_follow_and_lead),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(parts_cover_all),
        cmocka_unit_test(memory_is_accounted_for),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(mixed_labels_reach_the_loss),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* What holds weights small in training: a step with the penalty on them against a naive one, whatever the optimizer,
 * and rows that are cut to their longest norm. */
#include "unit/training.h"

enum { STEPS = 5, EPOCHS = 40 };

/** Gives `to` the weights and the optimizer's states of `from`. */
static void copy_training(const cnn_trainer *from, cnn_trainer *to)
{
    memcpy(to->model->parameters, from->model->parameters, block_size(from));
    for (int i = 0; i < from->state_count; i++) {
        memcpy(to->states[i], from->states[i], block_size(from));
    }
}

static double sign(cnn_real x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* ---- the penalty on weights */

/** What the tensor's penalty is to be: the convolution has its own, the first dense layer none, the last the train
 * statement's, and no bias has any. */
static double expected_l1(const cnn_trainer *trainer, int slot)
{
    static const struct {
        const char *name;
        double l1;
    } expected[] = {{"conv1.weight", 0.02}, {"dense2.weight", 0.01}};
    char name[CNN_TENSOR_NAME];
    cnn_network_tensor_name(trainer->model->network, slot, name);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        if (strcmp(name, expected[i].name) == 0) {
            return expected[i].l1;
        }
    }
    return 0;
}

/** The slot's gradient as the last step met it, clipped, with the penalty's share: g factor + l1 sign(w). */
static cnn_real *penalized_gradient(const cnn_trainer *trainer, int slot, const cnn_real *weights, double factor)
{
    const size_t count = trainer->model->network->slots[slot].count;
    const cnn_real l1 = (cnn_real)expected_l1(trainer, slot);
    cnn_real *gradient = cnn_alloc(count, sizeof *gradient);
    const cnn_real *found = cnn_runner_gradient(trainer->runner, slot, 0, count, gradient);
    for (size_t i = 0; i < count; i++) {
        gradient[i] = found[i] * (cnn_real)factor + l1 * (cnn_real)sign(weights[i]);
    }
    return gradient;
}

/** What the clipping leaves of a gradient: of the loss's, to which penalties are added afterwards. */
static double clip_factor(cnn_trainer *trainer)
{
    cnn_trainer_measure_gradients(trainer);
    const double norm = cnn_trainer_gradient_norm(trainer), clip = trainer->options.clip;
    assert_true(clip == 0 || norm > clip);
    return clip == 0 ? 1 : clip / norm;
}

/** Plain descent: w - lr (g + decay w + l1 sign(w)). */
static void check_descent(cnn_trainer *trainer, int slot, const cnn_real *before, double factor)
{
    const cnn_slot *place = &trainer->model->network->slots[slot];
    const double rate = trainer->learning_rate, decay = cnn_network_tensor(trainer->model->network, slot)->weight_decay;
    const cnn_real *after = trainer->model->parameters + place->offset;
    cnn_real *gradient = penalized_gradient(trainer, slot, before, factor);
    for (size_t i = 0; i < place->count; i++) {
        const double was = (double)before[i], expected = was - rate * ((double)gradient[i] + decay * was);
        assert_true(fabs((double)after[i] - expected) <= 2e-7 * (fabs(was) + rate));
    }
    cnn_free(gradient);
}

static void a_step_has_the_penalty(void **state)
{
    (void)state;
    const char *const trains[] = {"lr=0.1 momentum=0 l1=0.01", "lr=0.1 momentum=0 l1=0.01 weight-decay=0.3",
                                  "lr=0.1 momentum=0 l1=0.01 weight-decay=0.3 clip=0.05"};
    for (size_t t = 0; t < sizeof trains / sizeof *trains; t++) {
        cnn_trainer *trainer = make_trainer("l1=0.02", "l1=0", trains[t], 2);
        const cnn_network *n = trainer->model->network;
        memset(trainer->model->parameters + n->slots[0].offset, 0, 10 * sizeof(cnn_real)); /* whose sign is 0 */
        for (int step = 0; step < 4; step++) {
            cnn_real *before = copy_block(trainer, trainer->model->parameters);
            run(trainer, 1);
            const double factor = clip_factor(trainer);
            for (int s = 0; s < n->slot_count; s++) {
                check_descent(trainer, s, before + n->slots[s].offset, factor);
            }
            cnn_free(before);
        }
        cnn_trainer_free(trainer);
    }
}

/** A slot's step by the optimizer itself, of copies of its weights and states before the step, to the bit. */
static void check_optimizer(cnn_trainer *trainer, int slot, cnn_real *const before[1 + CNN_OPTIMIZER_STATES],
                            double factor)
{
    const cnn_network *n = trainer->model->network;
    const cnn_tensor *tensor = cnn_network_tensor(n, slot);
    const cnn_slot *place = &n->slots[slot];
    const bool head = slot == n->slot_count - 2; /* before its bias; no matrix to any optimizer */
    const bool matrix = trainer->optimizer->matrix_room != NULL && tensor->role == CNN_ROLE_WEIGHT && !head;
    const int rows = matrix ? tensor->sizes[0] : 0, columns = matrix ? (int)place->count / rows : 0;
    cnn_real *gradient = penalized_gradient(trainer, slot, before[0] + place->offset, factor);
    cnn_real *room = cnn_alloc(trainer->room_size, sizeof *room);
    cnn_update update = {.vectors = n->vectors,
                         .options = &trainer->options,
                         .learning_rate = trainer->learning_rate,
                         .step = (int64_t)trainer->epoch * trainer->steps + trainer->step,
                         .weight_decay = tensor->weight_decay,
                         .count = place->count,
                         .parameters = before[0] + place->offset,
                         .gradients = gradient,
                         .rows = rows,
                         .columns = columns,
                         .room = room};
    for (int i = 0; i < trainer->optimizer->state_count; i++) {
        update.states[i] = before[1 + i] + place->offset;
    }
    trainer->optimizer->update(&update);
    assert_memory_equal(update.parameters, trainer->model->parameters + place->offset, place->count * sizeof *room);
    cnn_free(room);
    cnn_free(gradient);
}

static void every_optimizer_takes_the_penalty_for_gradient(void **state)
{
    (void)state;
    const char *const trains[] = {"l1=0.01 lr=0.02 clip=0.05 weight-decay=0.1 optimizer=muon",
                                  "l1=0.01 lr=0.05 clip=0.05 weight-decay=0.1 momentum=0.9 nesterov=on",
                                  "l1=0.01 lr=0.01 clip=0.05 optimizer=adamw weight-decay=0.1",
                                  "l1=0.01 lr=0.01 optimizer=adam", "l1=0.01 lr=0.001 optimizer=rmsprop"};
    for (size_t t = 0; t < sizeof trains / sizeof *trains; t++) {
        cnn_trainer *trainer = make_trainer("l1=0.02", "l1=0", trains[t], 2);
        for (int step = 0; step < 4; step++) {
            cnn_real *before[1 + CNN_OPTIMIZER_STATES] = {copy_block(trainer, trainer->model->parameters)};
            for (int i = 0; i < trainer->state_count; i++) {
                before[1 + i] = copy_block(trainer, trainer->states[i]);
            }
            run(trainer, 1);
            const double factor = clip_factor(trainer);
            for (int s = 0; s < trainer->model->network->slot_count; s++) {
                check_optimizer(trainer, s, before, factor);
            }
            for (int i = 0; i <= CNN_OPTIMIZER_STATES; i++) {
                cnn_free(before[i]);
            }
        }
        cnn_trainer_free(trainer);
    }
}

/** Sum of the magnitudes, and the share of those below 0.01. */
static void measure_weights(const cnn_trainer *trainer, const char *name, double *sum, double *small_share)
{
    const cnn_slot place = find_tensor(trainer->model, name);
    *sum = *small_share = 0;
    for (size_t i = 0; i < place.count; i++) {
        const double size = fabs((double)trainer->model->parameters[place.offset + i]);
        *sum += size;
        *small_share += size < 0.01 ? 1 / (double)place.count : 0;
    }
}

static void weights_shrink_and_vanish(void **state)
{
    (void)state;
    cnn_trainer *plain = make_trainer("", "", "lr=0.05", 2), *sparse = make_trainer("", "", "lr=0.05 l1=0.01", 2);
    run(plain, EPOCHS * STEPS);
    run(sparse, EPOCHS * STEPS);
    for (int i = 0; i < 2; i++) {
        const char *const name = i == 0 ? "conv1.weight" : "dense1.weight";
        double plain_sum, plain_share, sum, share;
        measure_weights(plain, name, &plain_sum, &plain_share);
        measure_weights(sparse, name, &sum, &share);
        assert_true(sum < 0.5 * plain_sum);
        assert_true(share > plain_share + 0.4);
    }
    cnn_trainer_free(plain);
    cnn_trainer_free(sparse);
}

/* ---- the longest rows */

static double norm_of(const cnn_real *row, size_t columns)
{
    double squares = 0;
    for (size_t i = 0; i < columns; i++) {
        squares += (double)row[i] * (double)row[i];
    }
    return sqrt(squares);
}

/** Whether `found` is the row as it would be without a limit, cut to it where it is longer. */
static bool check_row(const cnn_real *row, const cnn_real *found, size_t columns, double limit)
{
    const double norm = norm_of(row, columns);
    if (norm <= limit) {
        assert_memory_equal(found, row, columns * sizeof *row);
        return false;
    }
    for (size_t i = 0; i < columns; i++) {
        assert_true(fabs((double)found[i] - (double)row[i] * limit / norm) <= 2e-7 * limit);
    }
    return true;
}

/** A limit for the convolution of its own, none for the first dense layer, and the train statement's for the last. */
static double limit_of(const cnn_trainer *trainer, int slot)
{
    char name[CNN_TENSOR_NAME];
    cnn_network_tensor_name(trainer->model->network, slot, name);
    return strcmp(name, "conv1.weight") == 0 ? 1.2 : strcmp(name, "dense2.weight") == 0 ? 1.5 : 0;
}

/** Each step against that of a training without limits, which is given the same weights before it. */
static void long_rows_are_cut(void **state)
{
    (void)state;
    const char *const train = "lr=0.1 momentum=0.5";
    cnn_trainer *plain = make_trainer("", "", train, 1);
    cnn_trainer *bounded = make_trainer("max-norm=1.2", "max-norm=0", "lr=0.1 momentum=0.5 max-norm=1.5", 3);
    const cnn_network *n = plain->model->network;
    int cut[2] = {0, 0}, whole[2] = {0, 0};
    for (int step = 0; step < 4 * STEPS; step++) {
        copy_training(bounded, plain);
        run(bounded, 1);
        run(plain, 1);
        for (int s = 0; s < n->slot_count; s++) {
            const double limit = limit_of(bounded, s);
            const cnn_real *row = plain->model->parameters + n->slots[s].offset;
            const cnn_real *found = bounded->model->parameters + n->slots[s].offset;
            const size_t rows = limit > 0 ? (size_t)cnn_network_tensor(n, s)->sizes[0] : 1;
            const size_t columns = n->slots[s].count / rows;
            for (size_t r = 0; r < rows; r++, row += columns, found += columns) {
                const bool is_cut = check_row(row, found, columns, limit > 0 ? limit : INFINITY);
                assert_true(limit == 0 || norm_of(found, columns) <= limit * (1 + 1e-6));
                cut[s > 0] += is_cut;
                whole[s > 0] += limit > 0 && !is_cut;
            }
        }
    }
    for (int i = 0; i < 2; i++) { /* of either layer some rows are cut and others not */
        assert_true(cut[i] > 0 && whole[i] > 0);
    }
    cnn_trainer_free(plain);
    cnn_trainer_free(bounded);
}

/** Each layer's weights have their norm after each step, and are else what they would be without one. */
static void norms_are_restored(void **state)
{
    (void)state;
    cnn_trainer *plain = make_trainer("", "", "lr=0.1 momentum=0.5", 1);
    cnn_trainer *normed = make_trainer("norm=1.5", "norm=0", "lr=0.1 momentum=0.5 norm=0.5", 3);
    const cnn_network *n = plain->model->network;
    for (int step = 0; step < STEPS; step++) {
        copy_training(normed, plain);
        run(normed, 1);
        run(plain, 1);
        for (int s = 0; s < n->slot_count; s++) {
            const cnn_tensor *tensor = cnn_network_tensor(normed->model->network, s);
            const cnn_real *before = plain->model->parameters + n->slots[s].offset;
            const cnn_real *after = normed->model->parameters + n->slots[s].offset;
            const size_t count = n->slots[s].count;
            const double wanted = tensor->norm * sqrt(tensor->sizes[0]);
            const double factor = wanted > 0 ? wanted / norm_of(before, count) : 1;
            assert_true((wanted > 0) == (cnn_tensor_is_weight(tensor) && tensor->sizes[0] != 20));
            for (size_t i = 0; i < count; i++) {
                assert_true(fabs((double)after[i] - factor * (double)before[i]) <= 1e-6 * fabs((double)after[i]));
            }
        }
    }
    cnn_trainer_free(plain);
    cnn_trainer_free(normed);
}

/** Slow weights are what the fast ones are wherever they meet, cut ones included. */
static void slow_weights_are_cut_too(void **state)
{
    (void)state;
    cnn_trainer *trainer = make_trainer("", "", "lr=0.1 max-norm=0.7 norm=0.6 lookahead=3", 2);
    const cnn_network *n = trainer->model->network;
    const cnn_real *slow = trainer->states[trainer->state_count - 1];
    for (int meeting = 0; meeting < 4; meeting++) {
        run(trainer, 3);
        for (int s = 0; s < n->slot_count; s++) {
            const size_t offset = n->slots[s].offset;
            assert_memory_equal(slow + offset, trainer->model->parameters + offset, n->slots[s].count * sizeof *slow);
        }
    }
    cnn_trainer_free(trainer);
}

/* ---- threads */

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const trains[] = {"lr=0.1 l1=0.002 max-norm=0.8 activation-l1=0.001 clip=0.5 lookahead=2",
                                  "lr=0.02 l1=0.002 max-norm=1.2 activation-l1=1e-5 optimizer=muon weight-decay=0.1"};
    for (size_t t = 0; t < sizeof trains / sizeof *trains; t++) {
        cnn_trainer *one = make_trainer("max-norm=0.5", "l1=0.01", trains[t], 1);
        const cnn_progress expected = run(one, 2 * STEPS);
        for (int threads = 2; threads <= 4; threads++) {
            cnn_trainer *many = make_trainer("max-norm=0.5", "l1=0.01", trains[t], threads);
            assert_true(run(many, 2 * STEPS).loss == expected.loss);
            assert_memory_equal(one->model->parameters, many->model->parameters, block_size(one));
            for (int s = 0; s < one->state_count; s++) {
                assert_memory_equal(one->states[s], many->states[s], block_size(one));
            }
            cnn_trainer_free(many);
        }
        cnn_trainer_free(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_has_the_penalty),    cmocka_unit_test(every_optimizer_takes_the_penalty_for_gradient),
        cmocka_unit_test(weights_shrink_and_vanish), cmocka_unit_test(long_rows_are_cut),
        cmocka_unit_test(norms_are_restored),        cmocka_unit_test(slow_weights_are_cut_too),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, make_training_data, free_training_data);
}

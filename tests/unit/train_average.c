/* Which rates and averages a step knows beside the optimizer's: the weights' running average against its definition,
 * where it is used, and that training does not notice it; the rates of biases and of the head; gains that are not
 * trained. */
#include "base/memory.h"
#include "unit/noise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Tensors that never change, running statistics, and a tensor of more than one part. */
static const char *const network = "input 8x8x1 scale=standardize-pixels\n"
                                   "conv filters=6 padding=same bias=0.25 frozen=on\nbatchnorm gain=off bias=0\nrelu\n"
                                   "conv filters=6 padding=same\nbatchnorm\nrelu\nmaxpool size=2\n"
                                   "dense units=128\nrelu\ndense units=3\n";
#define HEAD "dense2"

static cnn_trainer *make_trainer(const char *train, int threads)
{
    return make_noise_trainer(network, train, threads);
}

static cnn_progress step(cnn_trainer *trainer)
{
    cnn_progress progress;
    assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
    return progress;
}

static size_t count_of(const cnn_trainer *trainer)
{
    return trainer->model->network->parameter_count;
}

static void assert_same(const cnn_trainer *trainer, const cnn_real *a, const cnn_real *b)
{
    assert_memory_equal(a, b, count_of(trainer) * sizeof *a);
}

/* ---- the average */

/** A training with an average beside one without, which has the same weights: all numbers, running statistics too,
 * follow these by 1 - min(average, (1 + t) / (10 + t)). Steps 1 to 12 are on both sides of that minimum, and max-norm
 * and lookahead change the weights after the optimizer. */
static void it_follows_the_weights(void **state)
{
    (void)state;
    const char *const trains[] = {"train epochs=4 batch=16 lr=0.05",
                                  "train epochs=4 batch=16 lr=0.1 lookahead=4 max-norm=1",
                                  "train epochs=4 batch=16 lr=0.01 optimizer=muon clip=1"};
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        char train[128];
        snprintf(train, sizeof train, "%s average=0.5", trains[i]);
        cnn_trainer *plain = make_trainer(trains[i], 1), *averaging = make_trainer(train, 2);
        const size_t count = count_of(plain);
        cnn_real *expected = cnn_alloc(count, sizeof *expected);
        memcpy(expected, plain->model->parameters, count * sizeof *expected);
        assert_ptr_equal(cnn_trainer_weights(plain), plain->model->parameters);
        for (int t = 1; t <= 12; t++) {
            step(plain);
            step(averaging);
            assert_same(plain, plain->model->parameters, averaging->model->parameters);
            const double decay = t < 8 ? (1.0 + t) / (10.0 + t) : 0.5;
            for (size_t k = 0; k < count; k++) {
                expected[k] += (cnn_real)(1 - decay) * (plain->model->parameters[k] - expected[k]);
            }
            assert_same(plain, expected, cnn_trainer_weights(averaging));
        }
        assert_memory_not_equal(expected, plain->model->parameters, count * sizeof *expected);
        cnn_free(expected);
        cnn_trainer_free(plain);
        cnn_trainer_free(averaging);
    }
}

/** Pixels' means and factors, frozen weights and gains that are not trained, but for the statistics. */
static void what_does_not_change_is_its_own_average(void **state)
{
    (void)state;
    int compared = 0;
    cnn_trainer *trainer = make_trainer("train epochs=4 batch=16 lr=0.05 average=0.999", 1);
    const cnn_network *n = trainer->model->network;
    cnn_real *before = cnn_alloc(count_of(trainer), sizeof *before);
    memcpy(before, trainer->model->parameters, count_of(trainer) * sizeof *before);
    for (int i = 0; i < 12; i++) {
        step(trainer);
    }
    for (int s = 0; s < n->slot_count; s++) {
        const cnn_slot *slot = &n->slots[s];
        char name[CNN_TENSOR_NAME];
        cnn_network_tensor_name(n, s, name);
        if (cnn_network_tensor(n, s)->role == CNN_ROLE_STATE && strncmp(name, "batchnorm", 9) != 0) {
            assert_memory_equal(cnn_trainer_weights(trainer) + slot->offset, before + slot->offset,
                                slot->count * sizeof *before);
            compared++;
        }
    }
    assert_int_equal(compared, 3);
    cnn_free(before);
    cnn_trainer_free(trainer);
}

/** Mean loss of the model over the images held back, as a stranger to training computes it. */
static double loss_of(const cnn_model *model, const cnn_trainer *trainer)
{
    double sum = 0;
    cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = 1}, NULL);
    assert_non_null(session);
    for (int i = 0; i < trainer->held_back; i++) {
        const int image = trainer->indices[trainer->train_count + i];
        float probabilities[CLASSES];
        assert_int_equal(cnn_session_classify_pixels(session, pixels + (size_t)image * SIZE, 1, probabilities, NULL),
                         CNN_OK);
        sum -= log((double)probabilities[image % CLASSES]);
    }
    cnn_session_free(session);
    return sum / trainer->held_back;
}

static void it_is_validated_and_becomes_the_model(void **state)
{
    (void)state;
    cnn_trainer *trainer = make_trainer("train epochs=2 batch=16 lr=0.05 val=12 average=0.9 temperature=1", 2);
    cnn_progress progress;
    do {
        progress = step(trainer);
    } while (!progress.done);
    cnn_model *model = cnn_trainer_model(trainer, NULL);
    assert_non_null(model);
    assert_same(trainer, model->parameters, cnn_trainer_weights(trainer));
    const double averaged = loss_of(model, trainer), trained = loss_of(trainer->model, trainer);
    assert_true(fabs(progress.validation_loss - averaged) < 1e-4);
    assert_true(fabs(averaged - trained) > 1e-3);
    cnn_model_free(model);
    cnn_trainer_free(trainer);
}

/* ---- rates of their own */

/** The option that gives the slot a rate of its own, NULL: none does. */
static const char *option_of(const cnn_network *n, int slot)
{
    const cnn_tensor *tensor = cnn_network_tensor(n, slot);
    char name[CNN_TENSOR_NAME];
    cnn_network_tensor_name(n, slot, name);
    return tensor->role == CNN_ROLE_BIAS ? "bias-lr" : strcmp(name, HEAD ".weight") == 0 ? "head-lr" : NULL;
}

/** A step from the same weights, without and with the option. */
static void check_rate(const char *train, const char *option, cnn_real factor)
{
    char with[128];
    int changed = 0;
    snprintf(with, sizeof with, "%s %s=%g", train, option, (double)factor);
    cnn_trainer *plain = make_trainer(train, 1), *faster = make_trainer(with, 2);
    const cnn_network *n = plain->model->network;
    cnn_real *before = cnn_alloc(n->parameter_count, sizeof *before);
    memcpy(before, plain->model->parameters, n->parameter_count * sizeof *before);
    step(plain);
    step(faster);
    for (int s = 0; s < n->slot_count; s++) {
        const char *named = option_of(n, s);
        const bool differs = named != NULL && strcmp(named, option) == 0;
        for (size_t k = n->slots[s].offset; k < n->slots[s].offset + n->slots[s].count; k++) {
            const cnn_real one = plain->model->parameters[k], other = faster->model->parameters[k];
            const double change = (double)one - (double)before[k], own = (double)other - (double)before[k];
            assert_true(fabs(own - (differs ? (double)factor : 1) * change) <= 3e-7 * (1 + fabs((double)factor)));
            changed += differs && change != 0;
        }
    }
    assert_true(changed > 40);
    cnn_free(before);
    cnn_trainer_free(plain);
    cnn_trainer_free(faster);
}

static void biases_and_head_learn_at_their_own_rates(void **state)
{
    (void)state;
    const char *const trains[] = {
        "train batch=16 weight-decay=0.1 l1=0.01",
        "train batch=16 optimizer=adam lr=0.01 weight-decay=0.1",
        "train batch=16 optimizer=adamw lr=0.01 weight-decay=0.1",
        "train batch=16 optimizer=rmsprop lr=0.01",
        "train batch=16 optimizer=muon lr=0.02 weight-decay=0.1",
    };
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        check_rate(trains[i], "bias-lr", 64);
        check_rate(trains[i], "bias-lr", 0);
        check_rate(trains[i], "head-lr", 8);
        check_rate(trains[i], "head-lr", 0);
    }
}

/* ---- gains that are not trained */

static void a_gain_that_is_off_stays_one(void **state)
{
    (void)state;
    int gains[2] = {0};
    cnn_trainer *trainer = make_trainer("train epochs=2 batch=16 lr=0.1 momentum=0.9 weight-decay=0.1", 2);
    const cnn_network *n = trainer->model->network;
    for (int i = 0; i < 6; i++) {
        step(trainer);
    }
    for (int s = 0; s < n->slot_count; s++) {
        const cnn_tensor *tensor = cnn_network_tensor(n, s);
        const bool trained = tensor->role == CNN_ROLE_GAIN;
        for (size_t k = 0; k < n->slots[s].count && strcmp(tensor->name, "gain") == 0; k++) {
            const cnn_real gain = trainer->model->parameters[n->slots[s].offset + k];
            assert_true((gain == 1) != trained);
            gains[trained]++;
        }
    }
    assert_true(gains[0] == 6 && gains[1] == 6);
    cnn_trainer_free(trainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_the_weights),
        cmocka_unit_test(what_does_not_change_is_its_own_average),
        cmocka_unit_test(it_is_validated_and_becomes_the_model),
        cmocka_unit_test(biases_and_head_learn_at_their_own_rates),
        cmocka_unit_test(a_gain_that_is_off_stays_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Conventions, by PyTorch's values: what its network of the same recipe gives for the same images and parameters in
 * three steps of training. tests/golden/pytorch/expect.py made the values and has this file's formulas, too. */
#include "base/file.h"
#include "base/memory.h"
#include "net/runner.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 3, MOST_IMAGES = 32, MOST_CLASSES = 8, KEY_LENGTH = CNN_TENSOR_NAME + 16 };

/* Of a tensor's norm. Float is responsible for about a tenth of it. */
static const double tolerance = 3e-5;

typedef struct bed {
    const char *name; /* the recipe's */
    char *expected;   /* the golden file: lines of a key and its values */
    int checked;      /* lines */
    cnn_recipe *recipe;
    cnn_train_options train;
    cnn_network *network;
    cnn_team *team;
    cnn_runner *trainer, *classifier;
    cnn_real *parameters, *gradients, *states[CNN_OPTIMIZER_STATES];
    int step; /* from 0, as labels and images count it */
    double image_losses[MOST_IMAGES];
    cnn_real losses[STEPS], logits[MOST_IMAGES * MOST_CLASSES];
} bed;

/* ---- the formulas */

static double wave(size_t i, double phase)
{
    return sin(0.7 * (double)(i * i) + phase);
}

static void initialize(const bed *b, int slot)
{
    char name[CNN_TENSOR_NAME];
    cnn_network_tensor_name(b->network, slot, name);
    int phase = 0;
    for (const char *c = name; *c != '\0'; c++) {
        phase += *c;
    }
    const cnn_tensor *tensor = cnn_network_tensor(b->network, slot);
    const size_t count = b->network->slots[slot].count;
    const bool around_one = tensor->role == CNN_ROLE_GAIN || strcmp(tensor->name, "variance") == 0;
    const double factor = tensor->role == CNN_ROLE_WEIGHT ? 2 / sqrt((double)(count / (size_t)tensor->sizes[0])) : 0.5;
    for (size_t i = 0; i < count; i++) {
        b->parameters[b->network->slots[slot].offset + i] = (cnn_real)(around_one + factor * wave(i, phase));
    }
}

static void fill_image(const bed *b, cnn_runner *runner, int step, int index)
{
    const double phase = 0.3 * (step * b->train.batch + index);
    cnn_real *input = cnn_runner_input(runner, index);
    for (size_t i = 0; i < cnn_shape_size(b->network->input); i++) {
        input[i] = (cnn_real)(1.5 * wave(i, phase));
    }
}

static int label(const bed *b, int index)
{
    const int k = b->step * b->train.batch + index;
    return (k * k + k / 2) % b->network->class_count;
}

/* ---- set-up */

static void loss(void *context, const cnn_loss_call *call)
{
    bed *b = context;
    const size_t classes = (size_t)call->classes;
    memcpy(b->logits + (size_t)call->first * classes, call->logits, (size_t)call->n * classes * sizeof *b->logits);
    for (int i = 0; i < call->n; i++) {
        const size_t offset = (size_t)i * classes;
        b->image_losses[call->first + i] =
            cnn_cross_entropy(call->logits + offset, call->classes, label(b, call->first + i), b->train.label_smoothing,
                              1.0 / call->batch, call->gradient + offset);
    }
}

static cnn_runner *make_runner(bed *b, cnn_loss_function *loss_or_null)
{
    const cnn_runner_options options = {
        .batch = b->train.batch, .team = b->team, .loss = loss_or_null, .loss_context = b};
    cnn_runner *runner = cnn_runner_new(b->network, &options, NULL);
    assert_non_null(runner);
    return runner;
}

static void set_up(bed *b, const char *name)
{
    cnn_error error = {0};
    char path[512];
    unsigned char *text = NULL;
    size_t size;
    *b = (bed){.name = name};
    snprintf(path, sizeof path, "%s/golden/pytorch/%s.recipe", CNN_TESTS, name);
    b->recipe = cnn_recipe_load(path, &error);
    b->network = b->recipe != NULL ? cnn_network_new(b->recipe, &error) : NULL;
    snprintf(path, sizeof path, "%s/golden/pytorch/%s.expected", CNN_TESTS, name);
    if (b->network == NULL || cnn_file_read(path, 1 << 20, &text, &size, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
    b->expected = (char *)text;
    cnn_recipe_train_options(b->recipe, &b->train);
    assert_in_range(b->train.batch, 1, MOST_IMAGES);
    assert_in_range(b->network->class_count, 2, MOST_CLASSES);

    b->team = cnn_team_new(2, NULL);
    b->trainer = make_runner(b, loss);
    b->classifier = make_runner(b, NULL);
    const size_t count = b->network->parameter_count;
    b->parameters = cnn_alloc(count, sizeof(cnn_real));
    b->gradients = cnn_alloc(count, sizeof(cnn_real));
    for (int i = 0; i < CNN_OPTIMIZER_STATES; i++) {
        b->states[i] = cnn_alloc(count, sizeof(cnn_real));
    }
    for (int s = 0; s < b->network->slot_count; s++) {
        initialize(b, s);
    }
}

static void tear_down(bed *b)
{
    for (int i = 0; i < CNN_OPTIMIZER_STATES; i++) {
        cnn_free(b->states[i]);
    }
    cnn_free(b->gradients);
    cnn_free(b->parameters);
    cnn_runner_free(b->classifier);
    cnn_runner_free(b->trainer);
    cnn_team_free(b->team);
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->expected);
}

/* ---- comparing */

/** The values of the golden file's line `key`. */
static const char *find_values(const bed *b, const char *key)
{
    char start[KEY_LENGTH + 2];
    snprintf(start, sizeof start, "\n%s ", key); /* a comment is the first line */
    const char *found = strstr(b->expected, start);
    if (found == NULL) {
        fail_msg("%s.expected has no %s", b->name, key);
    }
    return found + strlen(start);
}

static void check(bed *b, const char *key, const cnn_real *found, size_t count)
{
    const char *at = find_values(b, key);
    double norm = 0, distance = 0, furthest = -1, furthest_expected = 0;
    size_t furthest_index = 0;
    for (size_t i = 0; i < count; i++) {
        if (*at == '\n') {
            fail_msg("%s.expected: %s has %zu numbers instead of %zu", b->name, key, i, count);
        }
        char *end;
        const double expected = strtod(at, &end), difference = fabs((double)found[i] - expected);
        at = end;
        norm += expected * expected;
        distance += difference * difference;
        if (!(difference <= furthest)) { /* NaN counts */
            furthest = difference;
            furthest_index = i;
            furthest_expected = expected;
        }
    }
    if (*at != '\n') {
        fail_msg("%s.expected: %s has more than %zu numbers", b->name, key, count);
    }
    if (!(sqrt(distance) <= tolerance * sqrt(norm))) {
        fail_msg("%s: %s is off by %.2g of its norm; [%zu] is %.9g, PyTorch has %.9g", b->name, key,
                 sqrt(distance / norm), furthest_index, (double)found[furthest_index], furthest_expected);
    }
    b->checked++;
}

static void check_tensor(bed *b, const char *what, int slot, const cnn_real *block)
{
    char name[CNN_TENSOR_NAME], key[KEY_LENGTH];
    cnn_network_tensor_name(b->network, slot, name);
    snprintf(key, sizeof key, "%s.%s", what, name);
    check(b, key, block + b->network->slots[slot].offset, b->network->slots[slot].count);
}

static bool is_trained(const bed *b, int slot)
{
    return cnn_network_tensor(b->network, slot)->role != CNN_ROLE_STATE;
}

/* ---- three steps */

static void update(bed *b, int slot)
{
    const cnn_slot *place = &b->network->slots[slot];
    const cnn_update call = {
        .vectors = b->network->vectors,
        .options = &b->train,
        .learning_rate = b->train.lr / (b->step + 1),
        .step = b->step + 1,
        .weight_decay = cnn_network_tensor(b->network, slot)->weight_decay,
        .count = place->count,
        .parameters = b->parameters + place->offset,
        .gradients = b->gradients + place->offset,
        .states = {b->states[0] + place->offset, b->states[1] + place->offset},
    };
    cnn_optimizers[b->train.optimizer]->update(&call);
}

static void run_step(bed *b)
{
    for (int i = 0; i < b->train.batch; i++) {
        fill_image(b, b->trainer, b->step, i);
    }
    cnn_runner_train(b->trainer, b->parameters, b->train.batch, 0);
    double sum = 0;
    for (int i = 0; i < b->train.batch; i++) {
        sum += b->image_losses[i];
    }
    b->losses[b->step] = (cnn_real)(sum / b->train.batch);
    for (int s = 0; s < b->network->slot_count; s++) {
        const cnn_slot *slot = &b->network->slots[s];
        if (is_trained(b, s)) {
            cnn_real *to = b->gradients + slot->offset;
            const cnn_real *from = cnn_runner_gradient(b->trainer, s, 0, slot->count, to);
            memmove(to, from, slot->count * sizeof *to);
            update(b, s);
        }
    }
}

static void check_step(bed *b)
{
    char what[16];
    snprintf(what, sizeof what, "step%d", b->step + 1);
    if (b->step == 0) {
        check(b, "logits", b->logits, (size_t)b->train.batch * (size_t)b->network->class_count);
    }
    for (int s = 0; s < b->network->slot_count; s++) {
        if (b->step == 0 && is_trained(b, s)) {
            check_tensor(b, "gradient", s, b->gradients);
        }
        if (b->step == STEPS - 1 || !is_trained(b, s)) {
            check_tensor(b, what, s, b->parameters);
        }
    }
}

/** The first batch's images, by inference. */
static void check_classified(bed *b)
{
    const size_t classes = (size_t)b->network->class_count;
    for (int i = 0; i < b->train.batch; i++) {
        fill_image(b, b->classifier, 0, i);
    }
    cnn_runner_prepare(b->classifier, b->parameters);
    cnn_runner_forward(b->classifier, b->parameters, b->train.batch);
    for (int i = 0; i < b->train.batch; i++) {
        memcpy(b->logits + (size_t)i * classes, cnn_runner_output(b->classifier, i), classes * sizeof *b->logits);
    }
    check(b, "classified", b->logits, (size_t)b->train.batch * classes);
}

static void check_recipe(const char *name)
{
    bed b;
    set_up(&b, name);
    for (; b.step < STEPS; b.step++) {
        run_step(&b);
        check_step(&b);
    }
    check(&b, "losses", b.losses, STEPS);
    check_classified(&b);
    int lines = 0;
    for (const char *c = b.expected; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    if (b.checked != lines - 1) {
        fail_msg("%s.expected has %d lines of values, %d were compared", name, lines - 1, b.checked);
    }
    tear_down(&b);
}

static void layers_in_a_row_with_momentum(void **state)
{
    (void)state;
    check_recipe("plain");
}

static void residuals_with_nesterov_and_decay(void **state)
{
    (void)state;
    check_recipe("residual");
}

static void same_padding_with_adamw(void **state)
{
    (void)state;
    check_recipe("same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_in_a_row_with_momentum),
        cmocka_unit_test(residuals_with_nesterov_and_decay),
        cmocka_unit_test(same_padding_with_adamw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

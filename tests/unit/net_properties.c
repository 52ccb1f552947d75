/* What must hold of networks whatever their weights: He initialization keeps the signal's size through depth, a ReLU
 * network without biases scales with its input, and neither a batch's split nor its order changes what an image gets.
 */
#include "base/memory.h"
#include "net/runner.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

typedef struct bed {
    cnn_recipe *recipe;
    cnn_network *network;
    cnn_team *team;
    cnn_runner *runner;
    cnn_real *parameters;
    size_t image_size;
    int classes;
} bed;

static void set_up(bed *b, const char *text, int batch, uint64_t seed)
{
    cnn_error error = {0};
    b->recipe = cnn_recipe_parse(text, "test.recipe", &error);
    b->network = b->recipe != NULL ? cnn_network_new(b->recipe, &error) : NULL;
    if (b->network == NULL) {
        fail_msg("%s", error.message);
    }
    b->team = cnn_team_new(2, NULL);
    b->runner = cnn_runner_new(b->network, &(cnn_runner_options){.batch = batch, .team = b->team}, NULL);
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof(cnn_real));
    b->image_size = cnn_shape_size(b->network->input);
    b->classes = b->network->class_count;
    assert_non_null(b->runner);
    cnn_network_initialize(b->network, seed, b->parameters);
    cnn_runner_prepare(b->runner, b->parameters);
}

static void tear_down(bed *b)
{
    cnn_runner_free(b->runner);
    cnn_team_free(b->team);
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->parameters);
}

/** Puts image number `number`, a fixed function of it, times `factor` at `index` of the batch. */
static void put_image(const bed *b, int index, int number, cnn_real factor)
{
    cnn_real *input = cnn_runner_input(b->runner, index);
    cnn_random random = cnn_random_at(3, CNN_RANDOM_AUGMENT, 0, (uint64_t)number);
    for (size_t i = 0; i < b->image_size; i++) {
        input[i] = factor * (cnn_real)cnn_random_normal(&random);
    }
}

static void he_keeps_the_signal(void **state)
{
    (void)state;
    enum { IMAGES = 32, LAYERS = 30 };
    char text[2048] = "input 16x16x1\n";
    for (int i = 0; i < LAYERS; i++) {
        strcat(text, "dense units=384\nrelu\n");
    }
    strcat(text, "dense units=64\n");
    for (uint64_t seed = 1; seed <= 3; seed++) {
        bed b;
        double squares = 0;
        set_up(&b, text, IMAGES, seed);
        for (int i = 0; i < IMAGES; i++) {
            put_image(&b, i, i, 1);
        }
        cnn_runner_forward(b.runner, b.parameters, IMAGES);
        for (int i = 0; i < IMAGES; i++) {
            const cnn_real *logits = cnn_runner_output(b.runner, i);
            for (int c = 0; c < b.classes; c++) {
                squares += (double)logits[c] * (double)logits[c];
            }
        }
        /* The first product doubles the input's mean square, 1; each ReLU halves it and each further product doubles
         * it. */
        const double size = sqrt(squares / (IMAGES * b.classes) / 2);
        assert_true(size > 0.5 && size < 2);
        tear_down(&b);
    }
}

static const char *const mixed = "input 12x11x3\n"
                                 "conv filters=8 padding=same bias=off\nrelu\nmaxpool size=2 stride=1\n"
                                 "residual {\n  conv filters=8 kernel=5 padding=same groups=2 bias=off\n  relu\n}\n"
                                 "conv filters=12 stride=2 bias=off\nrelu\navgpool size=2\ndropout\n"
                                 "dense units=150 bias=off\nrelu\ndense units=5 bias=off\n";

static void networks_without_bias_scale(void **state)
{
    (void)state;
    bed b;
    cnn_real before[5];
    set_up(&b, mixed, 1, 1);
    put_image(&b, 0, 0, 1);
    cnn_runner_forward(b.runner, b.parameters, 1);
    memcpy(before, cnn_runner_output(b.runner, 0), sizeof before);
    put_image(&b, 0, 0, 4);
    cnn_runner_forward(b.runner, b.parameters, 1);
    for (int c = 0; c < b.classes; c++) { /* a power of two loses no bit */
        assert_true(before[c] != 0 && cnn_runner_output(b.runner, 0)[c] == 4 * before[c]);
    }
    tear_down(&b);
}

static void split_and_order_change_nothing(void **state)
{
    (void)state;
    enum { IMAGES = 37 };
    bed whole, part;
    set_up(&whole, mixed, IMAGES, 1);
    set_up(&part, mixed, 5, 1);
    for (int i = 0; i < IMAGES; i++) {
        put_image(&whole, IMAGES - 1 - i, i, 1);
    }
    cnn_runner_forward(whole.runner, whole.parameters, IMAGES);
    for (int first = 0; first < IMAGES; first += 5) {
        const int n = IMAGES - first < 5 ? IMAGES - first : 5;
        for (int i = 0; i < n; i++) {
            put_image(&part, i, first + i, 1);
        }
        cnn_runner_forward(part.runner, part.parameters, n);
        for (int i = 0; i < n; i++) {
            const cnn_real *one = cnn_runner_output(part.runner, i);
            const cnn_real *other = cnn_runner_output(whole.runner, IMAGES - 1 - first - i);
            for (int c = 0; c < whole.classes; c++) {
                assert_true(fabs((double)(one[c] - other[c])) <= 1e-5 * (1 + fabs((double)other[c])));
            }
        }
    }
    tear_down(&whole);
    tear_down(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(he_keeps_the_signal),
        cmocka_unit_test(networks_without_bias_scale),
        cmocka_unit_test(split_and_order_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

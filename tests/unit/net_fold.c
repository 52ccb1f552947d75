/* The folded network of inference: the same logits as the network it is made of, fewer layers, and no more folded than
 * may be. */
#include "base/memory.h"
#include "net/fold.h"
#include "net/runner.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 11 };

typedef struct fold_case {
    const char *text;
    int left_out; /* layers that folding saves */
} fold_case;

static const fold_case cases[] = {
    /* with and without bias, in groups, Winograd */
    {"input 9x8x3\nconv filters=6 bias=off\nbatchnorm\nrelu\nconv filters=4 groups=2 stride=2\nbatchnorm epsilon=0.1\n"
     "conv filters=5 padding=same algorithm=winograd bias=off\nbatchnorm\nrelu\ndense units=3\n",
     3},
    {"input 8x8x3\nconv filters=4 padding=same bias=off\nbatchnorm\nrelu\n"
     "residual {\n  conv filters=4 padding=same bias=off\n  batchnorm\n  relu\n  conv filters=4 padding=same\n"
     "  batchnorm\n}\nrelu\nresidual projection=batchnorm {\n  conv filters=6 stride=2 padding=same bias=off\n"
     "  batchnorm\n}\nrelu\nresidual projection=conv {\n  conv filters=5 kernel=1\n}\nglobalavgpool\ndense units=4\n",
     5},
    /* frozen weights, with and without bias: they are factors like others */
    {"input 9x8x3\nconv filters=6 frozen=on bias=off\nbatchnorm\nrelu\nconv filters=4 groups=2 frozen=on\nbatchnorm\n"
     "conv filters=5 padding=same algorithm=winograd frozen=on\ndropout\nbatchnorm\nrelu\ndense units=3\n",
     4},
    /* several in a row, through dropout, behind dense, as the last layer */
    {"input 5x4x1\ndense units=150 bias=off\nbatchnorm\ndropout\nbatchnorm\nrelu\ndropout\ndense units=4\nbatchnorm\n",
     5},
    /* nothing to fold into: first, behind pooling, a sum, a rectifier, dropout of the input */
    {"input 8x8x3\ndropout\nbatchnorm\nconv filters=4\nmaxpool size=2\nbatchnorm\n"
     "residual {\n  conv filters=4 padding=same\n}\nbatchnorm\nrelu\nbatchnorm\ndense units=3\n",
     0},
    /* others read what the layer normalizes: the layer's output itself, and behind dropout */
    {"input 6x6x3\nconv filters=4\nresidual {\n  batchnorm\n}\nconv filters=3\n"
     "dropout\nresidual {\n  batchnorm\n  relu\n}\ndense units=3\n",
     1},
    {"input 1x1x3\ndropout\ndropout\n", 1},
    {"input 4x4x1\nconv filters=2\nrelu\ndropout\ndense units=2\n", 1},
};
#define CASES (sizeof cases / sizeof *cases)

typedef struct bed {
    cnn_recipe *recipe;
    cnn_network *network;
    cnn_folded *folded;
    cnn_team *team;
    cnn_runner *plain, *inference;
    cnn_real *parameters;
} bed;

/** Weights as initialized; every vector random: gains of both signs, variances from nearly nothing on. */
static void set_parameters(const bed *b, uint64_t seed)
{
    cnn_network_initialize(b->network, seed, b->parameters);
    for (int s = 0; s < b->network->slot_count; s++) {
        const cnn_slot *slot = &b->network->slots[s];
        const cnn_tensor *tensor = cnn_network_tensor(b->network, s);
        cnn_random random = cnn_random_at(seed, CNN_RANDOM_AUGMENT, (uint32_t)s, 0);
        for (size_t i = 0; i < slot->count && tensor->rank == 1; i++) {
            const double value = cnn_random_uniform(&random);
            b->parameters[slot->offset + i] =
                (cnn_real)(strcmp(tensor->name, "variance") == 0 ? 0.01 + 2 * value : 2 * value - 1);
        }
    }
}

static void set_up(bed *b, const char *text)
{
    cnn_error error = {0};
    b->recipe = cnn_recipe_parse(text, "test.recipe", &error);
    b->network = b->recipe != NULL ? cnn_network_new(b->recipe, &error) : NULL;
    if (b->network == NULL) {
        fail_msg("%s", error.message);
    }
    b->folded = cnn_network_fold(b->network, IMAGES, &error);
    b->team = cnn_team_new(2, NULL);
    assert_non_null(b->folded);
    const cnn_runner_options options = {.batch = IMAGES, .team = b->team};
    b->plain = cnn_runner_new(b->network, &options, NULL);
    b->inference = cnn_runner_new(b->folded->network, &options, NULL);
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof *b->parameters);
    assert_true(b->plain != NULL && b->inference != NULL && b->parameters != NULL);
}

static void tear_down(bed *b)
{
    cnn_runner_free(b->plain);
    cnn_runner_free(b->inference);
    cnn_team_free(b->team);
    cnn_folded_free(b->folded);
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->parameters);
}

static void run(const bed *b, cnn_runner *runner, cnn_real *parameters)
{
    for (int i = 0; i < IMAGES; i++) {
        cnn_random random = cnn_random_at(3, CNN_RANDOM_AUGMENT, 0, (uint64_t)i);
        for (size_t k = 0; k < cnn_shape_size(b->network->input); k++) {
            cnn_runner_input(runner, i)[k] = (cnn_real)cnn_random_normal(&random);
        }
    }
    cnn_runner_prepare(runner, parameters);
    cnn_runner_forward(runner, parameters, IMAGES);
}

static void logits_are_the_same(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        bed b;
        set_up(&b, cases[k].text);
        for (uint64_t seed = 1; seed <= 4; seed++) { /* filling again forgets what was folded before */
            double largest = 0, distance = 0;
            set_parameters(&b, seed);
            cnn_folded_fill(b.folded, b.parameters);
            run(&b, b.plain, b.parameters);
            run(&b, b.inference, b.folded->parameters);
            for (int i = 0; i < IMAGES * b.network->class_count; i++) {
                const int image = i / b.network->class_count, c = i % b.network->class_count;
                const double expected = (double)cnn_runner_output(b.plain, image)[c];
                largest = fmax(largest, fabs(expected));
                distance = fmax(distance, fabs((double)cnn_runner_output(b.inference, image)[c] - expected));
            }
            if (!(distance <= 1e-5 * largest) || largest == 0) {
                fail_msg("case %zu, seed %d: logits up to %g are %g apart", k, (int)seed, largest, distance);
            }
        }
        tear_down(&b);
    }
}

static void as_much_is_folded_as_may_be(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        bed b;
        set_up(&b, cases[k].text);
        const int saved = b.network->node_count - b.folded->network->node_count;
        if (saved != cases[k].left_out) {
            fail_msg("case %zu: %d layers are left out, not %d", k, saved, cases[k].left_out);
        }
        tear_down(&b);
    }
}

/** The source and its parameters are others' as well. */
static void the_source_stays_as_it_is(void **state)
{
    (void)state;
    bed b;
    set_up(&b, cases[0].text);
    set_parameters(&b, 1);
    const size_t size = b.network->parameter_count * sizeof *b.parameters;
    cnn_real *before = cnn_alloc(1, size);
    memcpy(before, b.parameters, size);
    cnn_folded_fill(b.folded, b.parameters);
    assert_memory_equal(b.parameters, before, size);
    assert_string_equal(b.network->nodes[0].text, "conv filters=6 bias=off");
    assert_string_equal(b.folded->network->nodes[0].text, "conv filters=6");
    cnn_free(before);
    tear_down(&b);
}

static void without_folding_parameters_are_shared(void **state)
{
    (void)state;
    bed b;
    set_up(&b, cases[CASES - 1].text);
    cnn_folded_fill(b.folded, b.parameters);
    assert_ptr_equal(b.folded->parameters, b.parameters);
    tear_down(&b);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_recipe *recipe = cnn_recipe_parse(cases[1].text, "test.recipe", NULL);
    cnn_network *network = cnn_network_new(recipe, NULL);
    cnn_folded *folded = NULL;
    long k = 0;
    for (; folded == NULL; k++) {
        cnn_error error = {0};
        cnn_alloc_fail_after(k, false);
        folded = cnn_network_fold(network, IMAGES, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(folded != NULL || error.status == CNN_MEMORY);
    }
    assert_true(k > 10);
    cnn_folded_free(folded);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_same),
        cmocka_unit_test(as_much_is_folded_as_may_be),
        cmocka_unit_test(the_source_stays_as_it_is),
        cmocka_unit_test(without_folding_parameters_are_shared),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

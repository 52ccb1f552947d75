/* Whole networks through the runner, in double: every parameter's gradient against central differences of the loss,
 * with residuals, batch normalization, dropout and layers over the whole batch; and the same gradients, to the bit,
 * for any number of threads. */
#include "base/memory.h"
#include "net/program.h"
#include "net/runner_memory.h"
#include "train/loss.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IMAGES = 40 };

static const char *const lenet = "input 10x9x3\n"
                                 "conv filters=5 kernel=3\nrelu\nmaxpool size=2\n"
                                 "conv filters=6 kernel=3 padding=same\nrelu\navgpool size=2\n"
                                 "dense units=130\nrelu\ndropout rate=0.3\ndense units=200\nrelu\ndense units=3\n";

static const char *const resnet = "input 8x8x3\n"
                                  "conv filters=4 kernel=3 padding=same bias=off\nbatchnorm\nrelu\n"
                                  "residual {\n  conv filters=4 padding=same bias=off\n  batchnorm\n  relu\n"
                                  "  conv filters=4 padding=same bias=off\n  batchnorm\n}\nrelu\n"
                                  "residual projection=batchnorm {\n"
                                  "  conv filters=6 stride=2 padding=same bias=off\n  batchnorm\n}\nrelu\n"
                                  "globalavgpool\ndense units=4\n";

/* Winograd convolution in all passes, forced where it would not pay, with prepared weights of several layers. */
static const char *const winograd = "input 9x7x3\n"
                                    "conv filters=6 padding=same algorithm=winograd\nrelu\n"
                                    "residual {\n  conv filters=6 padding=same algorithm=winograd\n  relu\n"
                                    "  conv filters=6 kernel=5 padding=same algorithm=winograd bias=off\n}\n"
                                    "conv filters=18 kernel=5 algorithm=winograd\nrelu\ndense units=3\n";

/* A body that begins in place, nested residuals, a residual over the input, and one over features of the whole batch.
 */
static const char *const knots = "input 5x4x3\n"
                                 "residual {\n  conv filters=3 padding=same\n}\n"
                                 "residual {\n  relu\n  conv filters=3 padding=same\n  residual {\n    relu\n    relu\n"
                                 "    conv filters=3 kernel=1\n  }\n  dropout rate=0.2\n}\n"
                                 "dense units=256\n"
                                 "residual {\n  dense units=256\n  residual projection=conv {\n    relu\n  }\n}\n"
                                 "dense units=3\n";

/* Every activation: those whose backward reads their output beside those that read their input, behind each other,
 * behind layers that rectify, and at the ends of a residual. */
static const char *const curves = "input 8x7x3\n"
                                  "conv filters=6 padding=same\nsigmoid\ntanh\nleakyrelu\n"
                                  "conv filters=6 padding=same bias=off\nbatchnorm\ngelu\nrelu\n"
                                  "residual {\n  silu\n  conv filters=6 padding=same\n  softplus\n  linear\n}\nselu\n"
                                  "conv filters=12 padding=same\nmaxout pieces=3\nlinear\nsoftsign\nprelu\nabs\n"
                                  "dense units=130\nelu\nprelu per=layer\nmaxout\ndense units=3\n";

/* Penalties on activations, in sums and beside batch normalization; frozen convolutions, by lanes and over the whole
 * batch, and a fixed first layer. */
static const char *const penalized = "input 6x5x3\nconv filters=5 padding=same\nsigmoid\nresidual {\n"
                                     "conv filters=5 padding=same\nbatchnorm\nrelu\n}\nsoftplus\n"
                                     "dense units=9\ntanh\ndense units=3\ntrain activation-l1=0.02\n";
static const char *const fixed = "input 4x4x3 scale=whiten\nconv filters=128 kernel=1\nrelu\n"
                                 "conv filters=128 padding=same frozen=on algorithm=winograd\nbatchnorm\nrelu\n"
                                 "conv filters=6 padding=same frozen=on\nrelu\ndense units=3\n";

typedef struct bed {
    cnn_recipe *recipe;
    cnn_network *network;
    cnn_team *team;
    cnn_runner *runner;
    cnn_real *parameters, *gradients;
    int n, batch;
    int labels[MOST_IMAGES];
    double losses[MOST_IMAGES]; /* by lane */
    cnn_train_options train;
} bed;

static void loss(void *context, const cnn_loss_call *call)
{
    bed *b = context;
    for (int i = 0; i < call->n; i++) {
        const size_t offset = (size_t)(i * call->classes);
        b->losses[call->lane] += cnn_cross_entropy(call->logits + offset, call->classes, b->labels[call->first + i],
                                                   0.1, 1.0 / call->batch, call->gradient + offset);
    }
}

/** The penalty on activations is part of what is differentiated, though the trainer's loss is without it. */
static void add_penalty(void *context, int node, int lane, int n, const cnn_real *values)
{
    bed *b = context;
    const cnn_layer_plan *plan = &b->network->nodes[node].plan;
    const size_t count = plan->activation.is ? (size_t)n * cnn_shape_size(plan->output) : 0;
    for (size_t i = 0; i < count; i++) {
        b->losses[lane] += b->train.activation_l1 * fabs((double)values[i]);
    }
}

static void set_up(bed *b, const char *text, int batch, int n, int threads)
{
    cnn_error error = {0};
    *b = (bed){.n = n, .batch = batch};
    assert_int_equal(cnn_blas_single_thread(&error), CNN_OK);
    b->recipe = cnn_recipe_parse(text, "test.recipe", &error);
    b->network = b->recipe != NULL ? cnn_network_new(b->recipe, &error) : NULL;
    if (b->network == NULL) {
        fail_msg("%s", error.message);
    }
    b->team = cnn_team_new(threads, &error);
    const cnn_runner_options options = {.batch = batch, .team = b->team, .loss = loss, .loss_context = b, .seed = 7};
    b->runner = cnn_runner_new(b->network, &options, &error);
    assert_non_null(b->runner);
    cnn_runner_tap(b->runner, add_penalty, b);
    cnn_recipe_train_options(b->recipe, &b->train);
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof(cnn_real));
    b->gradients = cnn_alloc(b->network->parameter_count, sizeof(cnn_real));
    cnn_network_initialize(b->network, 3, b->parameters);
    for (int s = 0; s < b->network->slot_count; s++) { /* biases and gains off their round values */
        const cnn_slot *slot = &b->network->slots[s];
        cnn_random random = cnn_random_at(5, CNN_RANDOM_INITIALIZE, (uint32_t)s, 1);
        for (size_t i = 0; i < slot->count; i++) {
            b->parameters[slot->offset + i] += (cnn_real)(0.05 * cnn_random_uniform(&random));
        }
    }
    for (int i = 0; i < batch; i++) {
        b->labels[i] = i * 7 % b->network->class_count;
    }
}

static void tear_down(bed *b)
{
    cnn_runner_free(b->runner);
    cnn_team_free(b->team);
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->parameters);
    cnn_free(b->gradients);
}

/** One training pass over the first n images; the mean loss. */
static double run(bed *b)
{
    const size_t size = cnn_shape_size(b->network->input);
    for (int i = 0; i < b->n; i++) {
        cnn_random random = cnn_random_at(11, CNN_RANDOM_AUGMENT, 0, (uint64_t)i);
        cnn_real *input = cnn_runner_input(b->runner, i);
        for (size_t k = 0; k < size; k++) {
            input[k] = (cnn_real)cnn_random_normal(&random);
        }
    }
    memset(b->losses, 0, sizeof b->losses);
    cnn_runner_train(b->runner, b->parameters, b->n, 1000);
    double sum = 0;
    for (int lane = 0; lane < cnn_runner_lanes(b->runner); lane++) {
        sum += b->losses[lane];
    }
    return sum / b->n;
}

static void collect_gradients(bed *b)
{
    for (int s = 0; s < b->network->slot_count; s++) {
        const cnn_slot *slot = &b->network->slots[s];
        if (cnn_network_tensor(b->network, s)->role == CNN_ROLE_STATE) {
            continue;
        }
        cnn_real *room = cnn_alloc(slot->count, sizeof *room);
        memcpy(b->gradients + slot->offset, cnn_runner_gradient(b->runner, s, 0, slot->count, room),
               slot->count * sizeof *room);
        cnn_free(room);
    }
}

#ifdef CNN_REAL_IS_DOUBLE
static void check_parameter(bed *b, int slot, size_t index)
{
    const double step = 1e-6;
    const size_t at = b->network->slots[slot].offset + index;
    const double middle = b->parameters[at];
    b->parameters[at] = middle + step;
    const double above = run(b);
    b->parameters[at] = middle - step;
    const double below = run(b);
    b->parameters[at] = middle;
    const double expected = (above - below) / (2 * step), found = b->gradients[at];
    /* Layers alone are held to 1e-7; a whole network's rounding, and a ReLU that changes its mind within the step, cost
     * a digit. */
    if (fabs(expected - found) > 1e-6 * (1 + fabs(expected))) {
        char name[CNN_TENSOR_NAME];
        cnn_network_tensor_name(b->network, slot, name);
        fail_msg("%s[%zu]: gradient %.12g, difference quotient %.12g", name, index, found, expected);
    }
}

static void check_gradients(const char *text, int batch, int n)
{
    bed b;
    set_up(&b, text, batch, n, 2);
    run(&b);
    collect_gradients(&b);
    for (int s = 0; s < b.network->slot_count; s++) {
        const size_t count = b.network->slots[s].count;
        const size_t stride = count / 12 + 1;
        for (size_t i = 0; i < count && cnn_network_tensor(b.network, s)->role != CNN_ROLE_STATE; i += stride) {
            check_parameter(&b, s, i);
        }
    }
    tear_down(&b);
}

static void gradients_match_differences(void **state)
{
    (void)state;
    check_gradients(lenet, 20, 20);
    check_gradients(lenet, 20, 13);
    check_gradients(resnet, 18, 18);
    check_gradients(resnet, 18, 3);
    check_gradients(knots, 17, 17);
    check_gradients(winograd, 20, 19);
    check_gradients(curves, 20, 19);
    check_gradients(penalized, 20, 19);
    check_gradients(fixed, 12, 11);
}
#endif

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const recipes[] = {lenet, resnet, knots, winograd, curves, penalized, fixed};
    for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
        bed one;
        set_up(&one, recipes[r], 40, 37, 1);
        const double expected = run(&one);
        collect_gradients(&one);
        for (int threads = 2; threads <= 4; threads++) {
            bed many;
            set_up(&many, recipes[r], 40, 37, threads);
            const double found = run(&many);
            collect_gradients(&many);
            assert_true(found == expected);
            assert_memory_equal(many.gradients, one.gradients, one.network->parameter_count * sizeof *one.gradients);
            assert_memory_equal(many.parameters, one.parameters, one.network->parameter_count * sizeof *one.parameters);
            tear_down(&many);
        }
        tear_down(&one);
    }
}

/** A step's gradients and running statistics are the same to the bit at every instruction set level. */
static void levels_change_nothing(void **state)
{
    (void)state;
    const char *const recipes[] = {lenet, resnet, knots, winograd, curves, penalized, fixed};
    char asked[32];
    snprintf(asked, sizeof asked, "%s", getenv("CNN_ISA") != NULL ? getenv("CNN_ISA") : "");
    for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
        bed plain;
        assert_int_equal(setenv("CNN_ISA", cnn_isa_name(CNN_ISA_baseline), 1), 0);
        set_up(&plain, recipes[r], 40, 37, 2);
        const double expected = run(&plain);
        collect_gradients(&plain);
        for (int isa = 1; isa < CNN_ISA_COUNT && cnn_isa_is_available((cnn_isa)isa); isa++) {
            bed fast;
            assert_int_equal(setenv("CNN_ISA", cnn_isa_name((cnn_isa)isa), 1), 0);
            set_up(&fast, recipes[r], 40, 37, 2);
            assert_int_equal(fast.network->isa, isa);
            assert_true(run(&fast) == expected);
            collect_gradients(&fast);
            const size_t size = plain.network->parameter_count * sizeof(cnn_real);
            assert_memory_equal(fast.gradients, plain.gradients, size);
            assert_memory_equal(fast.parameters, plain.parameters, size);
            tear_down(&fast);
        }
        tear_down(&plain);
    }
    assert_int_equal(setenv("CNN_ISA", asked, 1), 0);
}

enum { MOST_NODES = 40, MOST_THREADS = 4 };

/** What each thread noted, and the pass that it is in. */
typedef struct notes {
    int counts[MOST_THREADS][MOST_NODES + 1][CNN_WORK_COUNT];
    cnn_work now[MOST_THREADS];
} notes;

static void note(void *context, int thread, int node, cnn_work pass)
{
    notes *n = context;
    n->now[thread] = pass;
    if (pass != CNN_WORK_NONE) {
        n->counts[thread][node + 1][pass]++;
    }
}

static int noted(const notes *n, int node, cnn_work pass)
{
    int count = 0;
    for (int thread = 0; thread < MOST_THREADS; thread++) {
        count += n->counts[thread][node + 1][pass];
    }
    return count;
}

/** Whether the node before does the work of node `index`, a rectifier, in training's forward pass. */
static bool is_done_before(const bed *b, int index)
{
    const cnn_node *node = &b->network->nodes[index];
    const int before = b->network->values[node->input].producer;
    return node->plan.is_rectifier && before >= 0 && b->runner->program.rectifies[before];
}

static void check_notes(const bed *b, const notes *n)
{
    const int lanes = cnn_runner_lanes(b->runner);
    assert_int_equal(noted(n, -1, CNN_WORK_LOSS), lanes);
    for (int i = 0; i < b->network->node_count; i++) {
        const cnn_node *node = &b->network->nodes[i];
        const cnn_layer_plan *plan = &node->plan;
        const bool apart = node->kind->backward_input != NULL;
        const int parts = plan->backward_parts;
        const int input_parts = plan->backward_input_parts;
        const int forward_parts = plan->forward_parts > 0 ? plan->forward_parts : lanes;
        assert_int_equal(noted(n, i, CNN_WORK_FORWARD), is_done_before(b, i) ? 0 : forward_parts);
        if (!is_done_before(b, i)) {
            assert_true(noted(n, i, CNN_WORK_BACKWARD) >= (parts > 0 ? parts : lanes));
        }
        const int summed = input_parts > 0 && b->runner->program.nodes[i].dx_sum >= 0; /* once for all parts */
        assert_int_equal(noted(n, i, CNN_WORK_BACKWARD_INPUT),
                         !apart || node->input == 0 ? 0 : (input_parts > 0 ? input_parts + summed : lanes));
        assert_int_equal(noted(n, i, CNN_WORK_PREPARE), plan->prepare_parts_training);
        assert_int_equal(noted(n, i, CNN_WORK_REPEAT), b->runner->program.repeated_for[i] >= 0 ? lanes : 0);
        /* The lanes' sums, and their total. */
        assert_int_equal(noted(n, i, CNN_WORK_FORWARD_SUMS), plan->sums_forward > 0 ? lanes + 1 : 0);
        assert_int_equal(noted(n, i, CNN_WORK_BACKWARD_SUMS), plan->sums_backward > 0 ? lanes + 1 : 0);
    }
    for (int thread = 0; thread < MOST_THREADS; thread++) {
        assert_int_equal(n->now[thread], CNN_WORK_NONE);
    }
}

static void every_pass_is_noted(void **state)
{
    (void)state;
    const char *const recipes[] = {lenet, resnet, winograd};
    for (size_t r = 0; r < sizeof recipes / sizeof *recipes; r++) {
        bed plain, b;
        notes n = {.now = {CNN_WORK_NONE, CNN_WORK_NONE, CNN_WORK_NONE, CNN_WORK_NONE}};
        set_up(&plain, recipes[r], 40, 40, 3);
        set_up(&b, recipes[r], 40, 40, 3);
        cnn_runner_observe(b.runner, note, &n);
        assert_true(run(&b) == run(&plain));
        check_notes(&b, &n);
        cnn_runner_observe(b.runner, NULL, NULL);
        run(&b);
        check_notes(&b, &n);
        tear_down(&b);
        tear_down(&plain);
    }
}

/** Arrays whose lives meet never lie on each other, but where one is the other by design. */
static void buffers_do_not_overlap(void **state)
{
    (void)state;
    const char *const recipes[] = {lenet, resnet, knots, winograd, curves, penalized, fixed};
    for (size_t r = 0; r < 2 * (sizeof recipes / sizeof *recipes); r++) {
        cnn_program program;
        cnn_recipe *recipe = cnn_recipe_parse(recipes[r / 2], "test.recipe", NULL);
        cnn_network *network = cnn_network_new(recipe, NULL);
        assert_int_equal(cnn_program_make(&program, network, 20, r % 2 != 0, NULL), CNN_OK);
        for (int i = 0; i < program.buffer_count; i++) {
            for (int k = 0; k < i; k++) {
                const cnn_buffer *a = &program.buffers[i], *b = &program.buffers[k];
                const int images = a->whole ? program.batch : program.lane_images;
                const bool alive = a->begin <= b->end && b->begin <= a->end && a->end >= a->begin && b->end >= b->begin;
                const bool apart = a->offset + a->size * (size_t)images <= b->offset ||
                                   b->offset + b->size * (size_t)images <= a->offset;
                const bool own = a->same_as < 0 && b->same_as < 0;
                assert_true(a->whole != b->whole || !own || !alive || apart);
            }
        }
        cnn_program_clear(&program);
        cnn_network_free(network);
        cnn_recipe_free(recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef CNN_REAL_IS_DOUBLE
        cmocka_unit_test(gradients_match_differences),
#endif
        cmocka_unit_test(threads_change_nothing),      cmocka_unit_test(levels_change_nothing),
        cmocka_unit_test(every_pass_is_noted),         cmocka_unit_test(buffers_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

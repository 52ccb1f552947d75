/* Rectifiers that the layer before does the work of: which these are, and that training gives the same bits as where
 * dropout with rate 0 stands between the two and keeps them apart. */
#include "base/memory.h"
#include "math/gemm.h"
#include "net/program.h"
#include "net/runner.h"
#include "unit/network.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 20, STEPS = 4, MOST_CLASSES = 8 };

/* "%s" stands before each rectifier. Residuals whose inputs are read twice, sums in place, layers over the whole batch,
 * both algorithms of convolution, and a rectifier as the last layer. */
static const char *const recipes[] = {
    "input 8x8x3\nconv filters=16 padding=same bias=off\nbatchnorm\n%srelu\n"
    "residual {\nconv filters=16 padding=same bias=off\nbatchnorm\n%srelu\nconv filters=16 padding=same\nbatchnorm\n}\n"
    "%srelu\nresidual projection=batchnorm {\nconv filters=6 stride=2 padding=same\nbatchnorm\n%srelu\n}\n%srelu\n"
    "globalavgpool\ndense units=4\n",
    ("input 9x7x3\nconv filters=6 padding=same algorithm=winograd\n%srelu\n"
     "residual {\nconv filters=6 kernel=5 padding=same algorithm=winograd\n%srelu\n}\nconv filters=8 groups=2\n%srelu\n"
     "dense units=200\n%srelu\ndense units=128\nbatchnorm\n%srelu\nresidual {\nbatchnorm\n%srelu\n}\ndense "
     "units=5\n%srelu\n"),
    "input 6x6x1\nconv filters=20 kernel=1\n%srelu\nrelu\nmaxpool\nrelu\nresidual {\nbatchnorm\n}\n%srelu\ndense "
    "units=3\n",
};
static const int rectified[] = {5, 7, 2};
#define RECIPES (sizeof recipes / sizeof *recipes)

typedef struct bed {
    cnn_recipe *recipe;
    cnn_network *network;
    cnn_team *team;
    cnn_runner *trainer, *inference;
    cnn_real *parameters, *room;
    cnn_real logits[BATCH][MOST_CLASSES]; /* of the last step, then of inference */
} bed;

/** A gradient that pulls every image's logits towards numbers of its own. */
static void loss(void *context, const cnn_loss_call *call)
{
    bed *b = context;
    for (int i = 0; i < call->n; i++) {
        for (int c = 0; c < call->classes; c++) {
            const int at = i * call->classes + c;
            b->logits[call->first + i][c] = call->logits[at];
            call->gradient[at] = (call->logits[at] - (cnn_real)((call->first + i) * 7 % (c + 2))) / BATCH;
        }
    }
}

static void set_up(bed *b, const char *text, const char *before)
{
    memset(b, 0, sizeof *b);
    assert_int_equal(cnn_blas_single_thread(NULL), CNN_OK);
    b->network = network_with(text, before, &b->recipe);
    b->team = cnn_team_new(2, NULL);
    cnn_runner_options options = {.batch = BATCH, .team = b->team};
    b->inference = cnn_runner_new(b->network, &options, NULL);
    options.loss = loss;
    options.loss_context = b;
    b->trainer = cnn_runner_new(b->network, &options, NULL);
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof *b->parameters);
    b->room = cnn_alloc(b->network->parameter_count, sizeof *b->room);
    assert_true(b->inference != NULL && b->trainer != NULL && b->parameters != NULL && b->room != NULL);
    cnn_network_initialize(b->network, 3, b->parameters);
}

static void tear_down(bed *b)
{
    cnn_runner_free(b->trainer);
    cnn_runner_free(b->inference);
    cnn_team_free(b->team);
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->parameters);
    cnn_free(b->room);
}

static void put_images(const bed *b, cnn_runner *runner, bool spoilt)
{
    for (int i = 0; i < BATCH; i++) {
        cnn_random random = cnn_random_at(11, CNN_RANDOM_AUGMENT, 0, (uint64_t)i);
        for (size_t k = 0; k < cnn_shape_size(b->network->input); k++) {
            cnn_runner_input(runner, i)[k] = (cnn_real)cnn_random_normal(&random);
        }
    }
    if (spoilt) {
        cnn_runner_input(runner, 1)[2] = (cnn_real)NAN;
    }
}

static void train_step(bed *b, bool spoilt)
{
    put_images(b, b->trainer, spoilt);
    cnn_runner_train(b->trainer, b->parameters, BATCH, 0);
    for (int s = 0; s < b->network->slot_count; s++) {
        const cnn_slot *slot = &b->network->slots[s];
        if (cnn_network_tensor(b->network, s)->role == CNN_ROLE_STATE) {
            continue;
        }
        const cnn_real *gradient = cnn_runner_gradient(b->trainer, s, 0, slot->count, b->room);
        for (size_t i = 0; i < slot->count; i++) {
            b->parameters[slot->offset + i] -= (cnn_real)0.05 * gradient[i];
        }
    }
}

static void classify(bed *b)
{
    put_images(b, b->inference, false);
    cnn_runner_prepare(b->inference, b->parameters);
    cnn_runner_forward(b->inference, b->parameters, BATCH);
    for (int i = 0; i < BATCH; i++) {
        memcpy(b->logits[i], cnn_runner_output(b->inference, i),
               (size_t)b->network->class_count * sizeof *b->logits[i]);
    }
}

/** The same bits, but of NaN. */
static void check_equal(const cnn_real *a, const cnn_real *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i])));
    }
}

static void check_same(const bed *a, const bed *b)
{
    check_equal(a->parameters, b->parameters, a->network->parameter_count);
    check_equal(a->logits[0], b->logits[0], sizeof a->logits / sizeof a->logits[0][0]);
}

static void training_gives_the_same_bits(void **state)
{
    (void)state;
    for (size_t k = 0; k < RECIPES; k++) {
        bed fused, apart;
        set_up(&fused, recipes[k], "");
        set_up(&apart, recipes[k], "dropout rate=0\n");
        for (int step = 0; step <= STEPS; step++) { /* the last one with NaN */
            train_step(&fused, step == STEPS);
            train_step(&apart, step == STEPS);
            check_same(&fused, &apart);
            assert_true(isnan(fused.logits[1][0]) == (step == STEPS));
            classify(&fused);
            classify(&apart);
            check_same(&fused, &apart);
        }
        tear_down(&fused);
        tear_down(&apart);
    }
}

static int count_rectifying(const cnn_program *program, const cnn_network *network)
{
    int count = 0;
    for (int i = 0; i < network->node_count; i++) {
        count += program->rectifies[i];
    }
    return count;
}

static int count_operations(const cnn_program *program, const cnn_network *network, cnn_operation_type type)
{
    int count = 0;
    for (int i = 0; i < program->operation_count; i++) {
        const cnn_operation *operation = &program->operations[i];
        count += operation->type == type && network->nodes[operation->node].plan.is_rectifier;
    }
    return count;
}

static void rectifiers_that_alone_read_a_layer_are_its_work(void **state)
{
    (void)state;
    static const int left_forward[] = {0, 0, 2}, left_backward[] = {2, 5, 4};
    for (size_t k = 0; k < 2 * RECIPES; k++) {
        const size_t at = k / 2;
        const bool training = k % 2;
        cnn_recipe *recipe;
        cnn_network *network = network_with(recipes[at], "", &recipe);
        cnn_program program;
        assert_int_equal(cnn_program_make(&program, network, BATCH, training, NULL), CNN_OK);
        assert_int_equal(count_rectifying(&program, network), rectified[at]);
        assert_int_equal(count_operations(&program, network, CNN_OPERATION_FORWARD), left_forward[at]);
        assert_int_equal(count_operations(&program, network, CNN_OPERATION_BACKWARD), training ? left_backward[at] : 0);
        cnn_program_clear(&program);
        cnn_network_free(network);
        cnn_recipe_free(recipe);
    }
}

/** A layer's output that is read twice is needed as it is. */
static void other_rectifiers_are_not(void **state)
{
    (void)state;
    cnn_recipe *recipe;
    cnn_network *network =
        network_with("input 4x4x1\nconv filters=2\nresidual {\nrelu\n}\nmaxpool\nrelu\ndense units=2\n", "", &recipe);
    cnn_program program;
    assert_int_equal(cnn_program_make(&program, network, 1, false, NULL), CNN_OK);
    assert_int_equal(count_rectifying(&program, network), 0);
    assert_int_equal(count_operations(&program, network, CNN_OPERATION_FORWARD), 2);
    cnn_program_clear(&program);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_gives_the_same_bits),
        cmocka_unit_test(rectifiers_that_alone_read_a_layer_are_its_work),
        cmocka_unit_test(other_rectifiers_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

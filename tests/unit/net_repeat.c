/* Outputs that are not kept for the backward pass but made again in it: which these are, that they take less memory,
 * and that training gives the same bits as where dropout with rate 0 behind them keeps them. */
#include "base/memory.h"
#include "math/gemm.h"
#include "net/program.h"
#include "net/runner.h"
#include "unit/network.h"
#include "unit/unit.h"

#include <string.h>

enum { BATCH = 37 };

/* "%s" stands behind each output that a convolution or batch normalization reads. Several readers, one of them in
 * place; batch normalization behind batch normalization; a layer over the whole batch, whose input is kept. */
static const char recipe_text[] =
    "input 8x8x3\nconv filters=16 padding=same bias=off\nbatchnorm\nrelu\n%s"
    "residual {\nconv filters=16 padding=same bias=off\nbatchnorm\nrelu\n%sconv filters=16 padding=same\nbatchnorm\n}\n"
    "relu\nresidual projection=batchnorm {\nconv filters=24 stride=2 padding=same\nbatchnorm\n%s"
    "conv filters=16 kernel=1 groups=2\n}\nbatchnorm\n%sbatchnorm\n%sresidual {\nbatchnorm\n}\n"
    "conv filters=64\nbatchnorm\nrelu\ndense units=600\nrelu\ndense units=5\n";
/* The nodes that repeat: of the batch normalizations behind each other every second one. */
static const char *const repeated_names[] = {"batchnorm1", "batchnorm2", "batchnorm4", "batchnorm5"};
#define REPEATED (sizeof repeated_names / sizeof *repeated_names)

/** A gradient that pulls every image's logits towards numbers of its own. */
static void loss(void *context, const cnn_loss_call *call)
{
    (void)context;
    for (int i = 0; i < call->n * call->classes; i++) {
        call->gradient[i] = (call->logits[i] - (cnn_real)((call->first * call->classes + i) * 7 % 11)) / BATCH;
    }
}

/** Some steps of training: the parameters, [*count], to be freed. */
static cnn_real *train(const char *behind, int batch, size_t *count)
{
    cnn_recipe *recipe;
    cnn_network *network = network_with(recipe_text, behind, &recipe);
    cnn_team *team = cnn_team_new(2, NULL);
    const cnn_runner_options options = {.batch = batch, .team = team, .loss = loss};
    cnn_runner *runner = cnn_runner_new(network, &options, NULL);
    cnn_real *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    cnn_real *room = cnn_alloc(network->parameter_count, sizeof *room);
    assert_true(runner != NULL && parameters != NULL && room != NULL);
    cnn_network_initialize(network, 3, parameters);
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < batch; i++) {
            cnn_random random = cnn_random_at(11, CNN_RANDOM_AUGMENT, 0, (uint64_t)(i + step));
            for (size_t k = 0; k < cnn_shape_size(network->input); k++) {
                cnn_runner_input(runner, i)[k] = (cnn_real)cnn_random_normal(&random);
            }
        }
        cnn_runner_train(runner, parameters, step == 1 ? batch - 3 : batch, 0);
        for (int s = 0; s < network->slot_count; s++) {
            const cnn_slot *slot = &network->slots[s];
            const bool trained = cnn_network_tensor(network, s)->role != CNN_ROLE_STATE;
            const cnn_real *gradient = trained ? cnn_runner_gradient(runner, s, 0, slot->count, room) : NULL;
            for (size_t i = 0; trained && i < slot->count; i++) {
                parameters[slot->offset + i] -= (cnn_real)0.02 * gradient[i];
            }
        }
    }
    *count = network->parameter_count;
    cnn_runner_free(runner);
    cnn_team_free(team);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
    cnn_free(room);
    return parameters;
}

static void training_gives_the_same_bits(void **state)
{
    (void)state;
    assert_int_equal(cnn_blas_single_thread(NULL), CNN_OK);
    static const int batches[] = {BATCH, 6};
    for (int k = 0; k < 2; k++) {
        size_t count, kept_count;
        cnn_real *repeated = train("", batches[k], &count), *kept = train("dropout rate=0\n", batches[k], &kept_count);
        assert_int_equal(count, kept_count);
        assert_memory_equal(repeated, kept, count * sizeof *kept);
        cnn_free(repeated);
        cnn_free(kept);
    }
}

static int count_repeats(const cnn_program *program)
{
    int count = 0;
    for (int i = 0; i < program->operation_count; i++) {
        count += program->operations[i].type == CNN_OPERATION_REPEAT;
    }
    return count;
}

static int find_operation(const cnn_program *program, cnn_operation_type type, int node)
{
    int at = 0;
    while (program->operations[at].type != type || program->operations[at].node != node) {
        at++;
        assert_true(at < program->operation_count);
    }
    return at;
}

static int find_node(const cnn_network *network, const char *name)
{
    int at = 0;
    while (strcmp(network->nodes[at].name, name) != 0) {
        at++;
        assert_true(at < network->node_count);
    }
    return at;
}

/** One array until the loss at the latest, another one only from the repetition on. */
static void what_is_repeated_is_not_kept(void **state)
{
    (void)state;
    cnn_recipe *recipe;
    cnn_program program, kept;
    cnn_network *network = network_with(recipe_text, "", &recipe);
    assert_int_equal(cnn_program_make(&program, network, BATCH, true, NULL), CNN_OK);
    const int loss_at = find_operation(&program, CNN_OPERATION_LOSS, -1);
    assert_int_equal(count_repeats(&program), REPEATED);
    for (size_t k = 0; k < REPEATED; k++) {
        const int node = find_node(network, repeated_names[k]);
        const cnn_buffer *y = &program.buffers[program.nodes[node].y];
        const cnn_buffer *again = &program.buffers[program.nodes[node].y_again];
        assert_true(y->end < loss_at);
        assert_int_equal(again->begin, find_operation(&program, CNN_OPERATION_REPEAT, node));
        assert_true(again->end > again->begin);
        assert_true(again->end < find_operation(&program, CNN_OPERATION_BACKWARD_SUMS, node));
    }
    cnn_network_free(network);
    cnn_recipe_free(recipe);
    network = network_with(recipe_text, "dropout rate=0\n", &recipe);
    assert_int_equal(cnn_program_make(&kept, network, BATCH, true, NULL), CNN_OK);
    assert_int_equal(count_repeats(&kept), 0);
    assert_true(program.lane_size < kept.lane_size);
    cnn_program_clear(&program);
    cnn_program_clear(&kept);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
}

static void inference_repeats_nothing(void **state)
{
    (void)state;
    cnn_recipe *recipe;
    cnn_program program;
    cnn_network *network = network_with(recipe_text, "", &recipe);
    assert_int_equal(cnn_program_make(&program, network, BATCH, false, NULL), CNN_OK);
    assert_int_equal(count_repeats(&program), 0);
    cnn_program_clear(&program);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_gives_the_same_bits),
        cmocka_unit_test(what_is_repeated_is_not_kept),
        cmocka_unit_test(inference_repeats_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

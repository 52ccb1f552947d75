/* A runner's tap is shown every output once a lane, in training and in classifying, whether lanes or slices of the
 * whole batch were computed, and a rectifier's output as its own. */
#include "base/memory.h"
#include "net/runner.h"
#include "unit/network.h"

#include <stdatomic.h>

enum { BATCH = 30, MOST_NODES = 16, MOST_LANES = 16 };

static const char *const text = "input 9x7x3\nconv filters=5%s\nbatchnorm\nrelu\nmaxpool size=2\n"
                                "residual {\nconv filters=5 padding=same\nrelu\n}\nrelu\n"
                                "dense units=600\nrelu\ndropout rate=0.5\ndense units=3\n";

typedef struct shown {
    const cnn_network *network;
    atomic_int images[MOST_NODES], calls[MOST_NODES];
    cnn_real logits[BATCH][3];
    int lane_images;
    atomic_bool negative; /* a rectifier's output */
} shown;

static void note(void *context, int node, int lane, int n, const cnn_real *values)
{
    shown *s = context;
    const size_t size = cnn_shape_size(s->network->nodes[node].plan.output);
    s->images[node] += n;
    s->calls[node]++;
    for (size_t i = 0; i < size * (size_t)n; i++) {
        if (s->network->nodes[node].plan.is_rectifier && values[i] < 0) {
            s->negative = true;
        }
    }
    if (node == s->network->node_count - 1) {
        memcpy(s->logits[lane * s->lane_images], values, (size_t)n * sizeof s->logits[0]);
    }
}

static void no_loss(void *context, const cnn_loss_call *call)
{
    (void)context;
    memset(call->gradient, 0, (size_t)call->n * (size_t)call->classes * sizeof *call->gradient);
}

static void run(cnn_runner *runner, cnn_real *parameters, int n, bool training)
{
    if (training) {
        cnn_runner_train(runner, parameters, n, 0);
    } else {
        cnn_runner_prepare(runner, parameters);
        cnn_runner_forward(runner, parameters, n);
    }
}

/** Whether the node's output is never there alone: that of a layer that rectifies, or of one that is left out. */
static bool is_hidden(const cnn_network *network, int node, bool training)
{
    const cnn_layer_plan *plan = &network->nodes[node].plan;
    const bool rectified = node + 1 < network->node_count && network->nodes[node + 1].plan.is_rectifier;
    return (plan->rectifies && rectified) || (plan->inactive && !training);
}

static void check(const cnn_network *network, int n, int threads, bool training)
{
    static shown s;
    s = (shown){.network = network};
    cnn_team *team = cnn_team_new(threads, NULL);
    const cnn_runner_options options = {.batch = BATCH, .team = team, .loss = training ? no_loss : NULL};
    cnn_runner *runner = cnn_runner_new(network, &options, NULL);
    cnn_real *parameters = cnn_alloc(network->parameter_count, sizeof *parameters);
    cnn_network_initialize(network, 3, parameters);
    for (int i = 0; i < n; i++) {
        for (int p = 0; p < 9 * 7 * 3; p++) {
            cnn_runner_input(runner, i)[p] = (cnn_real)((i * 31 + p * 17) % 23 - 11);
        }
    }
    const int lanes = cnn_runner_lanes(runner);
    int filled = 0;
    for (int lane = 0; lane < lanes; lane++) {
        filled += cnn_runner_lane_first(runner, n, lane + 1) > cnn_runner_lane_first(runner, n, lane);
    }
    s.lane_images = cnn_runner_lane_first(runner, BATCH, 1);
    cnn_runner_tap(runner, note, &s);
    run(runner, parameters, n, training);
    for (int i = 0; i < network->node_count; i++) {
        assert_int_equal(s.images[i], is_hidden(network, i, training) ? 0 : n);
        assert_int_equal(s.calls[i], is_hidden(network, i, training) ? 0 : filled);
    }
    assert_false(s.negative);
    for (int i = 0; i < n && !training; i++) {
        assert_memory_equal(s.logits[i], cnn_runner_output(runner, i), sizeof s.logits[i]);
    }
    cnn_runner_tap(runner, NULL, NULL);
    const int before = s.images[0];
    run(runner, parameters, n, training);
    assert_int_equal(s.images[0], before);
    cnn_free(parameters);
    cnn_runner_free(runner);
    cnn_team_free(team);
}

static void every_output_is_shown_once(void **state)
{
    (void)state;
    static const int counts[] = {BATCH, 17, 1};
    const char *const algorithms[] = {" algorithm=im2col", ""};
    for (int a = 0; a < 2; a++) {
        cnn_recipe *recipe;
        cnn_network *network = network_with(text, algorithms[a], &recipe);
        assert_true(network->node_count <= MOST_NODES);
        for (int c = 0; c < 3; c++) {
            for (int threads = 1; threads <= 3; threads++) {
                check(network, counts[c], threads, true);
                check(network, counts[c], threads, false);
            }
        }
        cnn_network_free(network);
        cnn_recipe_free(recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_output_is_shown_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

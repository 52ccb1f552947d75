/* The penalty on activations, which makes them sparse, and biases: what they begin as, and that they learn. */
#include "unit/training.h"

#include <stdlib.h>

enum { STEPS = 5, EPOCHS = 40 };

/** Share of exact zeros among the hidden layers' outputs at the last epoch's end. */
static double zeros_of(const cnn_trainer *trainer)
{
    cnn_inspection inspection;
    assert_int_equal(cnn_trainer_inspection(trainer, EPOCHS, &inspection, NULL), CNN_OK);
    cnn_free(inspection.layers);
    return inspection.zeros;
}

static void activations_become_sparse(void **state)
{
    (void)state;
    cnn_trainer *plain = make_trainer("", "", "lr=0.05", 2);
    cnn_trainer *sparse = make_trainer("", "", "lr=0.05 activation-l1=0.003", 2);
    assert_int_equal(sparse->model->network->node_count, plain->model->network->node_count + 2);
    assert_true(run(plain, 1).loss == run(sparse, 1).loss); /* what is reported is without the penalty */
    assert_memory_not_equal(plain->model->parameters, sparse->model->parameters, block_size(plain));
    const cnn_progress last = run(plain, EPOCHS * STEPS - 1), sparse_last = run(sparse, EPOCHS * STEPS - 1);
    assert_true(last.accuracy > 0.9 && sparse_last.accuracy > 0.9);
    assert_true(zeros_of(sparse) > zeros_of(plain) + 0.2);
    cnn_trainer_free(plain);
    cnn_trainer_free(sparse);
}

/** The network's output stays its output, though the penalty on it comes after it. */
static void a_penalized_output_is_not_hidden(void **state)
{
    (void)state;
    cnn_model *model =
        make_model("input 7x5x3\ndense units=8\ntanh\ndense units=3\ntanh\ntrain activation-l1=0.01\n", data);
    cnn_inspection inspection = inspect(model, data, 1);
    assert_int_equal(inspection.layer_count, 2);
    assert_true(inspection.layers[0].hidden && !inspection.layers[1].hidden);
    cnn_free(inspection.layers);
    cnn_model_free(model);
}

/** Inference is without the penalty. */
static void classifying_is_the_same(void **state)
{
    (void)state;
    static float plain_out[IMAGES * CLASSES], out[IMAGES * CLASSES];
    cnn_trainer *plain = make_trainer("", "", "", 1), *penalized = make_trainer("", "", "activation-l1=1", 1);
    const cnn_trainer *const trainers[] = {plain, penalized};
    float *const outs[] = {plain_out, out};
    for (int i = 0; i < 2; i++) {
        cnn_model *model = cnn_trainer_model(trainers[i], NULL);
        cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = 2}, NULL);
        assert_non_null(session);
        assert_int_equal(cnn_session_classify_pixels(session, &pixels[0][0][0][0], IMAGES, outs[i], NULL), CNN_OK);
        cnn_session_free(session);
        cnn_model_free(model);
    }
    assert_memory_equal(plain_out, out, sizeof out);
    cnn_trainer_free(plain);
    cnn_trainer_free(penalized);
}

/** Strengths reach the layer as they are, also those that are printed with an exponent. */
static void strengths_survive_printing(void **state)
{
    (void)state;
    const char *const strengths[] = {"1e-05", "2.5e-07", "0.1", "10", "1.5e-10"};
    for (size_t i = 0; i < sizeof strengths / sizeof *strengths; i++) {
        char train[64], expected[64];
        snprintf(train, sizeof train, "activation-l1=%s", strengths[i]);
        snprintf(expected, sizeof expected, "penalty l1=%s", strengths[i]);
        cnn_trainer *trainer = make_trainer("", "", train, 1);
        const cnn_node *node = &trainer->model->network->nodes[2];
        char *text = cnn_recipe_text(trainer->model->recipe, NULL);
        assert_string_equal(node->text, expected);
        assert_true(*(const double *)node->options == strtod(strengths[i], NULL));
        assert_non_null(strstr(text, train));
        cnn_free(text);
        cnn_trainer_free(trainer);
    }
}

/* ---- biases */

static void biases_begin_as_told_and_learn(void **state)
{
    (void)state;
    cnn_trainer *trainer = make_trainer("bias=-0.25", "bias=off", "lr=0.05 bias=0.1 l1=0.1 weight-decay=0.1", 2);
    const cnn_slot conv = find_tensor(trainer->model, "conv1.bias"), last = find_tensor(trainer->model, "dense2.bias");
    const cnn_real *own = trainer->model->parameters + conv.offset, *common = trainer->model->parameters + last.offset;
    assert_int_equal(trainer->model->network->slot_count, 5);
    for (size_t i = 0; i < conv.count; i++) {
        assert_true(own[i] == (cnn_real)-0.25);
    }
    for (size_t i = 0; i < last.count; i++) {
        assert_true(common[i] == (cnn_real)0.1);
    }
    run(trainer, 1);
    int moved = 0;
    for (size_t i = 0; i < conv.count; i++) {
        moved += own[i] != (cnn_real)-0.25;
    }
    assert_true(moved >= 2); /* some filters may be silent */
    for (size_t i = 0; i < last.count; i++) {
        assert_true(common[i] != (cnn_real)0.1);
    }
    cnn_trainer_free(trainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_become_sparse),      cmocka_unit_test(a_penalized_output_is_not_hidden),
        cmocka_unit_test(classifying_is_the_same),        cmocka_unit_test(strengths_survive_printing),
        cmocka_unit_test(biases_begin_as_told_and_learn),
    };
    return cmocka_run_group_tests(tests, make_training_data, free_training_data);
}

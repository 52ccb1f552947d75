/* Layers whose weights training leaves alone: convolutions that are frozen, and the fixed first layer that scales the
 * input. They let gradients through, are in the model file, count for no parameters, and change nothing about
 * resuming and threads. */
#include "unit/saved.h"
#include "unit/training.h"

#include <stdlib.h>
#include <unistd.h>

enum { STEPS = 5, SIZE = HEIGHT * WIDTH * INPUTS };

/* A frozen layer with a bias, one before batch normalization, one that is computed over the whole batch, and one that
 * ends a residual. */
static const char *const frozen =
    "input 7x5x3\nconv filters=6 padding=same\nrelu\nconv filters=6 padding=same frozen=on\nrelu\n"
    "conv filters=8 padding=same frozen=on bias=off\nbatchnorm\nrelu\n"
    "residual {\nconv filters=8 padding=same\nrelu\nconv filters=8 kernel=1 frozen=on\n}\nmaxpool size=2\n"
    "conv filters=128 kernel=1\nconv filters=128 padding=same frozen=on algorithm=winograd\nrelu\n"
    "dense units=3\ntrain epochs=3 batch=20 lr=0.02 weight-decay=0.01 l1=0.001 max-norm=0.5 val=20\n";

/* The slots of frozen weights, by name. */
static const char *const frozen_weights[] = {"conv2.weight", "conv3.weight", "conv5.weight", "conv7.weight"};
enum { FROZEN = sizeof frozen_weights / sizeof *frozen_weights };

static const char *const scaled =
    "input 7x5x3 scale=%s\nconv filters=6 padding=same bias=off\nbatchnorm\nrelu\nmaxpool size=2\ndense units=3\n"
    "train epochs=3 batch=20 lr=0.02 val=20\naugment shift=1\n";

static char folder[64];

static int enter_folder(void **state)
{
    strcpy(folder, "/tmp/cnn-frozen-XXXXXX");
    return make_training_data(state) != 0 || mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state)
{
    const char *const files[] = {"undisturbed", "resumed", "checkpoint", "model"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unlink(files[i]);
    }
    return free_training_data(state) != 0 || chdir("/") != 0 || rmdir(folder) != 0;
}

static void run_to_end(cnn_trainer *trainer)
{
    cnn_progress progress;
    do {
        progress = run(trainer, 1);
    } while (!progress.done);
}

static bool is_frozen(const char *name)
{
    int i = 0;
    while (i < FROZEN && strcmp(frozen_weights[i], name) != 0) {
        i++;
    }
    return i < FROZEN;
}

/* ---- frozen convolutions */

/** Of a trained tensor at least half of the numbers have moved, of frozen weights none. */
static void check_moves(const cnn_trainer *trainer, const cnn_real *before)
{
    const cnn_network *n = trainer->model->network;
    int kept = 0;
    for (int s = 0; s < n->slot_count; s++) {
        const cnn_slot *place = &n->slots[s];
        char name[CNN_TENSOR_NAME];
        size_t moved = 0;
        cnn_network_tensor_name(n, s, name);
        for (size_t i = place->offset; i < place->offset + place->count; i++) {
            moved += trainer->model->parameters[i] != before[i];
        }
        if (is_frozen(name) ? moved > 0 : 2 * moved < place->count) {
            fail_msg("%s: %zu of %zu have moved", name, moved, place->count);
        }
        kept += is_frozen(name);
    }
    assert_int_equal(kept, FROZEN);
}

static void frozen_weights_stay(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        cnn_trainer *trainer = make_training(frozen, threads);
        cnn_real *before = copy_block(trainer, trainer->model->parameters);
        run_to_end(trainer);
        check_moves(trainer, before);
        cnn_free(before);
        cnn_trainer_free(trainer);
    }
}

/** Tuning measures passes that a frozen layer has not, and leaves it frozen. */
static void tuning_leaves_them_frozen(void **state)
{
    (void)state;
    cnn_recipe *recipe = make_recipe(frozen);
    const cnn_trainer_options options = {.threads = 2, .seed = 5, .tune = true};
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &options, NULL);
    assert_non_null(trainer);
    cnn_real *before = copy_block(trainer, trainer->model->parameters);
    run_to_end(trainer);
    check_moves(trainer, before);
    cnn_free(before);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
}

/** A layer's parameters are its bias, and all together are what is trained. */
static void they_are_no_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int parameters;
    } expected[] = {{"conv2", 6}, {"conv3", 0}, {"conv5", 8}, {"conv7", 128}};
    cnn_recipe *recipe = make_recipe(frozen);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    cnn_model_info info;
    cnn_layer_info layer;
    int64_t sum = 0;
    int met = 0;
    assert_int_equal(cnn_model_describe(model, &info, NULL), CNN_OK);
    for (int i = 0; cnn_model_layer(model, i, &layer); i++) {
        sum += layer.parameters;
        if (met < FROZEN && strcmp(layer.name, expected[met].name) == 0) {
            assert_int_equal(layer.parameters, expected[met++].parameters);
        }
    }
    assert_int_equal(met, FROZEN);
    assert_int_equal(info.parameters, sum);
    const int64_t conv1 = 6 * 28, batchnorm = 16, conv4 = 8 * 73, conv6 = 128 * 9, dense = 3 * 257 + 3 * 512;
    assert_int_equal(sum, conv1 + 6 + batchnorm + conv4 + 8 + conv6 + 128 + dense);
    assert_true(info.file_bytes >
                4 * (sum + 6 * 54 + 8 * 54 + 64 + 128 * 128 * 9)); /* the file has them all the same */
    cnn_model_free(model);
    cnn_recipe_free(recipe);
}

/** Of a frozen layer's gradients the plan names no method for the weights', which nobody makes. */
static void plans_leave_their_gradient_out(void **state)
{
    (void)state;
    cnn_recipe *recipe = make_recipe(frozen);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    cnn_pass_list list;
    int gradients = 0;
    assert_int_equal(cnn_model_passes(model, &list, NULL), CNN_OK);
    for (int i = 0; i < list.pass_count; i++) {
        const cnn_pass_info *pass = &list.passes[i];
        if (strncmp(pass->layer, "conv", 4) == 0 && strcmp(pass->pass, "weight gradient") == 0) {
            char name[CNN_TENSOR_NAME];
            snprintf(name, sizeof name, "%s.weight", pass->layer);
            assert_true(is_frozen(name) == (pass->method[0] == '\0'));
            assert_true(!is_frozen(name) || pass->slices == 0);
            gradients++;
        }
    }
    assert_int_equal(gradients, 6); /* conv3 has no bias either */
    cnn_free(list.passes);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
}

/** What a frozen layer's own activation shows is not taken for the layer's before it. */
static void an_inspection_tells_them_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool has_weights, hidden;
        int units;
    } rows[] = {{"conv1", true, true, 6},        {"conv2", false, true, 6},   {"conv3", false, true, 8},
                {"conv4", true, true, 8},        {"conv6", true, false, 128}, {"conv7", false, true, 128},
                {"dense1", true, false, CLASSES}};
    cnn_model *model = make_model(frozen, data);
    cnn_inspection inspection = inspect(model, data, 2);
    assert_int_equal(inspection.layer_count, sizeof rows / sizeof *rows);
    for (int i = 0; i < inspection.layer_count; i++) {
        const cnn_layer_inspection *layer = &inspection.layers[i];
        assert_string_equal(layer->name, rows[i].name);
        assert_int_equal(layer->has_weights, rows[i].has_weights);
        assert_int_equal(layer->hidden, rows[i].hidden);
        assert_int_equal(layer->units, rows[i].units);
        assert_true(layer->has_weights == (layer->weight_norm > 0));
    }
    cnn_free(inspection.layers);
    cnn_model_free(model);
}

/* ---- files */

/** Stopped after each second step and resumed, the training ends with the same file as one that went on. */
static void check_resuming(const char *text)
{
    cnn_recipe *recipe = make_recipe(text);
    cnn_trainer *trainer = make_training(text, 1);
    run_to_end(trainer);
    save_model(trainer, "undisturbed");
    cnn_trainer_free(trainer);
    for (int stop = 1; stop < 3 * (STEPS - 1); stop += 2) {
        cnn_error error = {0};
        trainer = make_training(text, 3);
        run(trainer, stop);
        assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
        cnn_trainer_free(trainer);
        trainer = cnn_trainer_resume(recipe, data, "checkpoint", &(cnn_trainer_options){.threads = 2}, &error);
        if (trainer == NULL) {
            fail_msg("%s", error.message);
        }
        run_to_end(trainer);
        save_model(trainer, "resumed");
        assert_same_file("undisturbed", "resumed");
        cnn_trainer_free(trainer);
    }
    cnn_recipe_free(recipe);
}

static void classify(const cnn_model *model, int threads, float *out)
{
    cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = threads, .batch = 16}, NULL);
    assert_non_null(session);
    assert_int_equal(cnn_session_classify_pixels(session, &pixels[0][0][0][0], IMAGES, out, NULL), CNN_OK);
    cnn_session_free(session);
}

/** A trained model's file reads back to the bit and classifies alike, on any number of threads. */
static void check_file(const char *text)
{
    static float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    cnn_trainer *trainer = make_training(text, 2);
    run_to_end(trainer);
    cnn_model *model = cnn_trainer_model(trainer, NULL);
    assert_int_equal(cnn_model_save(model, "model", NULL), CNN_OK);
    cnn_model *loaded = cnn_model_load("model", NULL);
    assert_non_null(loaded);
    assert_memory_equal(loaded->parameters, trainer->model->parameters, block_size(trainer));
    classify(model, 1, expected);
    for (int threads = 1; threads <= 4; threads++) {
        classify(loaded, threads, found);
        assert_memory_equal(found, expected, sizeof expected);
    }
    cnn_model_free(loaded);
    cnn_model_free(model);
    cnn_trainer_free(trainer);
}

static void files_and_stops_change_nothing(void **state)
{
    (void)state;
    char whitened[512], standardized[512];
    snprintf(whitened, sizeof whitened, scaled, "whiten");
    snprintf(standardized, sizeof standardized, scaled, "standardize-pixels");
    const char *const texts[] = {frozen, whitened, standardized};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check_file(texts[i]);
        check_resuming(texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_weights_stay),
        cmocka_unit_test(tuning_leaves_them_frozen),
        cmocka_unit_test(they_are_no_parameters),
        cmocka_unit_test(plans_leave_their_gradient_out),
        cmocka_unit_test(an_inspection_tells_them_apart),
        cmocka_unit_test(files_and_stops_change_nothing),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

/* Ensembles: means of what the models give alone, whatever their recipes, scalings and orders of classes. */
#include "base/memory.h"
#include "net/model.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { MODELS = 3, IMAGES = 12, SIZE = 6 * 6, CLASSES = 3 };

static const char *const names[MODELS][CLASSES] = {
    {"cat", "dog", "ox"}, {"cat", "dog", "ox"}, {"ox", "cat", "dog"} /* by another order */};
static const int places[MODELS][CLASSES] = {{0, 1, 2}, {0, 1, 2}, {1, 2, 0}}; /* of cat, dog and ox */
static const char *const recipes[MODELS] = {
    "input 6x6x1 scale=symmetric\nconv filters=4\nrelu\ndense units=3\n",
    "input 6x6x1 scale=unit\ndense units=30\nrelu\ndense units=3\n",
    "input 6x6x1\nconv filters=8 kernel=5 padding=same\nbatchnorm\ntanh\nmaxpool size=2\ndense units=3\n",
};

static uint8_t pixels[IMAGES * SIZE];
static cnn_model *models[MODELS];
static float alone[MODELS][IMAGES][CLASSES]; /* in the model's own order */

static cnn_model *make_model(const char *text, uint64_t seed, const char *const *classes, int count)
{
    cnn_recipe *recipe = cnn_recipe_parse(text, "test", NULL);
    cnn_model *model = recipe != NULL ? cnn_model_new(recipe, seed, NULL) : NULL;
    cnn_recipe_free(recipe);
    assert_non_null(model);
    assert_int_equal(cnn_model_set_classes(model, classes, count, NULL), CNN_OK);
    return model;
}

static cnn_session *make_session(int count, int threads, cnn_tta tta)
{
    cnn_error error = {0};
    const cnn_session_options options = {.threads = threads, .batch = 5, .tta = tta};
    cnn_session *session = cnn_session_new_ensemble((const cnn_model *const *)models, count, &options, &error);
    assert_string_equal(error.message, "");
    return session;
}

static void classify_alone(int m, cnn_tta tta, float *probabilities)
{
    cnn_session *session = cnn_session_new(models[m], &(cnn_session_options){.batch = 5, .tta = tta}, NULL);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, probabilities, NULL), CNN_OK);
    cnn_session_free(session);
}

static int set_up(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    for (int m = 0; m < MODELS; m++) {
        models[m] = make_model(recipes[m], (uint64_t)m + 4, names[m], CLASSES);
    }
    assert_int_equal(cnn_model_set_scale(models[2], &(double){0.4}, &(double){0.2}, NULL), CNN_OK);
    for (int m = 0; m < MODELS; m++) {
        classify_alone(m, CNN_TTA_NONE, alone[m][0]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        cnn_model_free(models[m]);
    }
    return 0;
}

/* ---- classifying */

static void probabilities_are_the_mean_by_name(void **state)
{
    (void)state;
    float found[IMAGES][CLASSES];
    for (cnn_tta tta = CNN_TTA_NONE; tta <= CNN_TTA_FLIP_SHIFT; tta++) {
        float members[MODELS][IMAGES][CLASSES];
        for (int m = 0; m < MODELS; m++) {
            classify_alone(m, tta, members[m][0]);
        }
        cnn_session *session = make_session(MODELS, 1, tta);
        assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, found[0], NULL), CNN_OK);
        for (int i = 0; i < IMAGES; i++) {
            for (int c = 0; c < CLASSES; c++) {
                double mean = 0;
                for (int m = 0; m < MODELS; m++) {
                    mean += (double)members[m][i][places[m][c]] / MODELS;
                }
                assert_true(fabs((double)found[i][c] - mean) < 1e-6);
            }
        }
        cnn_session_free(session);
    }
}

static void one_model_is_no_other_than_alone(void **state)
{
    (void)state;
    float found[IMAGES * CLASSES];
    cnn_session *session = make_session(1, 0, CNN_TTA_NONE);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, found, NULL), CNN_OK);
    assert_memory_equal(found, alone[0], sizeof found);
    cnn_session_free(session);
    const cnn_model *const twice[] = {models[0], models[0]};
    session = cnn_session_new_ensemble(twice, 2, &(cnn_session_options){.batch = 5}, NULL);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, found, NULL), CNN_OK);
    assert_memory_equal(found, alone[0], sizeof found); /* x + x and a half of it round nothing */
    cnn_session_free(session);
}

static void threads_do_not_matter_to_the_bit(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    for (int threads = 1; threads <= 4; threads++) {
        cnn_session *session = make_session(MODELS, threads, CNN_TTA_FLIP_SHIFT);
        assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, found, NULL), CNN_OK);
        cnn_session_free(session);
        if (threads == 1) {
            memcpy(expected, found, sizeof expected);
        }
        assert_memory_equal(found, expected, sizeof found);
    }
}

/* ---- evaluating */

/** The first `count` images, labelled in turn from class `first` of these. */
static cnn_dataset *make_data(int count, int first)
{
    static const char *const classes[] = {"dog", "ox", "cat"};
    int labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = (i + first) % CLASSES;
    }
    const cnn_dataset_content content = {pixels, labels, count, {6, 6, 1}, classes, CLASSES};
    cnn_dataset *data = cnn_dataset_new(&content, NULL);
    assert_non_null(data);
    return data;
}

static cnn_evaluation evaluate(cnn_session *session, const cnn_dataset *data)
{
    cnn_error error = {0};
    cnn_evaluation found;
    cnn_session_evaluate(session, data, &found, &error);
    assert_string_equal(error.message, "");
    cnn_session_free(session);
    return found;
}

static void figures_are_those_of_the_mean(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES, 0);
    float mean[IMAGES][CLASSES];
    int confusion[CLASSES * CLASSES] = {0}, correct = 0;
    double loss = 0;
    cnn_session *session = make_session(MODELS, 1, CNN_TTA_NONE);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, mean[0], NULL), CNN_OK);
    const cnn_evaluation found = evaluate(session, data);
    for (int i = 0; i < IMAGES; i++) {
        const int actual = (i + 1) % CLASSES; /* of cat, dog and ox */
        int predicted = 0;
        for (int c = 1; c < CLASSES; c++) {
            predicted = mean[i][c] > mean[i][predicted] ? c : predicted;
        }
        confusion[actual * CLASSES + predicted]++;
        correct += predicted == actual;
        loss -= log((double)mean[i][actual]) / IMAGES;
    }
    assert_int_equal(found.count, IMAGES);
    assert_int_equal(found.correct, correct);
    assert_true(fabs(found.loss - loss) < 1e-5);
    assert_memory_equal(found.confusion, confusion, sizeof confusion);
    cnn_free(found.confusion);
    cnn_dataset_free(data);
}

static void each_model_is_counted_alone(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES, 0);
    const cnn_evaluation found = evaluate(make_session(MODELS, 1, CNN_TTA_FLIP), data);
    bool differ = false;
    assert_int_equal(found.model_count, MODELS);
    for (int m = 0; m < MODELS; m++) {
        const cnn_session_options options = {.batch = 5, .tta = CNN_TTA_FLIP};
        const cnn_evaluation one = evaluate(cnn_session_new(models[m], &options, NULL), data);
        assert_int_equal(one.model_count, 1);
        assert_int_equal(one.model_correct[0], one.correct);
        assert_int_equal(found.model_correct[m], one.correct);
        differ = differ || one.correct != found.model_correct[0];
        cnn_free(one.confusion);
    }
    assert_true(differ);
    cnn_free(found.confusion);
    cnn_dataset_free(data);
}

static double loss_of(const cnn_model *const *ensemble, int count, const cnn_dataset *data)
{
    const cnn_evaluation found = evaluate(cnn_session_new_ensemble(ensemble, count, NULL, NULL), data);
    cnn_free(found.confusion);
    return found.loss;
}

/** Sure models give a class that is right a probability that float has no room for; its logarithm has. */
static void the_loss_of_sure_models_is_finite(void **state)
{
    (void)state;
    cnn_model *sure[2];
    double largest = 0;
    for (int m = 0; m < 2; m++) {
        sure[m] = cnn_model_copy(models[m], NULL);
        for (size_t i = 0; i < sure[m]->network->parameter_count; i++) {
            sure[m]->parameters[i] *= 60;
        }
    }
    for (int label = 0; label < CLASSES; label++) {
        cnn_dataset *data = make_data(1, label);
        const double a = loss_of((const cnn_model *const[]){sure[0]}, 1, data);
        const double b = loss_of((const cnn_model *const[]){sure[1]}, 1, data);
        const double found = loss_of((const cnn_model *const[]){sure[0], sure[1]}, 2, data);
        const double least = fmin(a, b), most = fmax(a, b);
        assert_true(fabs(found - (least - log((1 + exp(least - most)) / 2))) < 1e-9 * (1 + least));
        largest = fmax(largest, found);
        cnn_dataset_free(data);
    }
    assert_true(largest > 200); /* two models are sure of two classes at most */
    cnn_model_free(sure[0]);
    cnn_model_free(sure[1]);
}

/* ---- failures */

static void refuse(const cnn_model *other, const char *what, const char *than)
{
    const cnn_model *const both[] = {models[0], other};
    cnn_error error;
    assert_null(cnn_session_new_ensemble(both, 2, NULL, &error));
    assert_int_equal(error.status, CNN_MISMATCH);
    assert_non_null(strstr(error.message, "model 2 "));
    assert_non_null(strstr(error.message, what));
    assert_non_null(strstr(error.message, than));
}

static void models_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    cnn_model *wide = make_model("input 6x7x1\ndense units=3\n", 1, names[0], CLASSES);
    cnn_model *more = make_model("input 6x6x1\ndense units=4\n", 1, (const char *[]){"cat", "dog", "ox", "yak"}, 4);
    cnn_model *other = make_model("input 6x6x1\ndense units=3\n", 1, (const char *[]){"dog", "cat", "yak"}, CLASSES);
    cnn_model *digit = make_model("input 6x6x1 fit=digit\ndense units=3\n", 1, names[0], CLASSES);
    refuse(wide, "6x7x1", "6x6x1");
    refuse(digit, "fit", "first");
    refuse(more, "4 classes", "3");
    refuse(other, "no class 'ox'", "first");
    cnn_model_free(wide);
    cnn_model_free(digit);
    cnn_model_free(more);
    cnn_model_free(other);
}

static void an_ensemble_needs_models(void **state)
{
    (void)state;
    const cnn_model *const missing[] = {models[0], NULL};
    cnn_error error;
    assert_null(cnn_session_new_ensemble(NULL, 1, NULL, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_null(cnn_session_new_ensemble((const cnn_model *const *)models, 0, NULL, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_null(cnn_session_new_ensemble(missing, 2, NULL, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_null(cnn_session_new(NULL, NULL, &error));
    assert_int_equal(error.status, CNN_USAGE);
}

static void the_model_whose_outputs_are_not_finite_is_named(void **state)
{
    (void)state;
    float probabilities[IMAGES * CLASSES];
    cnn_evaluation untouched = {.count = 42};
    cnn_dataset *data = make_data(IMAGES, 0);
    cnn_model *huge = cnn_model_copy(models[1], NULL);
    cnn_error error;
    for (size_t i = 0; i < huge->network->parameter_count; i++) {
        huge->parameters[i] = (cnn_real)3e38;
    }
    const cnn_model *const both[] = {models[0], huge};
    cnn_session *session = cnn_session_new_ensemble(both, 2, NULL, NULL);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, probabilities, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.message, "image 0: the outputs of model 2 of 2"));
    memset(&error, 0, sizeof error);
    assert_int_equal(cnn_session_evaluate(session, data, &untouched, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.message, "image 0: the outputs of model 2 of 2"));
    assert_int_equal(untouched.count, 42);
    cnn_session_free(session);
    cnn_model_free(huge);
    cnn_dataset_free(data);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_error error;
    cnn_evaluation found = {0};
    cnn_session *session = NULL;
    cnn_dataset *data = make_data(IMAGES, 0);
    const cnn_session_options options = {.threads = 2, .batch = 5, .tta = CNN_TTA_FLIP};
    for (long k = 0; session == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        session = cnn_session_new_ensemble((const cnn_model *const *)models, MODELS, &options, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(session != NULL || error.status == CNN_MEMORY);
    }
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        cnn_alloc_fail_after(k, false);
        status = cnn_session_evaluate(session, data, &found, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || (error.status == CNN_MEMORY && found.confusion == NULL));
    }
    cnn_free(found.confusion);
    cnn_session_free(session);
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_the_mean_by_name),
        cmocka_unit_test(one_model_is_no_other_than_alone),
        cmocka_unit_test(threads_do_not_matter_to_the_bit),
        cmocka_unit_test(figures_are_those_of_the_mean),
        cmocka_unit_test(each_model_is_counted_alone),
        cmocka_unit_test(the_loss_of_sure_models_is_finite),
        cmocka_unit_test(models_that_do_not_fit_are_refused),
        cmocka_unit_test(an_ensemble_needs_models),
        cmocka_unit_test(the_model_whose_outputs_are_not_finite_is_named),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

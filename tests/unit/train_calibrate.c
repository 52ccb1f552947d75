/* Calibration: the temperature is the best one, the threshold leaves few below it, and a training's model has both, or
 * what its recipe says; sessions and evaluations go by them. */
#include "base/memory.h"
#include "base/random.h"
#include "train/calibrate.h"
#include "train/loss.h"
#include "train/session.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 2300, SIDE = 6, SIZE = SIDE * SIDE, CLASSES = 3, ROWS = 2000, FEW = 300 };

static const char network[] = "input 6x6x1\ndense units=12\nrelu\ndense units=3\n";
static const char *const names[] = {"top", "middle", "bottom"};

static uint8_t pixels[IMAGES][SIDE][SIDE];
static int labels[IMAGES];
static cnn_dataset *all, *few;

static cnn_dataset *make_data(int count)
{
    const cnn_dataset_content content = {&pixels[0][0][0], labels, count, {SIDE, SIDE, 1}, names, CLASSES};
    return cnn_dataset_new(&content, NULL);
}

/** Dim noise with a bar whose place is the class, but for one image in ten, which has another class's. */
static int set_up(void **state)
{
    (void)state;
    cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, 0);
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
        const int shown = cnn_random_below(&random, 10) == 0 ? (labels[i] + 1) % CLASSES : labels[i];
        for (int p = 0; p < SIZE; p++) {
            pixels[i][p / SIDE][p % SIDE] = (uint8_t)cnn_random_below(&random, 60);
        }
        for (int x = 0; x < SIDE; x++) {
            pixels[i][2 * shown][x] = (uint8_t)(150 + cnn_random_below(&random, 100));
        }
    }
    all = make_data(IMAGES);
    few = make_data(FEW);
    return all == NULL || few == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_dataset_free(all);
    cnn_dataset_free(few);
    return 0;
}

/* ---- fitting */

static cnn_real logits[ROWS * CLASSES];
static int drawn[ROWS];

/** Logits, and labels drawn with the probabilities softmax(logits / temperature). */
static void draw(double temperature)
{
    cnn_random random = cnn_random_at(2, CNN_RANDOM_AUGMENT, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        cnn_real *row = logits + i * CLASSES, cooled[CLASSES];
        for (int c = 0; c < CLASSES; c++) {
            row[c] = (cnn_real)(cnn_random_below(&random, 8000) * 1e-3);
            cooled[c] = row[c] / (cnn_real)temperature;
        }
        cnn_softmax(cooled, CLASSES, cooled);
        double left = cnn_random_below(&random, 1000000) * 1e-6;
        drawn[i] = 0;
        while (drawn[i] < CLASSES - 1 && left >= (double)cooled[drawn[i]]) {
            left -= (double)cooled[drawn[i]++];
        }
    }
}

/** The sum of the cross-entropies, and the weight in favour of 1. */
static double objective(double temperature, int count)
{
    double sum = 1 / temperature + log(temperature);
    for (int i = 0; i < count; i++) {
        cnn_real cooled[CLASSES];
        for (int c = 0; c < CLASSES; c++) {
            cooled[c] = logits[i * CLASSES + c] / (cnn_real)temperature;
        }
        sum += cnn_cross_entropy(cooled, CLASSES, drawn[i], 0, 1, NULL);
    }
    return sum;
}

static void the_temperature_has_the_least_cross_entropy(void **state)
{
    (void)state;
    static const double temperatures[] = {0.4, 1, 2.5};
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        draw(temperatures[i]);
        const double found = cnn_fit_temperature(logits, drawn, ROWS, CLASSES);
        assert_true(fabs(found / temperatures[i] - 1) < 0.1);
        for (double factor = 1.01; factor < 3; factor *= 1.3) {
            assert_true(objective(found, ROWS) < objective(found * factor, ROWS));
            assert_true(objective(found, ROWS) < objective(found / factor, ROWS));
        }
        assert_true(fabs(found * 1e4 - round(found * 1e4)) < 1e-9);
    }
}

/** By the cross-entropy alone, no temperature is too low where all labels are right, and none too high where all are
 * wrong. */
static void the_temperature_stays_within_reason(void **state)
{
    (void)state;
    static const int counts[] = {1, 12, 2000};
    draw(1);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int r = 0; r < counts[i]; r++) {
            drawn[r] = cnn_argmax(logits + r * CLASSES, CLASSES);
        }
        const double right = cnn_fit_temperature(logits, drawn, counts[i], CLASSES);
        assert_true(right < 1 && right > (counts[i] < 20 ? 0.2 : CNN_TEMPERATURE_LEAST));
        for (int r = 0; r < counts[i]; r++) {
            drawn[r] = (drawn[r] + 1) % CLASSES;
        }
        const double wrong = cnn_fit_temperature(logits, drawn, counts[i], CLASSES);
        assert_true(wrong > 1 && wrong <= CNN_TEMPERATURE_MOST);
    }
}

static void the_threshold_leaves_few_below_it(void **state)
{
    (void)state;
    static const struct {
        int count, below;
    } cases[] = {{199, 0}, {398, 0}, {399, 1}, {1000, 4}, {2000, 9}};
    double values[ROWS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int k = 0; k < cases[i].count; k++) {
            values[k] = (cases[i].count - k) * 0.5 - 100.00005;
        }
        const double threshold = cnn_fit_familiarity(values, cases[i].count);
        assert_true(threshold < values[cases[i].below] && threshold > values[cases[i].below] - 1.1e-4);
    }
    assert_true(cnn_fit_familiarity(values, 198) == (double)-INFINITY);
}

/* ---- trainings */

static cnn_model *train(const cnn_dataset *data, const char *options, int threads)
{
    char text[512];
    cnn_error error = {0};
    cnn_progress progress;
    snprintf(text, sizeof text, "%strain epochs=2 batch=20 lr=0.1 %s\n", network, options);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    cnn_trainer *trainer =
        recipe == NULL ? NULL
                       : cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = threads, .seed = 3}, &error);
    if (trainer == NULL) {
        fail_msg("%s", error.message);
    }
    do {
        assert_int_equal(cnn_trainer_step(trainer, &progress, &error), CNN_OK);
    } while (!progress.done);
    cnn_model *model = cnn_trainer_model(trainer, &error);
    assert_non_null(model);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    return model;
}

static void assert_entry(const cnn_model *model, const char *key, const char *expected)
{
    const char *found = cnn_model_metadata(model, key);
    assert_true((found == NULL) == (expected == NULL));
    if (expected != NULL) {
        assert_string_equal(found, expected);
    }
}

static void a_recipe_may_name_what_is_fitted(void **state)
{
    (void)state;
    static const struct {
        const char *options, *temperature, *familiarity;
    } cases[] = {{"", NULL, NULL},
                 {"temperature=2.5", "2.5", NULL},
                 {"familiarity=-3", NULL, "-3"},
                 {"val=100 temperature=0.5 familiarity=7", "0.5", "7"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_model *model = train(few, cases[i].options, 1);
        assert_entry(model, "temperature", cases[i].temperature);
        assert_entry(model, "familiarity", cases[i].familiarity);
        assert_false(model->has_appearance);
        cnn_model_free(model);
    }
}

static void too_few_images_tell_the_temperature_only(void **state)
{
    (void)state;
    cnn_model *model = train(few, "val=100", 1);
    assert_true(model->temperature != 1 && model->temperature > 0.1 && model->temperature < 10);
    assert_true(isinf(model->familiarity));
    float probabilities[CLASSES], familiarity = 0;
    cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = 1}, NULL);
    assert_true(isnan(cnn_session_familiarity(session)));
    assert_int_equal(cnn_session_assess_pixels(session, pixels[0][0], 1, probabilities, &familiarity, NULL), CNN_OK);
    assert_true(isnan(familiarity));
    cnn_session_free(session);
    cnn_model_free(model);
}

static void numbers_do_not_depend_on_threads(void **state)
{
    (void)state;
    cnn_model *one = train(all, "val=300", 1), *three = train(all, "val=300", 3);
    assert_true(one->temperature == three->temperature && one->familiarity == three->familiarity);
    assert_true(one->has_appearance && three->has_appearance);
    assert_memory_equal(one->appearance, three->appearance, sizeof one->appearance);
    cnn_model_free(one);
    cnn_model_free(three);
}

/** Of the images that the model was made for about as many as planned are called unlike them; of others, all that look
 * different at first sight, and those that only the network finds strange. */
static void strange_images_are_told(void **state)
{
    (void)state;
    static float probabilities[IMAGES][CLASSES], familiarity[IMAGES];
    static uint8_t strange[2][SIDE][SIDE];
    cnn_model *model = train(all, "val=300", 2);
    cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = 1, .batch = 7}, NULL);
    assert_int_equal(cnn_session_assess_pixels(session, pixels[0][0], IMAGES, probabilities[0], familiarity, NULL),
                     CNN_OK);
    assert_true(cnn_session_familiarity(session) == familiarity[IMAGES - 1]);
    int unlike = 0;
    for (int i = 0; i < IMAGES; i++) {
        unlike += familiarity[i] < 0;
    }
    assert_true(unlike > 0 && unlike < IMAGES / 50);
    cnn_evaluation evaluation;
    assert_int_equal(cnn_session_evaluate(session, all, &evaluation, NULL), CNN_OK);
    assert_int_equal(evaluation.unfamiliar, unlike);
    assert_true(evaluation.calibration_error < 0.05);
    cnn_free(evaluation.confusion);

    memset(strange[0], 255, sizeof strange[0]);
    for (int p = 0; p < SIZE; p++) { /* no bar: the noise of one image and the brightness of its bar, mixed up */
        const int other = p * 23 % SIZE;
        strange[1][p / SIDE][p % SIDE] = pixels[0][other / SIDE][other % SIDE];
    }
    assert_int_equal(cnn_session_assess_pixels(session, strange[0][0], 2, probabilities[0], familiarity, NULL), CNN_OK);
    assert_true(familiarity[0] < 0 && familiarity[1] < 0);
    cnn_session_free(session);
    cnn_model_free(model);
}

/* ---- sessions */

static void a_session_divides_by_the_temperature(void **state)
{
    (void)state;
    float warm[CLASSES], cold[CLASSES];
    cnn_model *model = train(few, "temperature=1", 1);
    for (cnn_tta tta = CNN_TTA_NONE; tta <= CNN_TTA_FLIP_SHIFT; tta++) {
        for (int t = 0; t < 2; t++) {
            assert_int_equal(cnn_model_set_temperature(model, t == 0 ? 1 : 2.5, NULL), CNN_OK);
            cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = 1, .tta = tta}, NULL);
            assert_int_equal(cnn_session_classify_pixels(session, pixels[0][0], 1, t == 0 ? cold : warm, NULL), CNN_OK);
            cnn_session_free(session);
        }
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            sum += pow((double)cold[c], 1 / 2.5);
        }
        for (int c = 0; c < CLASSES; c++) {
            assert_true(fabs((double)warm[c] - pow((double)cold[c], 1 / 2.5) / sum) < 1e-5);
        }
    }
    cnn_model_free(model);
}

static void an_ensemble_takes_the_mean(void **state)
{
    (void)state;
    cnn_model *models[] = {train(few, "familiarity=1", 1), train(few, "temperature=2 familiarity=-2", 1),
                           train(few, "", 1)};
    float alone[2], together, probabilities[CLASSES];
    for (int m = 0; m < 2; m++) {
        cnn_session *session = cnn_session_new(models[m], &(cnn_session_options){.threads = 1}, NULL);
        assert_int_equal(cnn_session_assess_pixels(session, pixels[0][0], 1, probabilities, &alone[m], NULL), CNN_OK);
        cnn_session_free(session);
    }
    cnn_session *session =
        cnn_session_new_ensemble((const cnn_model *const *)models, 3, &(cnn_session_options){.threads = 1}, NULL);
    assert_int_equal(cnn_session_assess_pixels(session, pixels[0][0], 1, probabilities, &together, NULL), CNN_OK);
    assert_true(fabs((double)(alone[0] + alone[1]) / 2 - (double)together) < 1e-5 && alone[0] != alone[1]);
    cnn_session_free(session);
    for (int m = 0; m < 3; m++) {
        cnn_model_free(models[m]);
    }
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_error error = {0};
    cnn_progress progress;
    char text[512];
    snprintf(text, sizeof text, "%strain epochs=1 val=250 batch=500\n", network);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    cnn_trainer *trainer = cnn_trainer_new(recipe, all, &(cnn_trainer_options){.threads = 1}, &error);
    assert_int_equal(cnn_trainer_step(trainer, &progress, &error), CNN_OK);
    cnn_model *model = NULL;
    for (long k = 0; model == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        model = cnn_trainer_model(trainer, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(model != NULL || error.status == CNN_MEMORY);
    }
    cnn_model_free(model);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_temperature_has_the_least_cross_entropy),
        cmocka_unit_test(the_temperature_stays_within_reason),
        cmocka_unit_test(the_threshold_leaves_few_below_it),
        cmocka_unit_test(a_recipe_may_name_what_is_fitted),
        cmocka_unit_test(too_few_images_tell_the_temperature_only),
        cmocka_unit_test(numbers_do_not_depend_on_threads),
        cmocka_unit_test(strange_images_are_told),
        cmocka_unit_test(a_session_divides_by_the_temperature),
        cmocka_unit_test(an_ensemble_takes_the_mean),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

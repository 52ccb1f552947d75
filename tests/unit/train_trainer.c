/* Training as a whole, through the public interface: it learns, it does not depend on threads, it resumes to the bit,
 * it says when it diverges, and the wrong recipe, data or checkpoint is named. */
#include "base/file.h"
#include "base/random.h"
#include "cnn.h"
#include "train/trainer.h"
#include "unit/saved.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 150, SIDE = 8, CLASSES = 3 };

static const char *const network = "input 8x8x1\n"
                                   "conv filters=6 kernel=3 padding=same\nbatchnorm\nrelu\nmaxpool size=2\n"
                                   "residual {\n  conv filters=6 padding=same\n  relu\n}\n"
                                   "dense units=128\nrelu\ndropout rate=0.2\ndense units=3\n";

static char folder[64];

/** Noisy images with a bright bar whose place is the class. */
static cnn_dataset *make_data(int count)
{
    static uint8_t pixels[IMAGES][SIDE][SIDE];
    static int labels[IMAGES];
    cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, 0);
    for (int i = 0; i < count; i++) {
        labels[i] = i % CLASSES;
        for (int p = 0; p < SIDE * SIDE; p++) {
            pixels[i][p / SIDE][p % SIDE] = (uint8_t)cnn_random_below(&random, 120);
        }
        for (int x = 0; x < SIDE; x++) {
            pixels[i][1 + 2 * labels[i]][x] = (uint8_t)(150 + cnn_random_below(&random, 100));
        }
    }
    const cnn_dataset_content content = {.pixels = &pixels[0][0][0],
                                         .labels = labels,
                                         .count = count,
                                         .shape = {SIDE, SIDE, 1},
                                         .class_names = (const char *const[]){"top", "middle", "bottom"},
                                         .class_count = CLASSES};
    cnn_dataset *data = cnn_dataset_new(&content, NULL);
    assert_non_null(data);
    return data;
}

static cnn_recipe *make_recipe(const char *train)
{
    char text[1024];
    cnn_error error = {0};
    snprintf(text, sizeof text, "%s%s\n", network, train);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    if (recipe == NULL) {
        fail_msg("%s", error.message);
    }
    return recipe;
}

static const char *const usual =
    "train epochs=8 batch=32 lr=0.1 momentum=0.9 schedule=cosine val=30\naugment brightness=0.1";

static cnn_trainer *make_trainer(const cnn_recipe *recipe, const cnn_dataset *data, int threads)
{
    cnn_error error = {0};
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = threads, .seed = 5}, &error);
    if (trainer == NULL) {
        fail_msg("%s", error.message);
    }
    return trainer;
}

static cnn_progress run_to_end(cnn_trainer *trainer)
{
    cnn_progress progress;
    cnn_error error = {0};
    do {
        if (cnn_trainer_step(trainer, &progress, &error) != CNN_OK) {
            fail_msg("%s", error.message);
        }
    } while (!progress.done);
    return progress;
}

static void assert_same_progress(const cnn_progress *a, const cnn_progress *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->images, b->images);
    assert_int_equal(a->epoch_done, b->epoch_done);
    assert_int_equal(a->validated, b->validated);
    assert_true(a->loss == b->loss && a->accuracy == b->accuracy && a->learning_rate == b->learning_rate);
    assert_true(a->validation_loss == b->validation_loss && a->validation_accuracy == b->validation_accuracy);
    assert_true(a->seconds == b->seconds);
}

static void it_learns(void **state)
{
    (void)state;
    const char *const trains[] = {
        usual,
        "train epochs=8 batch=32 optimizer=adamw lr=0.005 weight-decay=0.01 schedule=linear warmup=1",
        "train epochs=6 batch=16 lr=0.05 momentum=0.9 nesterov=on schedule=step step-every=2 step-factor=0.5 "
        "label-smoothing=0.1",
        "train epochs=8 batch=32 optimizer=adam lr=0.005 weight-decay=0.001 lookahead=5",
        "train epochs=8 batch=32 optimizer=rmsprop lr=0.001 clip=1",
        "train epochs=8 batch=32 optimizer=muon lr=0.02 nesterov=on schedule=linear\naugment mixup=0.2",
    };
    cnn_dataset *data = make_data(IMAGES);
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        cnn_recipe *recipe = make_recipe(trains[i]);
        cnn_trainer *trainer = make_trainer(recipe, data, 2);
        const cnn_progress last = run_to_end(trainer);
        assert_true(last.accuracy > 0.9);
        assert_int_equal(last.validated, i == 0);
        assert_true(!last.validated || last.validation_accuracy > 0.9);
        assert_int_equal(last.images, i == 0 ? IMAGES - 30 : IMAGES);
        assert_int_equal(last.epoch, last.epochs);
        cnn_error error;
        cnn_progress after;
        assert_int_equal(cnn_trainer_step(trainer, &after, &error), CNN_USAGE);
        cnn_trainer_free(trainer);
        cnn_recipe_free(recipe);
    }
    cnn_dataset_free(data);
}

static void threads_and_stops_change_nothing(void **state)
{
    (void)state;
    const char *const trains[] = {
        usual,
        "train epochs=4 batch=32 optimizer=adamw lr=0.003 average=0.9 val=9\naugment flip=alternate elastic=1 erase=1",
        "train epochs=2 batch=32 optimizer=adam lr=0.003 lookahead=4 clip=0.5\naugment mixup=0.3",
        "train epochs=2 batch=32 optimizer=rmsprop lr=0.001 lookahead=3",
        "train epochs=2 batch=32 optimizer=muon nesterov=on weight-decay=0.01 lookahead=7 average=0.5 bias-lr=8",
    };
    cnn_dataset *data = make_data(IMAGES);
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        cnn_recipe *recipe = make_recipe(trains[i]);
        cnn_trainer *trainer = make_trainer(recipe, data, 1);
        cnn_progress progress, resumed;
        run_to_end(trainer);
        save_model(trainer, "undisturbed");
        cnn_trainer_free(trainer);
        for (int stop = 1; stop <= 9; stop += 2) { /* within epochs and at their ends */
            trainer = make_trainer(recipe, data, 3);
            for (int s = 0; s < stop; s++) {
                assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
            }
            assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
            cnn_trainer_free(trainer);
            cnn_error error = {0};
            trainer = cnn_trainer_resume(recipe, data, "checkpoint", &(cnn_trainer_options){.threads = 2}, &error);
            if (trainer == NULL) {
                fail_msg("%s", error.message);
            }
            cnn_trainer_progress(trainer, &resumed);
            assert_same_progress(&resumed, &progress);
            run_to_end(trainer);
            save_model(trainer, "resumed");
            assert_same_file("undisturbed", "resumed");
            assert_true(cnn_trainer_epoch(trainer, 1, &progress) && progress.epoch_done && !progress.done);
            assert_false(cnn_trainer_epoch(trainer, 9, &progress));
            cnn_trainer_free(trainer);
        }
        cnn_recipe_free(recipe);
    }
    cnn_dataset_free(data);
}

/** Tuning changes the last bits alone: it learns alike, and may begin or end at any stop. */
static void tuning_changes_little(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_recipe *recipe = make_recipe(usual);
    cnn_trainer *trainer = make_trainer(recipe, data, 1);
    cnn_progress expected, progress;
    assert_int_equal(cnn_trainer_step(trainer, &expected, NULL), CNN_OK);
    assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
    cnn_trainer_free(trainer);
    for (int tuned = 0; tuned < 2; tuned++) {
        trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.seed = 5, .tune = tuned == 0}, NULL);
        assert_non_null(trainer);
        assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
        assert_true(progress.loss - expected.loss < 1e-4 && expected.loss - progress.loss < 1e-4);
        assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
        cnn_trainer_free(trainer);
        trainer = cnn_trainer_resume(recipe, data, "checkpoint", &(cnn_trainer_options){.tune = tuned == 1}, NULL);
        assert_non_null(trainer);
        assert_true(run_to_end(trainer).validation_accuracy > 0.9);
        cnn_model *model = cnn_trainer_model(trainer, NULL);
        char *text = cnn_recipe_text(recipe, NULL);
        assert_string_equal(cnn_model_metadata(model, "recipe"), text);
        cnn_free(text);
        cnn_model_free(model);
        cnn_trainer_free(trainer);
    }
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
}

static void divergence_is_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_recipe *recipe = cnn_recipe_parse("input 8x8x1\nconv filters=6\ndense units=32\ndense units=3\n"
                                          "train epochs=50 batch=32 lr=1000 momentum=0.9\n",
                                          "test.recipe", NULL);
    cnn_trainer *trainer = make_trainer(recipe, data, 2);
    cnn_error error = {0};
    cnn_progress progress;
    cnn_status status;
    int steps = 0;
    do {
        status = cnn_trainer_step(trainer, &progress, &error);
    } while (status == CNN_OK && ++steps < 200);
    assert_int_equal(status, CNN_DIVERGED);
    assert_non_null(strstr(error.message, "epoch "));
    assert_non_null(strstr(error.message, "step "));
    assert_non_null(strstr(error.message, "lr"));
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
}

/** The last update may have been the one too many: no step will tell. */
static void weights_that_are_not_finite_are_not_kept(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_recipe *recipe = cnn_recipe_parse("input 8x8x1\ndense units=3\n", "test.recipe", NULL);
    cnn_trainer *trainer = make_trainer(recipe, data, 1);
    cnn_error error = {0};
    trainer->model->parameters[5] = (cnn_real)NAN;
    assert_null(cnn_trainer_model(trainer, &error));
    assert_int_equal(error.status, CNN_DIVERGED);
    assert_non_null(strstr(error.message, "the weights are no longer finite: try a smaller lr"));
    assert_int_equal(cnn_trainer_save(trainer, "/nonexistent/checkpoint", &error), CNN_DIVERGED);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
}

static void expect_mismatch(const cnn_recipe *recipe, const cnn_dataset *data, const char *checkpoint,
                            const char *words)
{
    cnn_error error = {0};
    cnn_trainer *trainer = checkpoint != NULL ? cnn_trainer_resume(recipe, data, checkpoint, NULL, &error)
                                              : cnn_trainer_new(recipe, data, NULL, &error);
    assert_null(trainer);
    assert_int_equal(error.status, CNN_MISMATCH);
    if (strstr(error.message, words) == NULL) {
        fail_msg("'%s' does not say '%s'", error.message, words);
    }
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES), *fewer = make_data(IMAGES - 1);
    cnn_recipe *recipe = make_recipe(usual);
    cnn_trainer *trainer = make_trainer(recipe, data, 1);
    cnn_progress progress;
    assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
    assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
    expect_mismatch(recipe, fewer, "checkpoint", "other data");
    assert_int_equal(cnn_recipe_set(recipe, "epochs=9", NULL), CNN_OK);
    expect_mismatch(recipe, data, "checkpoint", "another recipe");
    assert_int_equal(cnn_recipe_set(recipe, "dense2.units=4", NULL), CNN_OK);
    expect_mismatch(recipe, data, NULL, "units=3");
    assert_int_equal(cnn_recipe_set(recipe, "input.shape=9x8x1", NULL), CNN_OK);
    expect_mismatch(recipe, data, NULL, "9x8x1");
    assert_int_equal(cnn_recipe_set(recipe, "val=150", NULL), CNN_OK);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    recipe = make_recipe("train epochs=1 val=150");
    expect_mismatch(recipe, data, NULL, "val=150");
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
    cnn_dataset_free(fewer);
}

/** images= takes so many of those that are not held back, in the data set's order, others with another seed. */
static void a_part_of_the_images(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_recipe *recipe = make_recipe("train epochs=1 val=30 images=40");
    cnn_trainer *trainer = make_trainer(recipe, data, 1);
    bool used[IMAGES] = {false};
    assert_int_equal(trainer->train_count, 40);
    assert_int_equal(trainer->held_back, 30);
    for (int i = 0; i < 70; i++) {
        assert_false(used[trainer->indices[i]]);
        used[trainer->indices[i]] = true;
        assert_true(i == 0 || i == 40 || trainer->indices[i] > trainer->indices[i - 1]);
    }
    cnn_trainer *other = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = 1, .seed = 99}, NULL);
    assert_memory_not_equal(trainer->indices, other->indices, 40 * sizeof *other->indices);
    cnn_trainer_free(other);
    cnn_trainer_free(trainer);
    assert_int_equal(cnn_recipe_set(recipe, "images=5000", NULL), CNN_OK);
    trainer = make_trainer(recipe, data, 1);
    assert_int_equal(trainer->train_count, IMAGES - 30);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
}

static int enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/cnn-trainer-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state)
{
    (void)state;
    const char *const files[] = {"undisturbed", "resumed", "checkpoint"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unlink(files[i]);
    }
    return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns),
        cmocka_unit_test(threads_and_stops_change_nothing),
        cmocka_unit_test(tuning_changes_little),
        cmocka_unit_test(divergence_is_named),
        cmocka_unit_test(weights_that_are_not_finite_are_not_kept),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(a_part_of_the_images),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

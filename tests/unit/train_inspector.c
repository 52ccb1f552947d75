/* Inspections while training: they change nothing, agree with what a step does, are the same for any number of threads
 * and over stops, and old checkpoints do without. */
#include "base/file.h"
#include "base/memory.h"
#include "train/trainer.h"
#include "unit/inspect.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

/* 1000 images are 63 steps, more than an epoch has, unless a test says otherwise. */
static const char *const usual = "input 7x5x3\nconv filters=8 padding=same bias=off\nbatchnorm\nrelu\n"
                                 "conv filters=9 padding=same\nrelu\ndense units=20\nrelu\ndropout rate=0.2\n"
                                 "dense units=3\ntrain epochs=3 batch=16 lr=0.05 val=3\naugment flip=on\n";

static cnn_trainer *make_trainer(const char *text, const cnn_dataset *data, int threads, const char *checkpoint)
{
    cnn_error error = {0};
    const cnn_trainer_options options = {.threads = threads, .seed = 4};
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    cnn_trainer *trainer = checkpoint != NULL ? cnn_trainer_resume(recipe, data, checkpoint, &options, &error)
                                              : cnn_trainer_new(recipe, data, &options, &error);
    if (trainer == NULL) {
        fail_msg("%s", error.message);
    }
    cnn_recipe_free(recipe);
    return trainer;
}

/** Trains so many steps, at most to the end. */
static void train(cnn_trainer *trainer, int steps)
{
    cnn_progress progress = {0};
    cnn_error error = {0};
    for (; steps > 0 && !progress.done; steps--) {
        if (cnn_trainer_step(trainer, &progress, &error) != CNN_OK) {
            fail_msg("%s", error.message);
        }
    }
}

static void assert_same_inspections(const cnn_trainer *a, const cnn_trainer *b)
{
    for (int epoch = 1; epoch <= 3; epoch++) {
        cnn_inspection one, other;
        assert_int_equal(cnn_trainer_inspection(a, epoch, &one, NULL), CNN_OK);
        assert_int_equal(cnn_trainer_inspection(b, epoch, &other, NULL), CNN_OK);
        assert_int_equal(one.images, other.images);
        assert_int_equal(one.layer_count, other.layer_count);
        for (int i = 0; i < one.layer_count; i++) {
            one.layers[i].name = other.layers[i].name = NULL; /* each has its own */
        }
        assert_memory_equal(one.layers, other.layers, (size_t)one.layer_count * sizeof *one.layers);
        assert_true(one.dead == other.dead && one.zeros == other.zeros && one.gradient_norm == other.gradient_norm);
        cnn_free(one.layers);
        cnn_free(other.layers);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *one = make_trainer(usual, data, 1, NULL);
    train(one, INT_MAX);
    for (int threads = 2; threads <= 4; threads++) {
        cnn_trainer *other = make_trainer(usual, data, threads, NULL);
        train(other, INT_MAX);
        assert_same_inspections(one, other);
        cnn_trainer_free(other);
    }
    cnn_trainer_free(one);
    cnn_dataset_free(data);
}

static void looking_on_changes_nothing(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *watched = make_trainer(usual, data, 2, NULL), *alone = make_trainer(usual, data, 2, NULL);
    alone->inspector->first = INT_MAX;
    train(watched, INT_MAX);
    train(alone, INT_MAX);
    assert_memory_equal(watched->model->parameters, alone->model->parameters,
                        watched->model->network->parameter_count * sizeof(cnn_real));
    assert_int_equal(alone->inspector->watch->images, 0);
    cnn_trainer_free(watched);
    cnn_trainer_free(alone);
    cnn_dataset_free(data);
}

/** All of an epoch of fewer than 1000 images; and from whatever step on is set. */
static void the_last_images_are_looked_at(void **state)
{
    (void)state;
    static const struct {
        int batch, first;
    } cases[] = {{1, 0}, {16, 0}, {83, 0}, {500, 0}};
    cnn_dataset *data = make_data(IMAGES);
    for (int i = 0; i < 4; i++) {
        char text[128];
        snprintf(text, sizeof text, "input 7x5x3\nglobalavgpool\ndense units=3\ntrain epochs=1 batch=%d",
                 cases[i].batch);
        cnn_trainer *trainer = make_trainer(text, data, 1, NULL);
        cnn_inspection inspection;
        assert_int_equal(trainer->inspector->first, cases[i].first);
        trainer->inspector->first = trainer->steps - 1;
        train(trainer, INT_MAX);
        assert_int_equal(cnn_trainer_inspection(trainer, 1, &inspection, NULL), CNN_OK);
        const int last = IMAGES % cases[i].batch;
        assert_int_equal(inspection.images, cases[i].batch >= IMAGES ? IMAGES : last ? last : cases[i].batch);
        cnn_free(inspection.layers);
        cnn_trainer_free(trainer);
    }
    cnn_dataset_free(data);
}

/** Plain gradient descent moves by lr times the gradient, and begins where cnn_model_inspect() looks. */
static void the_step_is_what_it_says(void **state)
{
    (void)state;
    const char *text = "input 7x5x3\nconv filters=5\nrelu\ndense units=3\n"
                       "train epochs=1 batch=83 lr=0.25 momentum=0 weight-decay=0 label-smoothing=0.1\n";
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *trainer = make_trainer(text, data, 2, NULL);
    cnn_model *model = cnn_trainer_model(trainer, NULL);
    cnn_inspection before, after;
    assert_int_equal(cnn_model_inspect(model, data, NULL, &before, NULL), CNN_OK);
    train(trainer, INT_MAX);
    assert_int_equal(cnn_trainer_inspection(trainer, 1, &after, NULL), CNN_OK);
    for (int i = 0; i < 2; i++) {
        const cnn_layer_inspection *a = &before.layers[i], *b = &after.layers[i];
        assert_true(fabs(a->gradient_norm - b->gradient_norm) < 1e-4 * a->gradient_norm);
        assert_true(fabs(b->update_ratio * b->weight_norm - 0.25 * b->gradient_norm) < 1e-4 * b->gradient_norm);
        assert_true(fabs(a->mean - b->mean) < 1e-4 && fabs(a->zeros - b->zeros) < 1e-3);
        assert_true(a->weight_norm != b->weight_norm);
    }
    cnn_free(before.layers);
    cnn_free(after.layers);
    cnn_model_free(model);
    cnn_trainer_free(trainer);
    cnn_dataset_free(data);
}

static void unfinished_epochs_have_none(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *trainer = make_trainer(usual, data, 1, NULL);
    cnn_inspection inspection;
    train(trainer, 5 + 2);
    assert_int_equal(cnn_trainer_inspection(trainer, 0, &inspection, NULL), CNN_USAGE);
    assert_int_equal(cnn_trainer_inspection(trainer, 2, &inspection, NULL), CNN_USAGE);
    assert_int_equal(cnn_trainer_inspection(trainer, 1, &inspection, NULL), CNN_OK);
    cnn_free(inspection.layers);
    cnn_trainer_free(trainer);
    cnn_dataset_free(data);
}

static void stops_change_nothing(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *whole = make_trainer(usual, data, 1, NULL);
    train(whole, INT_MAX);
    for (int stop = 1; stop < 15; stop++) {
        cnn_trainer *trainer = make_trainer(usual, data, 2, NULL);
        train(trainer, stop);
        assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
        cnn_trainer_free(trainer);
        trainer = make_trainer(usual, data, 3, "checkpoint");
        train(trainer, INT_MAX);
        assert_same_inspections(whole, trainer);
        cnn_trainer_free(trainer);
    }
    cnn_trainer_free(whole);
    cnn_dataset_free(data);
}

/** Writes the checkpoint anew with another entry, or without it. */
static void change_checkpoint(const cnn_trainer *trainer, const char *key, const char *value)
{
    unsigned char *bytes, *changed;
    size_t size;
    cnn_state_block block = {.prefix = "momentum", .count = trainer->model->network->parameter_count};
    block.values = cnn_alloc(block.count, sizeof *block.values);
    assert_int_equal(cnn_file_read("checkpoint", 1 << 24, &bytes, &size, NULL), CNN_OK);
    cnn_model *model = cnn_model_decode(bytes, size, "checkpoint", &block, 1, NULL);
    assert_non_null(model);
    assert_non_null(cnn_model_metadata(model, key));
    assert_int_equal(cnn_model_set_metadata(model, key, value, NULL), CNN_OK);
    cnn_free(bytes);
    assert_int_equal(cnn_model_encode(model, &block, 1, &changed, &size, NULL), CNN_OK);
    assert_int_equal(cnn_file_write("checkpoint", &(cnn_piece){changed, size}, 1, NULL), CNN_OK);
    cnn_free(changed);
    cnn_free(block.values);
    cnn_model_free(model);
}

static void checkpoints_without_inspections_go_on(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_trainer *trainer = make_trainer(usual, data, 1, NULL);
    cnn_inspection inspection;
    train(trainer, 5 + 2);
    assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
    change_checkpoint(trainer, "checkpoint.inspections", NULL);
    change_checkpoint(trainer, "checkpoint.inspecting", NULL);
    cnn_trainer_free(trainer);
    trainer = make_trainer(usual, data, 1, "checkpoint");
    train(trainer, INT_MAX);
    assert_int_equal(cnn_trainer_inspection(trainer, 1, &inspection, NULL), CNN_USAGE);
    for (int epoch = 2; epoch <= 3; epoch++) {
        assert_int_equal(cnn_trainer_inspection(trainer, epoch, &inspection, NULL), CNN_OK);
        assert_int_equal(inspection.images, epoch == 2 ? IMAGES - 3 - 2 * 16 : IMAGES - 3);
        cnn_free(inspection.layers);
    }
    cnn_trainer_free(trainer);
    cnn_dataset_free(data);
}

/** Entries of a checkpoint, all wrong but the last. */
static const char *const entries[][2] = {
    {"checkpoint.position", "x"},
    {"checkpoint.position", "1 2 0 0 32"}, /* 5 of 7 numbers */
    {"checkpoint.position", "1 2 0 0 32 0 0.05 0"},
    {"checkpoint.position", "4 2 0 0 32 0 0.05"},   /* of 3 epochs */
    {"checkpoint.position", "3 2 0 0 32 0 0.05"},   /* a step behind the last epoch */
    {"checkpoint.position", "1 6 0 0 80 0 0.05"},   /* of 5 steps */
    {"checkpoint.position", "1 1.5 0 0 32 0 0.05"}, /* no count */
    {"checkpoint.position", "1 -2 0 0 32 0 0.05"},
    {"checkpoint.position", "1 2 0 84 32 0 0.05"}, /* right, of 80 */
    {"checkpoint.position", "1 2 0 0 84 0 0.05"},
    {"checkpoint.position", "1 2 0 0 48 0 0.05"}, /* not those of 2 steps */
    {"checkpoint.position", "1 2 0 0 32 -1 0.05"},
    {"checkpoint.position", NULL},
    {"checkpoint.history", ""},
    {"checkpoint.history", "2 80 0 0 0.05 0 0 0 0;"}, /* not the first epoch */
    {"checkpoint.history", "1 84 0 0 0.05 0 0 0 0;"},
    {"checkpoint.history", NULL},
    {"origin.seed", "-1"},
    {"origin.seed", "seed"},
    {"origin.seed", "1 "},
    {"origin.seed", "18446744073709551616"},
    {"origin.seed", NULL},
    {"checkpoint.inspections", "x"},
    {"checkpoint.inspections", "1 80;"},
    {"checkpoint.inspections", "1 80 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0;"}, /* 9 of 8 */
    {"checkpoint.inspections", "4 80 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0;"}, /* epoch */
    {"checkpoint.inspections", "1 84 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0;"}, /* images */
    {"checkpoint.inspections", "1 80 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"},
    {"checkpoint.inspecting", ""},
    {"checkpoint.inspecting", "32 0 0 0 0 11111111 0 0 0 0 000000000 0 0 0 0 00000000000000000000 0 0 0 0 00;"},
    {"checkpoint.inspecting", "32 0 0 0 0 11111112 0 0 0 0 000000000 0 0 0 0 00000000000000000000 0 0 0 0 000;"},
    {"checkpoint.inspecting", "32 0 0 0 0 11111111 0 0 0 0 000000000 0 0 0 0 00000000000000000000 0 0 0 0 000;1"},
    {"checkpoint.inspections", "1 80 nan 0 0 0 0 0 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0;"}, /* good */
};

static void malformed_entries_are_refused(void **state)
{
    (void)state;
    enum { COUNT = sizeof entries / sizeof *entries };
    cnn_dataset *data = make_data(IMAGES);
    cnn_recipe *recipe = cnn_recipe_parse(usual, "test.recipe", NULL);
    cnn_trainer *trainer = make_trainer(usual, data, 1, NULL);
    train(trainer, 5 + 2);
    for (int i = 0; i < COUNT; i++) {
        cnn_error error = {0};
        assert_int_equal(cnn_trainer_save(trainer, "checkpoint", NULL), CNN_OK);
        change_checkpoint(trainer, entries[i][0], entries[i][1]);
        cnn_trainer *resumed = cnn_trainer_resume(recipe, data, "checkpoint", NULL, &error);
        assert_true((resumed != NULL) == (i == COUNT - 1));
        assert_int_equal(error.status, resumed != NULL ? CNN_OK : CNN_FORMAT);
        cnn_trainer_free(resumed);
    }
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    cnn_dataset_free(data);
}

static int enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/cnn-inspector-XXXXXX");
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state)
{
    (void)state;
    unlink("checkpoint");
    return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(looking_on_changes_nothing),
        cmocka_unit_test(the_last_images_are_looked_at),
        cmocka_unit_test(the_step_is_what_it_says),
        cmocka_unit_test(unfinished_epochs_have_none),
        cmocka_unit_test(stops_change_nothing),
        cmocka_unit_test(checkpoints_without_inspections_go_on),
        cmocka_unit_test(malformed_entries_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

/* Every allocation fails in turn, once and from then on, in each step from a recipe to a classified picture, jansson's
 * included. Such a step says that memory is out and leaves its outputs, the trainer, the session and the files as they
 * were: repeated, it gives what it would have given. Leaks are for the sanitized build to find. */
#include "base/memory.h"
#include "unit/picture.h"
#include "unit/saved.h"
#include "unit/scratch.h"

#include <jansson.h>
#include <limits.h>

enum { CLASSES = 3, PICTURES = 4, SIDE = 8 };
enum fault { NO_FAULT, ONCE, FROM_THEN_ON };
/** A step needs memory or not; stb_image tries one format after another, and does without what a wrong one takes. */
enum memory { NONE, NEEDED, DECODING };

static const cnn_shape shape = {SIDE, SIDE, 3};
static const char *const text = "input 8x8x3 scale=standardize\nconv filters=4 padding=same\nbatchnorm\nrelu\n"
                                "maxpool size=2\ndropout rate=0.1\ndense units=3\n"
                                "train epochs=2 batch=4 val=0.25 lr=0.001\naugment shift=1\n";

/** All that the steps read and make; no step may change it and fail. */
typedef struct world {
    cnn_recipe *recipe;
    cnn_dataset *data;
    cnn_trainer *trainer, *resumed;
    cnn_model *model, *loaded;
    cnn_session *session;
    cnn_evaluation evaluation;
    cnn_model_info info;
    float probabilities[3][CLASSES];
} world;

typedef struct step {
    const char *name;
    cnn_status (*run)(world *, cnn_error *);
    void (*undo)(world *); /* NULL: it may be repeated as it is */
    enum memory memory;
} step;

/** The status of a call that gives a handle, which is where it succeeds. */
static cnn_status handle(const void *made, const cnn_error *error)
{
    return made != NULL ? CNN_OK : error->status;
}

/* ---- the steps */

#define CREATING(field, call, release)                                                                                 \
    static cnn_status make_##field(world *w, cnn_error *error)                                                         \
    {                                                                                                                  \
        void *made = call;                                                                                             \
        if (made != NULL) {                                                                                            \
            w->field = made;                                                                                           \
        }                                                                                                              \
        return handle(made, error);                                                                                    \
    }                                                                                                                  \
    static void drop_##field(world *w)                                                                                 \
    {                                                                                                                  \
        release(w->field);                                                                                             \
        w->field = NULL;                                                                                               \
    }

static const cnn_trainer_options two_threads = {.threads = 2, .seed = 3};

static cnn_dataset *open_folder(cnn_error *error)
{
    char spec[128];
    snprintf(spec, sizeof spec, "folder:%s", scratch_path("pictures"));
    return cnn_dataset_open(spec, CNN_SPLIT_TRAIN, shape, error);
}

CREATING(recipe, cnn_recipe_load(scratch_path("a.recipe"), error), cnn_recipe_free)
CREATING(data, open_folder(error), cnn_dataset_free)
CREATING(trainer, cnn_trainer_new(w->recipe, w->data, &two_threads, error), cnn_trainer_free)
CREATING(resumed, cnn_trainer_resume(w->recipe, w->data, scratch_path("checkpoint"), &two_threads, error),
         cnn_trainer_free)
CREATING(model, cnn_trainer_model(w->resumed, error), cnn_model_free)
CREATING(loaded, cnn_model_load(scratch_path("model"), error), cnn_model_free)
CREATING(session, cnn_session_new(w->loaded, &(cnn_session_options){.threads = 2, .tta = CNN_TTA_FLIP}, error),
         cnn_session_free)

static cnn_status train(cnn_trainer *trainer, bool to_the_end, cnn_error *error)
{
    cnn_progress progress;
    cnn_status status;
    do {
        status = cnn_trainer_step(trainer, &progress, error);
    } while (status == CNN_OK && !(to_the_end ? progress.done : progress.epoch_done));
    return status;
}

static cnn_status train_epoch(world *w, cnn_error *error)
{
    return train(w->trainer, false, error);
}

static cnn_status train_rest(world *w, cnn_error *error)
{
    return train(w->resumed, true, error);
}

static cnn_status save_checkpoint(world *w, cnn_error *error)
{
    return cnn_trainer_save(w->trainer, scratch_path("checkpoint"), error);
}

static cnn_status save(world *w, cnn_error *error)
{
    return cnn_model_save(w->model, scratch_path("model"), error);
}

static cnn_status describe(world *w, cnn_error *error)
{
    return cnn_model_describe(w->loaded, &w->info, error);
}

static cnn_status evaluate(world *w, cnn_error *error)
{
    return cnn_session_evaluate(w->session, w->data, &w->evaluation, error);
}

static void forget_evaluation(world *w)
{
    cnn_free(w->evaluation.confusion);
    w->evaluation.confusion = NULL;
}

static cnn_status record(world *w, cnn_error *error)
{
    return cnn_model_record_test(w->loaded, w->data, CNN_TTA_FLIP, &w->evaluation, error);
}

static cnn_status save_recorded(world *w, cnn_error *error)
{
    return cnn_model_save(w->loaded, scratch_path("model"), error);
}

static cnn_status classify_png(world *w, cnn_error *error)
{
    return cnn_session_classify_file(w->session, scratch_path("large.png"), w->probabilities[0], error);
}

static cnn_status classify_bmp(world *w, cnn_error *error)
{
    return cnn_session_classify_file(w->session, scratch_path("large.bmp"), w->probabilities[1], error);
}

static cnn_status classify_jpeg(world *w, cnn_error *error)
{
    return cnn_session_classify_file(w->session, scratch_path("large.jpg"), w->probabilities[2], error);
}

static const step steps[] = {
    {"load a recipe", make_recipe, drop_recipe, NEEDED},
    {"open a data set", make_data, drop_data, DECODING},
    {"prepare a training", make_trainer, drop_trainer, NEEDED},
    {"train an epoch", train_epoch, NULL, NONE},
    {"save a checkpoint", save_checkpoint, NULL, NEEDED},
    {"resume", make_resumed, drop_resumed, NEEDED},
    {"train to the end", train_rest, NULL, NONE},
    {"make the model", make_model, drop_model, NEEDED},
    {"save the model", save, NULL, NEEDED},
    {"load the model", make_loaded, drop_loaded, NEEDED},
    {"describe it", describe, NULL, NEEDED},
    {"open a session", make_session, drop_session, NEEDED},
    {"evaluate", evaluate, forget_evaluation, NEEDED},
    {"record", record, NULL, NEEDED},
    {"save it recorded", save_recorded, NULL, NEEDED},
    {"classify a PNG", classify_png, NULL, DECODING},
    {"classify a BMP", classify_bmp, NULL, DECODING},
    {"classify a JPEG", classify_jpeg, NULL, NEEDED},
};

/* ---- running them */

static void write_picture(const char *name, int columns, int rows, uint32_t seed)
{
    static file out;
    unsigned char values[3 * 32 * 32];
    for (int i = 0; i < 3 * columns * rows; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (unsigned char)(seed >> 24);
    }
    if (strstr(name, ".png") != NULL) {
        make_png(&out, columns, rows, 3, values);
    } else if (strstr(name, ".bmp") != NULL) {
        make_bmp(&out, columns, rows, values);
    } else {
        make_jpeg(&out, columns, rows, 3, values);
    }
    scratch_write(name, out.bytes, out.size);
}

static int set_up(void **state)
{
    static const char *const suffixes[] = {"png", "bmp", "jpg"};
    scratch_setup(state);
    scratch_write("a.recipe", text, strlen(text));
    scratch_folder("pictures");
    for (int i = 0; i < CLASSES; i++) {
        char name[64];
        snprintf(name, sizeof name, "pictures/%d", i);
        scratch_folder(name);
        for (int k = 0; k < PICTURES; k++) {
            snprintf(name, sizeof name, "pictures/%d/%d.%s", i, k, suffixes[k % 3]);
            write_picture(name, 1 + k, 2, (uint32_t)(10 * i + k));
        }
        snprintf(name, sizeof name, "large.%s", suffixes[i]);
        write_picture(name, i < 2 ? 20 : 3, i < 2 ? 16 : 2, 99);
    }
    return 0;
}

/** What a failed step must leave: the world, and the two files that are saved to, with nothing beside them. */
typedef struct snapshot {
    world world;
    unsigned char checkpoint[1 << 16], model[1 << 16];
    size_t checkpoint_size, model_size;
    int files;
} snapshot;

static int count_files(void)
{
    DIR *const open = opendir(scratch);
    int count = 0;
    while (readdir(open) != NULL) {
        count++;
    }
    closedir(open);
    return count;
}

static void take_snapshot(const world *w, snapshot *taken)
{
    taken->world = *w;
    taken->checkpoint_size = scratch_read("checkpoint", taken->checkpoint, sizeof taken->checkpoint);
    taken->model_size = scratch_read("model", taken->model, sizeof taken->model);
    taken->files = count_files();
}

static void assert_untouched(const world *w, const snapshot *before)
{
    static snapshot now;
    take_snapshot(w, &now);
    assert_memory_equal(&now.world, &before->world, sizeof now.world);
    assert_int_equal(now.checkpoint_size, before->checkpoint_size);
    assert_memory_equal(now.checkpoint, before->checkpoint, now.checkpoint_size);
    assert_int_equal(now.model_size, before->model_size);
    assert_memory_equal(now.model, before->model, now.model_size);
    assert_int_equal(now.files, before->files);
}

/** As far as the steps have come, the data set and the probabilities are those of the undisturbed world. */
static void assert_as_expected(const world *w, const world *expected)
{
    assert_int_equal(cnn_dataset_count(w->data), CLASSES * PICTURES);
    for (int i = 0; i < CLASSES * PICTURES; i++) {
        assert_int_equal(cnn_dataset_label(w->data, i), cnn_dataset_label(expected->data, i));
        assert_memory_equal(cnn_dataset_pixels(w->data, i), cnn_dataset_pixels(expected->data, i), SIDE * SIDE * 3);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(w->probabilities[i][0] == 0 ||
                    memcmp(w->probabilities[i], expected->probabilities[i], sizeof w->probabilities[i]) == 0);
    }
}

/** Runs the step with its allocation `k` failing; whether it came to that. */
static bool run_failing(const step *one, world *w, enum fault fault, long k)
{
    static snapshot before;
    cnn_error error = {.status = CNN_OK};
    take_snapshot(w, &before);
    const long count = cnn_alloc_count();
    cnn_alloc_fail_after(k, fault == FROM_THEN_ON);
    const cnn_status status = one->run(w, &error);
    cnn_alloc_fail_after(-1, false);
    if (cnn_alloc_count() - count <= k) {
        assert_int_equal(status, CNN_OK);
        return false;
    }
    if (status == CNN_MEMORY && strstr(error.message, "memory") != NULL) {
        assert_untouched(w, &before);
    } else if (status != CNN_OK || one->memory != DECODING) {
        fail_msg("%s, allocation %ld: status %d, '%s'", one->name, k, status, error.message);
    }
    return true;
}

/** All steps, each repeated with its next allocation failing until none does; how many failed. */
static long run_steps(world *w, enum fault fault, const world *expected)
{
    long total = 0;
    scratch_write("checkpoint", "old", 3);
    scratch_write("model", "old", 3);
    for (const step *one = steps; one < steps + sizeof steps / sizeof *steps; one++) {
        long k = fault == NO_FAULT ? LONG_MAX : 0;
        for (; run_failing(one, w, fault, k); k++) {
            if (w->data != NULL) {
                assert_as_expected(w, expected);
            }
            if (one->undo != NULL) {
                one->undo(w);
            }
        }
        assert_int_equal(k > 0, fault == NO_FAULT || one->memory != NONE);
        total += fault == NO_FAULT ? 0 : k;
    }
    return total;
}

static void drop_all(world *w)
{
    forget_evaluation(w);
    for (size_t i = sizeof steps / sizeof *steps; i-- > 0;) {
        if (steps[i].undo != NULL) {
            steps[i].undo(w);
        }
    }
}

static void failures_are_told_and_change_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"", "once", "from then on"};
    world undisturbed = {0};
    run_steps(&undisturbed, NO_FAULT, NULL);
    assert_int_equal(rename(scratch_path("model"), scratch_path("undisturbed")), 0);
    for (enum fault fault = ONCE; fault <= FROM_THEN_ON; fault++) {
        world w = {0};
        print_message("allocations that failed, %s: %ld\n", names[fault], run_steps(&w, fault, &undisturbed));
        assert_same_file(scratch_path("model"), scratch_path("undisturbed"));
        assert_memory_equal(w.probabilities, undisturbed.probabilities, sizeof w.probabilities);
        assert_int_equal(w.evaluation.correct, undisturbed.evaluation.correct);
        drop_all(&w);
    }
    drop_all(&undisturbed);
}

static void *allocate_for_json(size_t size)
{
    return cnn_alloc_permitted() ? malloc(size) : NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failures_are_told_and_change_nothing, set_up, scratch_teardown),
    };
    json_set_alloc_funcs(allocate_for_json, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

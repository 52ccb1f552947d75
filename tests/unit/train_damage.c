/* Damage to what a training leaves on the disk, a checkpoint with the states of its optimizer and the model itself:
 * they are refused by name, nothing is trained from them, and next to no memory is taken. Every bit and every number
 * of such files is net_damage.c's. */
#include "unit/forge.h"
#include "unit/peak.h"
#include "unit/scratch.h"
#include "unit/training.h"

/** The memory beyond a file's size that refusing it takes. Where only the position is wrong, the trainer is there. */
#define BOUND ((size_t)1024 * 1024)

static const char recipe_text[] = "input 7x5x3\nconv filters=2 padding=same\nbatchnorm\nrelu\nglobalavgpool\n"
                                  "dense units=3\ntrain epochs=4 batch=20 lr=0.01 optimizer=adam average=0.9\n";

static cnn_recipe *recipe;
static file checkpoint, model;

static file read_whole(const char *name)
{
    static unsigned char bytes[1 << 16];
    file result = {0};
    result.size = scratch_read(name, bytes, sizeof bytes);
    result.bytes = malloc(result.size);
    memcpy(result.bytes, bytes, result.size);
    return result;
}

/** A training of an epoch and a half, with its checkpoint and model. */
static int train(void **state)
{
    scratch_setup(state);
    make_training_data(state);
    recipe = make_recipe(recipe_text);
    cnn_trainer *trainer = make_training(recipe_text, 1);
    run(trainer, trainer->steps + 2);
    assert_int_equal(cnn_trainer_save(trainer, scratch_path("checkpoint"), NULL), CNN_OK);
    cnn_model *trained = cnn_trainer_model(trainer, NULL);
    assert_int_equal(cnn_model_save(trained, scratch_path("model"), NULL), CNN_OK);
    cnn_model_free(trained);
    cnn_trainer_free(trainer);
    checkpoint = read_whole("checkpoint");
    model = read_whole("model");
    return 0;
}

static int forget(void **state)
{
    cnn_recipe_free(recipe);
    free(checkpoint.bytes);
    free(model.bytes);
    free_training_data(state);
    return scratch_teardown(state);
}

/** What stands under `path` is refused, as a checkpoint or as a model, with a line that begins with the path and holds
 * `reason`. */
static void assert_path_refused(const char *path, bool resumes, size_t size, const char *reason)
{
    cnn_error error = {0};
    const long begin = peak_begin();
    cnn_trainer *trainer = resumes ? cnn_trainer_resume(recipe, data, path, NULL, &error) : NULL;
    cnn_model *loaded = resumes ? NULL : cnn_model_load(path, &error);
    assert_peak(begin, size, BOUND);
    if (trainer != NULL || loaded != NULL || strncmp(error.message, path, strlen(path)) != 0 ||
        strstr(error.message, reason) == NULL) {
        fail_msg("expected '%s', found '%s'", reason, error.message);
    }
    assert_true(error.status == CNN_FORMAT || error.status == CNN_MISMATCH);
    assert_true(strlen(error.message) > strlen(path) + 10);
    assert_null(strchr(error.message, '\n'));
}

static void the_whole_files_are_read(void **state)
{
    (void)state;
    cnn_error error = {0};
    cnn_trainer *trainer = cnn_trainer_resume(recipe, data, scratch_path("checkpoint"), NULL, &error);
    cnn_model *loaded = cnn_model_load(scratch_path("model"), &error);
    assert_string_equal(error.message, "");
    assert_int_equal(trainer->step, 2);
    cnn_trainer_free(trainer);
    cnn_model_free(loaded);
}

static void files_cut_at_any_length_are_refused(void **state)
{
    (void)state;
    for (int resumes = 0; resumes < 2; resumes++) {
        const file *whole = resumes ? &checkpoint : &model;
        const char *const path = scratch_path("cut");
        scratch_write("cut", whole->bytes, whole->size);
        for (size_t size = whole->size; size-- > 0;) {
            assert_int_equal(truncate(path, (off_t)size), 0);
            assert_path_refused(path, resumes, size, size < 9 ? "is not a cnn model" : "damaged");
        }
    }
}

static void files_with_any_wrong_byte_are_refused(void **state)
{
    (void)state;
    for (int resumes = 0; resumes < 2; resumes++) {
        const file *whole = resumes ? &checkpoint : &model;
        const char *const path = scratch_path("flipped");
        scratch_write("flipped", whole->bytes, whole->size);
        FILE *open = fopen(path, "r+b");
        setvbuf(open, NULL, _IONBF, 0);
        for (size_t at = 0; at < whole->size; at++) {
            fseek(open, (long)at, SEEK_SET);
            fputc(whole->bytes[at] ^ 1 << at % 8, open);
            assert_path_refused(path, resumes, whole->size, "");
            fseek(open, (long)at, SEEK_SET);
            fputc(whole->bytes[at], open);
        }
        fclose(open);
    }
}

/** Sealed checkpoints whose position, history, seed or inspections are not what a training writes. */
static void forged_positions_are_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {"-1",  "0",   "5",   "2147483648", "4294967296", "9223372036854775808",
                                          "0.5", "nan", "inf", "-inf",       "1e308",      "",
                                          "1 1", "0x1", "1;"};
    static const struct {
        const char *key, *reason;
        int count; /* of its first numbers, each of which must be a whole number that is possible */
    } entries[] = {{"checkpoint.position", "position is malformed", 2},
                   {"checkpoint.history", "position is malformed", 1},
                   {"checkpoint.inspections", "position is malformed", 1},
                   {"origin.seed", "seed is malformed", 1}};
    for (size_t e = 0; e < sizeof entries / sizeof entries[0]; e++) {
        char key[64];
        snprintf(key, sizeof key, "\"%s\":\"", entries[e].key);
        const unsigned char *place = find(&checkpoint, key);
        assert_non_null(place);
        size_t at = (size_t)(place - checkpoint.bytes) + strlen(key);
        for (int n = 0; n < entries[e].count; n++) {
            const size_t length = strcspn((const char *)checkpoint.bytes + at, " ;\"");
            for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
                if (strcmp(entries[e].key, "origin.seed") == 0 &&
                    strspn(numbers[i], "0123456789") == strlen(numbers[i]) && numbers[i][0] != '\0') {
                    continue;
                }
                const file forged = splice(&checkpoint, at, length, numbers[i], strlen(numbers[i]));
                scratch_write("forged", forged.bytes, forged.size);
                assert_path_refused(scratch_path("forged"), true, forged.size, entries[e].reason);
                free(forged.bytes);
            }
            at += length + 1;
        }
    }
}

/** Positions of which no number alone is wrong: beyond the last epoch, and a step without its images. */
static void positions_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    static const char *const positions[] = {"5 0 0 0 0 0 0.1",
                                            "4 1 0 0 20 0 0.1",
                                            "1 2 0 0 20 0 0.1",
                                            "1 0 0 0 40 0 0.1",
                                            "0 2 0 0 40 0 0.1",
                                            "1 2 0 41 40 0",
                                            ""};
    static const char key[] = "\"checkpoint.position\":\"";
    const size_t at = (size_t)(find(&checkpoint, key) - checkpoint.bytes) + strlen(key);
    const size_t length = strcspn((const char *)checkpoint.bytes + at, "\"");
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        const file forged = splice(&checkpoint, at, length, positions[i], strlen(positions[i]));
        scratch_write("forged", forged.bytes, forged.size);
        assert_path_refused(scratch_path("forged"), true, forged.size, "position is malformed");
        free(forged.bytes);
    }
}

/** Sound files, but not of this training. */
static void the_files_of_other_trainings_are_refused(void **state)
{
    (void)state;
    assert_path_refused(scratch_path("model"), true, model.size, "is a model, not the checkpoint of a training");
    assert_path_refused(scratch_path("checkpoint"), false, checkpoint.size, "is a checkpoint: go on with");
    static const char *const others[] = {"conv1.filters=3", "optimizer=sgd", "average=0", "lr=0.02"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cnn_recipe *const own = recipe;
        recipe = cnn_recipe_copy(own, NULL);
        assert_int_equal(cnn_recipe_set(recipe, others[i], NULL), CNN_OK);
        assert_path_refused(scratch_path("checkpoint"), true, checkpoint.size, "");
        cnn_recipe_free(recipe);
        recipe = own;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_files_are_read),
        cmocka_unit_test(files_cut_at_any_length_are_refused),
        cmocka_unit_test(files_with_any_wrong_byte_are_refused),
        cmocka_unit_test(forged_positions_are_refused),
        cmocka_unit_test(positions_that_contradict_themselves_are_refused),
        cmocka_unit_test(the_files_of_other_trainings_are_refused),
    };
    return cmocka_run_group_tests(tests, train, forget);
}

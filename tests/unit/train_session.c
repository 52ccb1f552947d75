/* Classifying through the public interface: the right probabilities, for any batch, any threads, from any source. */
#include "base/file.h"
#include "base/memory.h"
#include "train/session.h"
#include "unit/picture.h"
#include "unit/unit.h"

#include <math.h>
#include <unistd.h>

enum { IMAGES = 37, SIZE = 8 * 8 * 3, CLASSES = 5 };

static const char recipe_text[] = "input 8x8x3 scale=symmetric\n"
                                  "conv filters=6 kernel=3 padding=same\nbatchnorm\nrelu\nmaxpool size=2\n"
                                  "residual {\nconv filters=6 kernel=3 padding=same\nrelu\n}\n"
                                  "dense units=300\nrelu\ndropout rate=0.5\ndense units=5\n";

static uint8_t pixels[IMAGES * SIZE];
static cnn_model *model;

static int set_up(void **state)
{
    (void)state;
    cnn_recipe *recipe = cnn_recipe_parse(recipe_text, "test", NULL);
    model = recipe != NULL ? cnn_model_new(recipe, 9, NULL) : NULL;
    cnn_recipe_free(recipe);
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    return model != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_model_free(model);
    return 0;
}

static cnn_session *make_session(int threads, int batch)
{
    cnn_error error = {0};
    cnn_session *session = cnn_session_new(model, &(cnn_session_options){.threads = threads, .batch = batch}, &error);
    assert_string_equal(error.message, "");
    return session;
}

static void classify_all(int threads, int batch, float *probabilities)
{
    cnn_session *session = make_session(threads, batch);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, probabilities, NULL), CNN_OK);
    cnn_session_free(session);
}

static void a_golden_model_classifies_as_ever(void **state)
{
    (void)state;
    cnn_error error = {0};
    cnn_model *golden = cnn_model_load(CNN_TESTS "/golden/tiny.safetensors", &error);
    assert_string_equal(error.message, "");
    cnn_session *session = cnn_session_new(golden, NULL, NULL);
    FILE *expected = fopen(CNN_TESTS "/golden/tiny.expected", "r");
    assert_non_null(expected);
    for (int k = 0; k < 4; k++) {
        uint8_t image[SIZE];
        float probabilities[3];
        for (int i = 0; i < SIZE; i++) {
            image[i] = (uint8_t)((37 * i + 11 * k * k + 5) % 256);
        }
        assert_int_equal(cnn_session_classify_pixels(session, image, 1, probabilities, NULL), CNN_OK);
        for (int c = 0; c < 3; c++) {
            double value;
            assert_int_equal(fscanf(expected, "%lf", &value), 1);
            assert_true(fabs((double)probabilities[c] - value) < 1e-5);
        }
    }
    fclose(expected);
    cnn_session_free(session);
    cnn_model_free(golden);
}

static void batch_normalization_is_folded(void **state)
{
    (void)state;
    cnn_session *session = make_session(1, 1);
    assert_int_equal(session->members[0].folded->network->node_count, model->network->node_count - 2); /* and dropout */
    cnn_session_free(session);
}

static void probabilities_sum_to_one(void **state)
{
    (void)state;
    float probabilities[IMAGES][CLASSES];
    classify_all(0, 0, probabilities[0]);
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            assert_true(probabilities[i][c] > 0 && probabilities[i][c] < 1);
            sum += (double)probabilities[i][c];
        }
        assert_true(fabs(sum - 1) < 1e-6);
    }
    assert_memory_not_equal(probabilities[0], probabilities[1], sizeof probabilities[0]);
}

static void the_batch_does_not_matter(void **state)
{
    (void)state;
    static const int batches[] = {1, 2, 7, 36, 37, 100};
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    classify_all(1, 64, expected);
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
        classify_all(1, batches[b], found);
        for (int i = 0; i < IMAGES * CLASSES; i++) {
            assert_true(fabsf(found[i] - expected[i]) < 1e-6f);
        }
    }
}

static void the_order_does_not_matter(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[CLASSES];
    classify_all(1, 16, expected);
    cnn_session *session = make_session(1, 16);
    for (int i = IMAGES - 1; i >= 0; i--) {
        assert_int_equal(cnn_session_classify_pixels(session, pixels + i * SIZE, 1, found, NULL), CNN_OK);
        for (int c = 0; c < CLASSES; c++) {
            assert_true(fabsf(found[c] - expected[i * CLASSES + c]) < 1e-6f);
        }
    }
    cnn_session_free(session);
}

static void threads_do_not_matter_to_the_bit(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    for (int batch = 1; batch <= 32; batch += 31) {
        classify_all(1, batch, expected);
        for (int threads = 2; threads <= 5; threads++) {
            classify_all(threads, batch, found);
            assert_memory_equal(found, expected, sizeof found);
        }
    }
}

/** A tuned session has a network of its own: the model stays as it was, and gives the same but for the last bits. */
static void tuning_changes_little(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES], again[IMAGES * CLASSES];
    cnn_error error = {0};
    for (int batch = 1; batch <= 16; batch += 15) {
        const cnn_session_options options = {.threads = 2, .batch = batch, .tune = true};
        classify_all(1, batch, expected);
        cnn_session *session = cnn_session_new(model, &options, &error);
        assert_string_equal(error.message, "");
        assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, found, NULL), CNN_OK);
        assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, again, NULL), CNN_OK);
        assert_memory_equal(found, again, sizeof found);
        cnn_session_free(session);
        for (int i = 0; i < IMAGES * CLASSES; i++) {
            assert_true(fabsf(found[i] - expected[i]) < 1e-5f);
        }
        classify_all(1, batch, found);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void a_picture_is_classified_like_its_pixels(void **state)
{
    (void)state;
    static file png;
    char path[] = "/tmp/cnn-picture-XXXXXX";
    float expected[CLASSES], found[CLASSES];
    cnn_session *session = make_session(1, 1);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, expected, NULL), CNN_OK);
    make_png(&png, 8, 8, 3, pixels);
    assert_int_equal(cnn_session_classify_memory(session, png.bytes, png.size, found, NULL), CNN_OK);
    assert_memory_equal(found, expected, sizeof found);
    memset(found, 0, sizeof found);
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, png.bytes, png.size), png.size);
    close(descriptor);
    assert_int_equal(cnn_session_classify_file(session, path, found, NULL), CNN_OK);
    assert_memory_equal(found, expected, sizeof found);
    unlink(path);
    cnn_session_free(session);
}

static void what_cannot_be_classified_is_refused(void **state)
{
    (void)state;
    cnn_error error;
    float untouched[CLASSES] = {7, 7, 7, 7, 7}, expected[CLASSES] = {7, 7, 7, 7, 7};
    cnn_session *session = make_session(1, 4);
    assert_int_equal(cnn_session_classify_file(session, "/none/picture.png", untouched, &error), CNN_IO);
    assert_non_null(strstr(error.message, "/none/picture.png"));
    assert_int_equal(cnn_session_classify_memory(session, "no picture", 10, untouched, &error), CNN_FORMAT);
    assert_int_equal(cnn_session_classify_memory(session, "", 0, untouched, &error), CNN_FORMAT);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, -1, untouched, &error), CNN_USAGE);
    assert_int_equal(cnn_session_classify_pixels(session, NULL, 1, untouched, &error), CNN_USAGE);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, NULL, &error), CNN_USAGE);
    assert_int_equal(cnn_session_classify_pixels(session, NULL, 0, NULL, &error), CNN_OK);
    assert_memory_equal(untouched, expected, sizeof untouched);
    cnn_session_free(session);
    cnn_session_free(NULL);
}

static void senseless_options_are_refused(void **state)
{
    (void)state;
    cnn_error error;
    assert_null(cnn_session_new(model, &(cnn_session_options){.threads = -1}, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_null(cnn_session_new(model, &(cnn_session_options){.batch = -1}, &error));
    assert_int_equal(error.status, CNN_USAGE);
}

static void outputs_that_are_not_finite_are_an_error(void **state)
{
    (void)state;
    cnn_model *huge = cnn_model_copy(model, NULL);
    for (int s = 0; s < huge->network->slot_count; s++) {
        if (cnn_network_tensor(huge->network, s)->role == CNN_ROLE_WEIGHT) {
            huge->parameters[huge->network->slots[s].offset] = (cnn_real)3e38;
        }
    }
    cnn_session *session = cnn_session_new(huge, NULL, NULL);
    uint8_t white[SIZE];
    float probabilities[CLASSES];
    cnn_error error;
    memset(white, 255, sizeof white);
    assert_int_equal(cnn_session_classify_pixels(session, white, 1, probabilities, &error), CNN_DIVERGED);
    cnn_session_free(session);
    cnn_model_free(huge);
}

static void nothing_is_allocated_after_creation(void **state)
{
    (void)state;
    float probabilities[IMAGES * CLASSES];
    cnn_session *session = make_session(2, 8);
    cnn_alloc_fail_after(0, true);
    const cnn_status status = cnn_session_classify_pixels(session, pixels, IMAGES, probabilities, NULL);
    cnn_alloc_fail_after(-1, false);
    assert_int_equal(status, CNN_OK);
    cnn_session_free(session);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_error error;
    for (int tune = 0; tune < 2; tune++) {
        const cnn_session_options options = {.threads = 2, .batch = 4, .tune = tune == 1};
        cnn_session *session = NULL;
        for (long k = 0; session == NULL; k++) {
            cnn_alloc_fail_after(k, false);
            session = cnn_session_new(model, &options, &error);
            cnn_alloc_fail_after(-1, false);
            assert_true(session != NULL || error.status == CNN_MEMORY);
        }
        cnn_session_free(session);
    }
}

static void a_model_is_described(void **state)
{
    (void)state;
    cnn_model_info info;
    cnn_layer_info layer;
    int64_t parameters = 0, multiply_adds = 0;
    assert_int_equal(cnn_model_describe(model, &info, NULL), CNN_OK);
    for (int i = 0; i < info.layer_count; i++) {
        assert_true(cnn_model_layer(model, i, &layer));
        parameters += layer.parameters;
        multiply_adds += layer.multiply_adds;
    }
    assert_false(cnn_model_layer(model, info.layer_count, &layer));
    const int64_t convolutions = 6 * (27 + 1) + 6 * (54 + 1), dense = 300 * (96 + 1) + 5 * (300 + 1);
    assert_int_equal(info.parameters, convolutions + 2 * 6 + dense);
    assert_int_equal(info.parameters, parameters);
    assert_int_equal(info.multiply_adds, multiply_adds);
    assert_int_equal(info.file_bytes, 4 * (parameters + 2 * 6)); /* and the running statistics */
    assert_true(info.inference_bytes > info.file_bytes);
    assert_true(info.training_bytes > 3 * info.file_bytes); /* momentum and gradients, too */
    cnn_error error;
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        cnn_alloc_fail_after(k, false);
        status = cnn_model_describe(model, &info, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || error.status == CNN_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_golden_model_classifies_as_ever),
        cmocka_unit_test(batch_normalization_is_folded),
        cmocka_unit_test(probabilities_sum_to_one),
        cmocka_unit_test(the_batch_does_not_matter),
        cmocka_unit_test(the_order_does_not_matter),
        cmocka_unit_test(threads_do_not_matter_to_the_bit),
        cmocka_unit_test(tuning_changes_little),
        cmocka_unit_test(a_picture_is_classified_like_its_pixels),
        cmocka_unit_test(what_cannot_be_classified_is_refused),
        cmocka_unit_test(senseless_options_are_refused),
        cmocka_unit_test(outputs_that_are_not_finite_are_an_error),
        cmocka_unit_test(nothing_is_allocated_after_creation),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(a_model_is_described),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Test-time augmentation: the logits are the mean that the definition says, over views made here pixel by pixel. */
#include "base/memory.h"
#include "train/session.h"
#include "unit/picture.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 9, MOST = 9 * 7 * 3, CLASSES = 4 };

static const cnn_tta all[] = {CNN_TTA_NONE, CNN_TTA_FLIP, CNN_TTA_FLIP_SHIFT};
enum { TTAS = sizeof all / sizeof *all };

/** Ordinary, odd and as small as can be: where there is one row or column, reflection finds nothing else. */
static const cnn_shape shapes[] = {{7, 9, 3}, {6, 4, 1}, {2, 2, 3}, {1, 5, 1}, {5, 1, 3}, {1, 1, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static uint8_t pixels[IMAGES * MOST];
static cnn_model *models[SHAPES];

static int set_up(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    for (int s = 0; s < SHAPES; s++) {
        char text[200];
        snprintf(text, sizeof text,
                 "input %dx%dx%d scale=symmetric\nconv filters=8 padding=same\nrelu\ndense units=20\nrelu\n"
                 "dense units=4\n",
                 shapes[s].height, shapes[s].width, shapes[s].channels);
        cnn_recipe *recipe = cnn_recipe_parse(text, "test", NULL);
        models[s] = recipe != NULL ? cnn_model_new(recipe, 5, NULL) : NULL;
        cnn_recipe_free(recipe);
        if (models[s] == NULL) {
            return -1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        cnn_model_free(models[s]);
    }
    return 0;
}

static cnn_session *make_session(const cnn_model *model, int threads, int batch, cnn_tta tta)
{
    cnn_error error = {0};
    const cnn_session_options options = {.threads = threads, .batch = batch, .tta = tta};
    cnn_session *session = cnn_session_new(model, &options, &error);
    assert_string_equal(error.message, "");
    return session;
}

/* ---- the definition */

static int reflect(int at, int count)
{
    if (count == 1) {
        return 0;
    }
    return at < 0 ? -at : at >= count ? 2 * (count - 1) - at : at;
}

/** The image shifted to the right and down by `by` pixels, and then mirrored. */
static void make_view(cnn_shape shape, const uint8_t *in, int by, bool mirror, uint8_t *out)
{
    for (int y = 0; y < shape.height; y++) {
        for (int x = 0; x < shape.width; x++) {
            const int shifted_x = mirror ? shape.width - 1 - x : x;
            const int from = reflect(y - by, shape.height) * shape.width + reflect(shifted_x - by, shape.width);
            for (int c = 0; c < shape.channels; c++) {
                *out++ = in[from * shape.channels + c];
            }
        }
    }
}

/** Adds `weight` times the logits of a view's mean with its mirror. */
static void add_pair(cnn_session *plain, cnn_shape shape, const uint8_t *in, int by, double weight, double *logits)
{
    for (int mirror = 0; mirror < 2; mirror++) {
        uint8_t view[MOST];
        make_view(shape, in, by, mirror == 1, view);
        cnn_session_run(plain, view, 1);
        for (int c = 0; c < CLASSES; c++) {
            logits[c] += weight / 2 * (double)cnn_session_logits(plain, 0, 0)[c];
        }
    }
}

static void expect_logits(const cnn_model *model, cnn_tta tta, const uint8_t *in, double *logits)
{
    const cnn_shape shape = cnn_model_input(model);
    cnn_session *plain = make_session(model, 1, 1, CNN_TTA_NONE);
    memset(logits, 0, CLASSES * sizeof *logits);
    if (tta == CNN_TTA_FLIP) {
        add_pair(plain, shape, in, 0, 1, logits);
    } else {
        add_pair(plain, shape, in, 0, 0.5, logits);
        add_pair(plain, shape, in, 1, 0.25, logits);
        add_pair(plain, shape, in, -1, 0.25, logits);
    }
    cnn_session_free(plain);
}

static void logits_are_the_mean_over_the_views(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        const size_t size = cnn_shape_size(shapes[s]);
        for (cnn_tta tta = CNN_TTA_FLIP; tta <= CNN_TTA_FLIP_SHIFT; tta++) {
            cnn_session *session = make_session(models[s], 2, IMAGES, tta);
            cnn_session_run(session, pixels, IMAGES);
            for (int i = 0; i < IMAGES; i++) {
                double expected[CLASSES];
                expect_logits(models[s], tta, pixels + (size_t)i * size, expected);
                for (int c = 0; c < CLASSES; c++) {
                    const double found = (double)cnn_session_logits(session, 0, i)[c];
                    assert_true(fabs(found - expected[c]) < 1e-5 * (1 + fabs(expected[c])));
                }
            }
            cnn_session_free(session);
        }
    }
}

/** Probabilities are those of the mean logits, not the mean of the views' probabilities. */
static void probabilities_are_the_softmax_of_the_mean(void **state)
{
    (void)state;
    float found[CLASSES];
    for (cnn_tta tta = CNN_TTA_FLIP; tta <= CNN_TTA_FLIP_SHIFT; tta++) {
        double logits[CLASSES], sum = 0;
        cnn_session *session = make_session(models[0], 1, 4, tta);
        assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, found, NULL), CNN_OK);
        expect_logits(models[0], tta, pixels, logits);
        for (int c = 0; c < CLASSES; c++) {
            sum += exp(logits[c]);
        }
        for (int c = 0; c < CLASSES; c++) {
            assert_true(fabs((double)found[c] - exp(logits[c]) / sum) < 1e-5);
        }
        cnn_session_free(session);
    }
}

static void classify(cnn_tta tta, int threads, int batch, float *probabilities)
{
    cnn_session *session = make_session(models[0], threads, batch, tta);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, IMAGES, probabilities, NULL), CNN_OK);
    cnn_session_free(session);
}

static void an_image_and_its_mirror_are_alike(void **state)
{
    (void)state;
    for (int t = 0; t < 2; t++) {
        uint8_t mirror[MOST];
        float a[CLASSES], b[CLASSES], most = 0;
        make_view(shapes[0], pixels, 0, true, mirror);
        cnn_session *session = make_session(models[0], 1, 1, all[t]);
        assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, a, NULL), CNN_OK);
        assert_int_equal(cnn_session_classify_pixels(session, mirror, 1, b, NULL), CNN_OK);
        for (int c = 0; c < CLASSES; c++) {
            most = fmaxf(most, fabsf(a[c] - b[c]));
        }
        assert_true(all[t] == CNN_TTA_NONE ? most > 1e-3f : most < 1e-6f);
        cnn_session_free(session);
    }
}

static void threads_do_not_matter_to_the_bit(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    for (int t = 0; t < TTAS; t++) {
        for (int batch = 1; batch <= 4; batch += 3) {
            classify(all[t], 1, batch, expected);
            for (int threads = 2; threads <= 4; threads++) {
                classify(all[t], threads, batch, found);
                assert_memory_equal(found, expected, sizeof found);
            }
        }
    }
}

static void the_batch_does_not_matter(void **state)
{
    (void)state;
    float expected[IMAGES * CLASSES], found[IMAGES * CLASSES];
    for (int t = 0; t < TTAS; t++) {
        classify(all[t], 1, 64, expected);
        for (int batch = 1; batch <= IMAGES; batch++) {
            classify(all[t], 1, batch, found);
            for (int i = 0; i < IMAGES * CLASSES; i++) {
                assert_true(fabsf(found[i] - expected[i]) < 1e-6f);
            }
        }
    }
}

static void pictures_are_looked_at_in_the_same_way(void **state)
{
    (void)state;
    static file png;
    float plain[CLASSES], expected[CLASSES], found[CLASSES];
    make_png(&png, shapes[0].width, shapes[0].height, 3, pixels);
    cnn_session *none = make_session(models[0], 1, 1, CNN_TTA_NONE);
    cnn_session *session = make_session(models[0], 1, 1, CNN_TTA_FLIP_SHIFT);
    assert_int_equal(cnn_session_classify_pixels(none, pixels, 1, plain, NULL), CNN_OK);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, expected, NULL), CNN_OK);
    assert_int_equal(cnn_session_classify_memory(session, png.bytes, png.size, found, NULL), CNN_OK);
    assert_memory_equal(found, expected, sizeof found);
    assert_memory_not_equal(found, plain, sizeof found);
    cnn_session_free(session);
    cnn_session_free(none);
}

static void evaluating_looks_in_the_same_way(void **state)
{
    (void)state;
    static const char *const names[] = {"0", "1", "2", "3"};
    static const int labels[IMAGES] = {0, 1, 2, 3, 0, 1, 2, 3, 0};
    const cnn_dataset_content content = {pixels, labels, IMAGES, shapes[0], names, CLASSES};
    cnn_dataset *data = cnn_dataset_new(&content, NULL);
    double losses[TTAS];
    for (int t = 0; t < TTAS; t++) {
        float probabilities[IMAGES][CLASSES];
        cnn_evaluation found;
        double loss = 0;
        classify(all[t], 1, 4, probabilities[0]);
        cnn_session *session = make_session(models[0], 1, 4, all[t]);
        assert_int_equal(cnn_session_evaluate(session, data, &found, NULL), CNN_OK);
        for (int i = 0; i < IMAGES; i++) {
            loss -= log((double)probabilities[i][labels[i]]) / IMAGES;
        }
        assert_true(fabs(found.loss - loss) < 1e-5);
        losses[t] = found.loss;
        cnn_free(found.confusion);
        cnn_session_free(session);
    }
    assert_true(losses[0] != losses[1] && losses[1] != losses[2]);
    cnn_dataset_free(data);
}

static void an_unknown_augmentation_is_refused(void **state)
{
    (void)state;
    cnn_error error;
    for (int tta = -1; tta <= 3; tta += 4) {
        assert_null(cnn_session_new(models[0], &(cnn_session_options){.tta = (cnn_tta)tta}, &error));
        assert_int_equal(error.status, CNN_USAGE);
    }
}

static void nothing_is_allocated_after_creation(void **state)
{
    (void)state;
    float probabilities[IMAGES * CLASSES];
    cnn_session *session = make_session(models[0], 2, 4, CNN_TTA_FLIP_SHIFT);
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
    const cnn_session_options options = {.threads = 2, .batch = 4, .tta = CNN_TTA_FLIP};
    cnn_session *session = NULL;
    for (long k = 0; session == NULL; k++) {
        cnn_alloc_fail_after(k, false);
        session = cnn_session_new(models[0], &options, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(session != NULL || error.status == CNN_MEMORY);
    }
    cnn_session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_mean_over_the_views),
        cmocka_unit_test(probabilities_are_the_softmax_of_the_mean),
        cmocka_unit_test(an_image_and_its_mirror_are_alike),
        cmocka_unit_test(threads_do_not_matter_to_the_bit),
        cmocka_unit_test(the_batch_does_not_matter),
        cmocka_unit_test(pictures_are_looked_at_in_the_same_way),
        cmocka_unit_test(evaluating_looks_in_the_same_way),
        cmocka_unit_test(an_unknown_augmentation_is_refused),
        cmocka_unit_test(nothing_is_allocated_after_creation),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

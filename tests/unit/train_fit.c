/* A model's fit is what its sessions make images of picture files with. */
#include "image/image.h"
#include "train/session.h"
#include "unit/picture.h"
#include "unit/unit.h"

enum { SIDE = 28, CLASSES = 3 };

static file picture;

static cnn_session *make_session(const char *text, cnn_model **model)
{
    cnn_recipe *const recipe = cnn_recipe_parse(text, "test", NULL);
    *model = recipe != NULL ? cnn_model_new(recipe, 5, NULL) : NULL;
    cnn_recipe_free(recipe);
    assert_non_null(*model);
    cnn_session *const session = cnn_session_new(*model, &(cnn_session_options){.threads = 1, .batch = 1}, NULL);
    assert_non_null(session);
    return session;
}

/** A dark bar on light, off the centre. */
static void make_bar(void)
{
    static unsigned char pixels[80 * 60];
    memset(pixels, 220, sizeof pixels);
    for (int y = 8; y < 38; y++) {
        memset(pixels + y * 80 + 5, 30, 6);
    }
    make_png(&picture, 80, 60, 1, pixels);
}

static void classify_as(cnn_fit fit, const char *text)
{
    cnn_model *model;
    cnn_session *const session = make_session(text, &model);
    uint8_t pixels[SIDE * SIDE];
    float expected[CLASSES], found[CLASSES];
    const cnn_image_form form = {{SIDE, SIDE, 1}, fit};
    assert_int_equal(cnn_model_fit(model), fit);
    assert_int_equal(cnn_image_fit(picture.bytes, picture.size, "p", form, pixels, NULL), CNN_OK);
    assert_int_equal(pixels[0], fit == CNN_FIT_DIGIT ? 0 : 220);
    assert_int_equal(cnn_session_classify_pixels(session, pixels, 1, expected, NULL), CNN_OK);
    assert_int_equal(cnn_session_classify_memory(session, picture.bytes, picture.size, found, NULL), CNN_OK);
    assert_memory_equal(found, expected, sizeof found);
    cnn_session_free(session);
    cnn_model_free(model);
}

static void pictures_are_fitted_as_the_recipe_says(void **state)
{
    (void)state;
    make_bar();
    classify_as(CNN_FIT_CROP, "input 28x28x1\ndense units=3\n");
    classify_as(CNN_FIT_DIGIT, "input 28x28x1 fit=digit\ndense units=3\n");
}

static void pixels_are_not_touched(void **state)
{
    (void)state;
    cnn_model *models[2];
    cnn_session *const crop = make_session("input 28x28x1\ndense units=3\n", &models[0]);
    cnn_session *const digit = make_session("input 28x28x1 fit=digit\ndense units=3\n", &models[1]);
    uint8_t pixels[SIDE * SIDE];
    float expected[CLASSES], found[CLASSES];
    for (int i = 0; i < SIDE * SIDE; i++) {
        pixels[i] = (uint8_t)(i * 37);
    }
    assert_int_equal(cnn_session_classify_pixels(crop, pixels, 1, expected, NULL), CNN_OK);
    assert_int_equal(cnn_session_classify_pixels(digit, pixels, 1, found, NULL), CNN_OK);
    assert_memory_equal(found, expected, sizeof found);
    cnn_session_free(crop);
    cnn_session_free(digit);
    cnn_model_free(models[0]);
    cnn_model_free(models[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_fitted_as_the_recipe_says),
        cmocka_unit_test(pixels_are_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

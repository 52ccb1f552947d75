/* Input scaling that is fitted to the training images: what goes on from it has the moments it promises, and the same
 * numbers are in the model that training gives. */
#include "base/memory.h"
#include "base/random.h"
#include "train/scale.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 120, SIDE = 10, CHANNELS = 3, SIZE = SIDE * SIDE * CHANNELS, KERNEL = 5 };
enum { PATCH = KERNEL * KERNEL * CHANNELS, SMALL = 2 * 3 * CHANNELS };

static uint8_t pixels[IMAGES * SIZE];
static int indices[IMAGES];
static cnn_dataset *data;

/** Smooth images, whose neighbouring pixels are alike, as are their channels; one pixel is the same in all. */
static int set_up(void **state)
{
    (void)state;
    int labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) {
        cnn_random random = cnn_random_at(3, CNN_RANDOM_ORDER, (uint32_t)i, 0);
        const double slope_y = 12 * cnn_random_normal(&random), slope_x = 12 * cnn_random_normal(&random);
        const double base = 128 + 20 * cnn_random_normal(&random);
        for (int p = 0; p < SIZE; p++) {
            const int y = p / (SIDE * CHANNELS), x = p / CHANNELS % SIDE;
            const double value =
                base + slope_y * (y - 5) + slope_x * (x - 5) + 4 * (p % CHANNELS + 1) * cnn_random_normal(&random);
            pixels[i * SIZE + p] = (uint8_t)fmin(fmax(value, 0), 255);
        }
        pixels[i * SIZE + 7] = 9;
        labels[i] = i % 2;
        indices[i] = IMAGES - 1 - i;
    }
    const cnn_dataset_content content = {.pixels = pixels,
                                         .labels = labels,
                                         .count = IMAGES,
                                         .shape = {SIDE, SIDE, CHANNELS},
                                         .class_names = (const char *const[]){"a", "b"},
                                         .class_count = 2};
    data = cnn_dataset_new(&content, NULL);
    return data != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    cnn_dataset_free(data);
    return 0;
}

static cnn_model *unfitted(const char *scale)
{
    char text[120];
    snprintf(text, sizeof text, "input 10x10x3 scale=%s\ndense units=2\n", scale);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test", NULL);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    cnn_recipe_free(recipe);
    assert_non_null(model);
    return model;
}

static cnn_model *fitted(const char *scale)
{
    cnn_model *model = unfitted(scale);
    assert_int_equal(cnn_scale_fit(model, data, indices, IMAGES, NULL), CNN_OK);
    return model;
}

static const cnn_real *tensor(const cnn_model *model, int index)
{
    return model->parameters + model->network->slots[index].offset;
}

static double input_value(const cnn_model *model, int image, int p)
{
    return (pixels[image * SIZE + p] / 255.0 - model->mean[p % CHANNELS]) / model->deviation[p % CHANNELS];
}

static void pixels_are_standardized(void **state)
{
    (void)state;
    cnn_model *model = fitted("standardize-pixels");
    assert_string_equal(model->network->nodes[0].name, "input.standardize");
    const cnn_real *mean = tensor(model, 0), *factor = tensor(model, 1);
    for (int p = 0; p < SIZE; p++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < IMAGES; i++) {
            const double value = (input_value(model, i, p) - (double)mean[p]) * (double)factor[p];
            sum += value / IMAGES;
            squares += value * value / IMAGES;
        }
        assert_true(fabs(sum) < 1e-5);
        assert_true(fabs(squares - (p == 7 ? 0 : 1)) < 1e-5);
        assert_true(factor[p] <= (cnn_real)(255 / 8.0)); /* of pixels that hardly change, too */
    }
    cnn_model_free(model);
}

/** Sums over the patches that the fit takes, every third pixel each way. */
static void measure_covariance(const cnn_model *model, double covariance[PATCH][PATCH])
{
    double patch[PATCH], count = 0;
    for (int i = 0; i < IMAGES; i++) {
        for (int y = 0; y + KERNEL <= SIDE; y += 3) {
            for (int x = 0; x + KERNEL <= SIDE; x += 3) {
                for (int k = 0; k < PATCH; k++) {
                    const int row = y + k / (KERNEL * CHANNELS), column = x + k / CHANNELS % KERNEL;
                    patch[k] = input_value(model, i, (row * SIDE + column) * CHANNELS + k % CHANNELS);
                }
                for (int a = 0; a < PATCH; a++) {
                    for (int b = 0; b < PATCH; b++) {
                        covariance[a][b] += patch[a] * patch[b];
                    }
                }
                count++;
            }
        }
    }
    for (int a = 0; a < PATCH * PATCH; a++) {
        covariance[a / PATCH][a % PATCH] /= count;
    }
}

/** With W = (C + 0.1)^-1/2, W (C + 0.1) W is the identity: of its rows the filters are the centre pixel's. */
static void whitening_decorrelates(void **state)
{
    (void)state;
    static double covariance[PATCH][PATCH];
    cnn_model *model = fitted("whiten");
    assert_string_equal(model->network->nodes[0].name, "input.whiten");
    measure_covariance(model, covariance);
    const cnn_real *weight = tensor(model, 0);
    for (int f = 0; f < CHANNELS; f++) {
        for (int g = 0; g < CHANNELS; g++) {
            double sum = 0;
            for (int a = 0; a < PATCH; a++) {
                for (int b = 0; b < PATCH; b++) {
                    sum += (double)weight[f * PATCH + a] * (covariance[a][b] + (a == b ? 0.1 : 0)) *
                           (double)weight[g * PATCH + b];
                }
            }
            assert_true(fabs(sum - (f == g)) < 1e-4);
        }
        assert_true(weight[f * PATCH + PATCH / CHANNELS / 2 * CHANNELS + f] > 0);
    }
    cnn_model_free(model);
}

/** The second moments of 2x3 patches, of which every third each way is taken. */
static void measure_small_covariance(const cnn_model *model, double covariance[SMALL][SMALL])
{
    double patch[SMALL], count = 0;
    for (int i = 0; i < IMAGES; i++) {
        for (int y = 0; y + 2 <= SIDE; y += 3) {
            for (int x = 0; x + 3 <= SIDE; x += 3) {
                for (int k = 0; k < SMALL; k++) {
                    const int row = y + k / (3 * CHANNELS), column = x + k / CHANNELS % 3;
                    patch[k] = input_value(model, i, (row * SIDE + column) * CHANNELS + k % CHANNELS);
                }
                for (int a = 0; a < SMALL * SMALL; a++) {
                    covariance[a / SMALL][a % SMALL] += patch[a / SMALL] * patch[a % SMALL];
                }
                count++;
            }
        }
    }
    for (int a = 0; a < SMALL * SMALL; a++) {
        covariance[a / SMALL][a % SMALL] /= count;
    }
}

/** a^T C b */
static double product(const cnn_real *a, double covariance[SMALL][SMALL], const cnn_real *b)
{
    double sum = 0;
    for (int k = 0; k < SMALL * SMALL; k++) {
        sum += (double)a[k / SMALL] * covariance[k / SMALL][k % SMALL] * (double)b[k % SMALL];
    }
    return sum;
}

static double norm_squared(const cnn_real *filter)
{
    double sum = 0;
    for (int k = 0; k < SMALL; k++) {
        sum += (double)filter[k] * (double)filter[k];
    }
    return sum;
}

/** What the filters make of the patches is uncorrelated and of variance d / (d + 0.0005), which falls from filter to
 * filter as the eigenvalues d do; the filters beyond the half are negatives. */
static void filters_are_eigenvectors(void **state)
{
    (void)state;
    static double covariance[SMALL][SMALL];
    cnn_recipe *recipe = cnn_recipe_parse("input 10x10x3\nconv filters=23 kernel=2x3 init=whiten frozen=on\nrelu\n"
                                          "conv filters=2 init=zeros\ndense units=2\n",
                                          "test", NULL);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    cnn_recipe_free(recipe);
    assert_int_equal(cnn_scale_fit(model, data, indices, IMAGES, NULL), CNN_OK);
    measure_small_covariance(model, covariance);
    const cnn_real *weight = tensor(model, 0);
    double last = INFINITY;
    for (int f = 0; f < 12; f++) {
        const cnn_real *filter = weight + f * SMALL;
        const double variance = product(filter, covariance, filter), length = norm_squared(filter);
        const double eigenvalue = variance / length;
        assert_true(fabs(length * (eigenvalue + 5e-4) - 1) < 1e-3);
        assert_true(eigenvalue <= last * (1 + 1e-6));
        last = eigenvalue;
        for (int g = 0; g < f; g++) {
            assert_true(fabs(product(filter, covariance, weight + g * SMALL)) < 1e-3);
        }
        for (int k = 0; f < 11 && k < SMALL; k++) {
            assert_true(weight[(12 + f) * SMALL + k] == -filter[k]);
        }
    }
    assert_true(tensor(model, 2)[0] == 0); /* another layer's weights are left alone */
    cnn_model_free(model);
}

/** Training fits to what it trains on, leaves these numbers alone, and they are in the model. */
static void training_keeps_the_fixed_layer(void **state)
{
    (void)state;
    static const char *const scales[] = {"whiten", "standardize-pixels"};
    for (int s = 0; s < 2; s++) {
        char text[160];
        snprintf(text, sizeof text,
                 "input 10x10x3 scale=%s\nconv filters=4\nrelu\ndense units=2\ntrain epochs=2 batch=16 "
                 "weight-decay=0.1\n",
                 scales[s]);
        cnn_recipe *recipe = cnn_recipe_parse(text, "test", NULL);
        cnn_trainer *trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = 2, .seed = 1}, NULL);
        cnn_progress progress = {0};
        while (!progress.done) {
            assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
        }
        cnn_model *trained = cnn_trainer_model(trainer, NULL), *expected = cnn_model_new(recipe, 1, NULL);
        int in_order[IMAGES];
        for (int i = 0; i < IMAGES; i++) {
            in_order[i] = i;
        }
        assert_int_equal(cnn_scale_fit(expected, data, in_order, IMAGES, NULL), CNN_OK);
        assert_memory_equal(tensor(trained, 0), tensor(expected, 0),
                            trained->network->slots[0].count * sizeof(cnn_real));
        cnn_model_free(expected);
        cnn_model_free(trained);
        cnn_trainer_free(trainer);
        cnn_recipe_free(recipe);
    }
}

static void small_images_are_refused(void **state)
{
    (void)state;
    static const uint8_t small[2 * 4 * 4] = {0};
    const cnn_dataset_content content = {.pixels = small,
                                         .labels = (const int[]){0, 1},
                                         .count = 2,
                                         .shape = {4, 4, 1},
                                         .class_names = (const char *const[]){"a", "b"},
                                         .class_count = 2};
    cnn_dataset *few = cnn_dataset_new(&content, NULL);
    cnn_recipe *recipe = cnn_recipe_parse("input 4x4x1 scale=whiten\ndense units=2\n", "test", NULL);
    cnn_model *model = cnn_model_new(recipe, 1, NULL);
    cnn_error error;
    assert_int_equal(cnn_scale_fit(model, few, (const int[]){0, 1}, 2, &error), CNN_MISMATCH);
    assert_string_equal(error.message, "input.whiten: whitening takes patches of 5x5 pixels, the images have 4x4");
    cnn_model_free(model);
    cnn_recipe_free(recipe);
    cnn_dataset_free(few);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    static const char *const scales[] = {"whiten", "standardize-pixels", "standardize"};
    for (int s = 0; s < 3; s++) {
        cnn_model *expected = fitted(scales[s]), *model = unfitted(scales[s]);
        cnn_status status = CNN_MEMORY;
        long failures = 0;
        for (; status != CNN_OK; failures++) {
            cnn_error error = {.status = CNN_OK};
            cnn_alloc_fail_after(failures, false);
            status = cnn_scale_fit(model, data, indices, IMAGES, &error);
            cnn_alloc_fail_after(-1, false);
            assert_int_equal(error.status, status);
        }
        assert_true(failures > (s == 0 ? 3 : 0));
        assert_memory_equal(model->parameters, expected->parameters,
                            model->network->parameter_count * sizeof *model->parameters);
        cnn_model_free(expected);
        cnn_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_standardized),  cmocka_unit_test(whitening_decorrelates),
        cmocka_unit_test(filters_are_eigenvectors), cmocka_unit_test(training_keeps_the_fixed_layer),
        cmocka_unit_test(small_images_are_refused), cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

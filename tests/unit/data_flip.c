/* Alternating flips: any two epochs in a row show an image from both sides, through the loader too. */
#include "data/loader.h"
#include "unit/unit.h"

#include <string.h>

enum { HEIGHT = 2, WIDTH = 3, SIZE = HEIGHT * WIDTH, IMAGES = 200, BATCH = 16 };

static const cnn_shape shape = {HEIGHT, WIDTH, 1};
static const uint8_t picture[SIZE] = {1, 2, 3, 4, 5, 6}, mirrored[SIZE] = {3, 2, 1, 6, 5, 4};

/** Which side an image shows in an epoch. */
static bool is_mirrored(const cnn_augmentation *a, int epoch, int image)
{
    uint8_t out[SIZE];
    cnn_augment(a, shape, (cnn_showing){1, epoch, image}, NULL, picture, out);
    const bool result = memcmp(out, mirrored, SIZE) == 0;
    assert_true(result || memcmp(out, picture, SIZE) == 0);
    return result;
}

static void epochs_take_turns(void **state)
{
    (void)state;
    const cnn_augmentation alternating = {.flip = true, .alternate = true};
    int count = 0;
    for (int image = 0; image < 1000; image++) {
        const bool first = is_mirrored(&alternating, 0, image);
        for (int epoch = 1; epoch < 6; epoch++) {
            assert_int_equal(is_mirrored(&alternating, epoch, image), first != (epoch % 2 == 1));
        }
        count += first;
    }
    assert_in_range(count, 430, 570);
}

/** An image that is not flipped is what it would be without flips. */
static void other_changes_are_drawn_as_without_it(void **state)
{
    (void)state;
    const cnn_augmentation alternating = {.flip = true, .alternate = true};
    const cnn_augmentation alone = {.shift = 2, .brightness = 0.5};
    const cnn_augmentation both = {.shift = 2, .brightness = 0.5, .flip = true, .alternate = true};
    int compared = 0;
    for (int image = 0; image < 200; image++) {
        uint8_t expected[SIZE], found[SIZE];
        cnn_augment(&alone, shape, (cnn_showing){1, 4, image}, NULL, picture, expected);
        cnn_augment(&both, shape, (cnn_showing){1, 4, image}, NULL, picture, found);
        if (!is_mirrored(&alternating, 4, image)) {
            assert_memory_equal(found, expected, SIZE);
            compared++;
        }
    }
    assert_in_range(compared, 60, 140);
}

/** In loaders that begin at different epochs. */
static void the_loader_counts_the_epochs(void **state)
{
    (void)state;
    static uint8_t pixels[IMAGES * SIZE];
    static int labels[IMAGES], indices[IMAGES], order[IMAGES];
    const double mean = 0, deviation = 1.0 / 255;
    for (int i = 0; i < IMAGES; i++) {
        memcpy(pixels + i * SIZE, picture, SIZE);
        indices[i] = i;
    }
    const char *const names[] = {"a", "b"};
    cnn_dataset *data = cnn_dataset_new(&(cnn_dataset_content){pixels, labels, IMAGES, shape, names, 2}, NULL);
    cnn_loader_options options = {.data = data, .indices = indices, .count = IMAGES, .batch = BATCH, .seed = 1};
    options.augments = true;
    options.augmentation = (cnn_augmentation){.flip = true, .alternate = true};
    options.mean = &mean;
    options.deviation = &deviation;
    for (options.epoch = 0; options.epoch < 4; options.epoch++) {
        cnn_batch batch;
        cnn_loader *loader = cnn_loader_new(&options, NULL);
        cnn_loader_order(1, CNN_RANDOM_ORDER, options.epoch, IMAGES, order);
        for (int first = 0; first < IMAGES; first += batch.count) {
            cnn_loader_next(loader, &batch);
            for (int i = 0; i < batch.count; i++) {
                const bool flips = is_mirrored(&options.augmentation, options.epoch, order[first + i]);
                assert_true((batch.images[i * SIZE] > 2) == flips);
            }
        }
        cnn_loader_free(loader);
    }
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_take_turns),
        cmocka_unit_test(other_changes_are_drawn_as_without_it),
        cmocka_unit_test(the_loader_counts_the_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Data sets: specs, the caller's own images, looking at them, their origin. */
#include "base/memory.h"
#include "data/dataset.h"
#include "unit/scratch.h"

static const uint8_t pixels[3 * 2 * 2 * 3] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18,
                                              19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36};
static const int labels[3] = {1, 0, 1};
static const char *const names[2] = {"caf\xC3\xA9", "b"};
static const cnn_dataset_content content = {pixels, labels, 3, {2, 2, 3}, names, 2};

static void content_is_copied_and_found_again(void **state)
{
    (void)state;
    cnn_dataset *const data = cnn_dataset_new(&content, NULL);
    assert_non_null(data);
    assert_int_equal(cnn_dataset_count(data), 3);
    assert_int_equal(cnn_dataset_shape(data).channels, 3);
    assert_int_equal(cnn_dataset_class_count(data), 2);
    assert_string_equal(cnn_dataset_class_name(data, 0), names[0]);
    assert_memory_equal(cnn_dataset_pixels(data, 2), pixels + 24, 12);
    assert_ptr_not_equal(cnn_dataset_pixels(data, 0), pixels);
    assert_int_equal(cnn_dataset_label(data, 2), 1);
    assert_int_equal(cnn_dataset_skipped(data), 0);
    assert_null(cnn_dataset_pixels(data, 3));
    assert_null(cnn_dataset_pixels(data, -1));
    assert_int_equal(cnn_dataset_label(data, 3), -1);
    assert_int_equal(cnn_dataset_label(data, -1), -1);
    assert_null(cnn_dataset_class_name(data, 2));
    assert_null(cnn_dataset_class_name(data, -1));
    cnn_dataset_free(data);
    cnn_dataset_free(NULL);
}

static void refuse(const cnn_dataset_content *wrong, const char *words)
{
    cnn_error error = {0};
    assert_null(cnn_dataset_new(wrong, &error));
    assert_int_equal(error.status, CNN_USAGE);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
}

static void wrong_content_is_refused(void **state)
{
    (void)state;
    const int high[3] = {1, 2, 0}, negative[3] = {0, 0, -1};
    const char *const twice[2] = {"a", "a"}, *const empty[2] = {"a", ""}, *const broken[2] = {"a", "\xC3"},
                      *const lines[2] = {"a", "b\n"};
    cnn_dataset_content wrong = content;
    wrong.labels = high;
    refuse(&wrong, "image 1 has label 2, must be 0 to 1");
    wrong.labels = negative;
    refuse(&wrong, "image 2 has label -1");
    wrong = content;
    wrong.class_names = twice;
    refuse(&wrong, "classes 0 and 1 are both named 'a'");
    wrong.class_names = empty;
    refuse(&wrong, "class 1's name is empty");
    wrong.class_names = broken;
    refuse(&wrong, "not UTF-8");
    wrong.class_names = lines;
    refuse(&wrong, "control characters");
    wrong = content;
    wrong.count = 0;
    refuse(&wrong, "has no images");
    wrong = content;
    wrong.class_count = 0;
    refuse(&wrong, "0 classes");
    wrong = content;
    wrong.shape.channels = 2;
    refuse(&wrong, "channels 1 or 3");
    wrong = content;
    wrong.pixels = NULL;
    refuse(&wrong, "must all be given");
    wrong = content;
    wrong.shape = (cnn_shape){INT32_MAX, INT32_MAX, 3};
    wrong.count = INT32_MAX;
    cnn_error error = {0};
    assert_null(cnn_dataset_new(&wrong, &error));
}

static void refuse_spec(const char *spec, cnn_shape shape, cnn_status status, const char *words)
{
    cnn_error error = {0};
    assert_null(cnn_dataset_open(spec, CNN_SPLIT_TRAIN, shape, &error));
    assert_int_equal(error.status, status);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.message, words);
    }
}

static void wrong_specs_are_answered_with_the_formats(void **state)
{
    (void)state;
    const cnn_shape shape = {28, 28, 1};
    const char *const list = "give one of mnist:DIR, fashion-mnist:DIR, cifar10:DIR, folder:DIR";
    refuse_spec("/some/folder", shape, CNN_USAGE, list);
    refuse_spec("imagenet:/tmp", shape, CNN_USAGE, "unknown format; give one of mnist:DIR");
    refuse_spec("mnis:/tmp", shape, CNN_USAGE, list);
    refuse_spec(":/tmp", shape, CNN_USAGE, list);
    refuse_spec("", shape, CNN_USAGE, list);
    refuse_spec("mnist:", shape, CNN_USAGE, "the folder is missing");
    refuse_spec("mnist:/nonexistent/x", shape, CNN_IO, "there is no folder '/nonexistent/x'");
    refuse_spec("mnist:/dev/null", shape, CNN_IO, "there is no folder '/dev/null'");
    refuse_spec("mnist:/tmp", (cnn_shape){0, 28, 1}, CNN_USAGE, "sides must be positive");
}

static void origin_depends_on_content_alone(void **state)
{
    (void)state;
    uint8_t other_pixels[sizeof pixels];
    const int other_labels[3] = {1, 1, 1};
    const char *const other_names[2] = {"caf\xC3\xA9", "c"};
    memcpy(other_pixels, pixels, sizeof pixels);
    other_pixels[35] ^= 1;
    cnn_dataset_content variants[6] = {content, content, content, content, content, content};
    variants[2].pixels = other_pixels;
    variants[3].labels = other_labels;
    variants[4].class_names = other_names;
    variants[5].shape = (cnn_shape){1, 4, 3};
    char *origins[6];
    for (int i = 0; i < 6; i++) {
        cnn_dataset *const data = cnn_dataset_new(&variants[i], NULL);
        origins[i] = cnn_dataset_origin(data, NULL);
        assert_non_null(origins[i]);
        cnn_dataset_free(data);
    }
    assert_int_equal(strncmp(origins[0], "memory, 3 images, crc32 ", 24), 0);
    assert_int_equal(strlen(origins[0]), 24 + 8);
    assert_string_equal(origins[0], origins[1]);
    for (int i = 2; i < 6; i++) {
        assert_string_not_equal(origins[0], origins[i]);
    }
    for (int i = 0; i < 6; i++) {
        cnn_free(origins[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_copied_and_found_again),
        cmocka_unit_test(wrong_content_is_refused),
        cmocka_unit_test(wrong_specs_are_answered_with_the_formats),
        cmocka_unit_test(origin_depends_on_content_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

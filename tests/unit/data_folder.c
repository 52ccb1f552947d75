/* Folders of pictures: layouts, order, resizing, unreadable pictures. */
#include "base/memory.h"
#include "unit/picture.h"
#include "unit/scratch.h"

static const cnn_shape shape = {4, 4, 1};

/** A grey picture of one value, of any size. */
static void write_picture(const char *name, int width, int height, int value)
{
    static file picture;
    static unsigned char pixels[64 * 64];
    memset(pixels, value, sizeof pixels);
    make_png(&picture, width, height, 1, pixels);
    scratch_write(name, picture.bytes, picture.size);
}

static void refuse(cnn_split split, cnn_status status, const char *const *words)
{
    scratch_refuse("folder", split, shape, status, words);
}

static void assert_images(const cnn_dataset *data, int count, const int *values, const int *labels)
{
    assert_int_equal(cnn_dataset_count(data), count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(cnn_dataset_label(data, i), labels[i]);
        for (int at = 0; at < 16; at++) {
            assert_int_equal(cnn_dataset_pixels(data, i)[at], values[i]);
        }
    }
}

static void classes_and_pictures_are_sorted(void **state)
{
    (void)state;
    scratch_folder("zebra");
    scratch_folder("Ant");
    scratch_folder("\xC3\xA4hre");
    write_picture("zebra/b.PNG", 4, 4, 2);
    write_picture("zebra/a.png", 30, 7, 1);
    write_picture("Ant/x.png", 1, 1, 3);
    write_picture("\xC3\xA4hre/x.png", 64, 64, 4);
    cnn_dataset *const data = scratch_open("folder", CNN_SPLIT_TRAIN, shape);
    assert_int_equal(cnn_dataset_class_count(data), 3);
    assert_string_equal(cnn_dataset_class_name(data, 0), "Ant");
    assert_string_equal(cnn_dataset_class_name(data, 1), "zebra");
    assert_string_equal(cnn_dataset_class_name(data, 2), "\xC3\xA4hre");
    assert_images(data, 4, (const int[]){3, 1, 2, 4}, (const int[]){0, 1, 1, 2});
    assert_int_equal(cnn_dataset_skipped(data), 0);
    cnn_dataset_free(data);
}

static void other_files_are_passed_over_and_folders_below_read(void **state)
{
    (void)state;
    scratch_folder("a");
    scratch_folder("b");
    scratch_folder(".hidden");
    scratch_folder("a/more");
    scratch_folder("a/more/yet");
    write_picture("a/2.png", 4, 4, 20);
    write_picture("a/more/yet/1.png", 4, 4, 10);
    write_picture("a/.thumbnail.png", 4, 4, 99);
    write_picture("b/1.png", 4, 4, 30);
    scratch_write("a/notes.txt", "text", 4);
    scratch_write("labels.csv", "text", 4);
    cnn_dataset *const data = scratch_open("folder", CNN_SPLIT_TEST, shape);
    assert_int_equal(cnn_dataset_class_count(data), 2);
    assert_images(data, 3, (const int[]){20, 10, 30}, (const int[]){0, 0, 1});
    cnn_dataset_free(data);
}

/** A dark bar on light, off the centre: found and placed, white on black, or cropped. */
static void pictures_are_fitted_as_asked(void **state)
{
    (void)state;
    static file picture;
    static unsigned char pixels[60 * 60];
    cnn_error error;
    memset(pixels, 220, sizeof pixels);
    for (int y = 8; y < 38; y++) {
        memset(pixels + y * 60 + 5, 30, 6);
    }
    make_png(&picture, 60, 60, 1, pixels);
    scratch_folder("a");
    scratch_folder("b");
    scratch_write("a/bar.png", picture.bytes, picture.size);
    scratch_write("b/bar.png", picture.bytes, picture.size);
    char spec[600];
    snprintf(spec, sizeof spec, "folder:%s", scratch_path(""));
    cnn_dataset *const plain = cnn_dataset_open(spec, CNN_SPLIT_TRAIN, (cnn_shape){28, 28, 1}, &error);
    cnn_dataset *const digits =
        cnn_dataset_open_fitted(spec, CNN_SPLIT_TRAIN, (cnn_shape){28, 28, 1}, CNN_FIT_DIGIT, &error);
    assert_true(plain != NULL && digits != NULL);
    assert_int_equal(cnn_dataset_pixels(plain, 0)[0], 220);
    assert_int_equal(cnn_dataset_pixels(digits, 0)[0], 0);
    assert_int_equal(cnn_dataset_pixels(digits, 0)[14 * 28 + 14], 255);
    assert_int_equal(cnn_dataset_pixels(digits, 1)[14 * 28 + 14], 255);
    cnn_dataset_free(plain);
    cnn_dataset_free(digits);
    assert_null(cnn_dataset_open_fitted(spec, CNN_SPLIT_TRAIN, (cnn_shape){28, 28, 3}, CNN_FIT_DIGIT, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_null(cnn_dataset_open_fitted(spec, CNN_SPLIT_TRAIN, (cnn_shape){28, 28, 1}, (cnn_fit)9, &error));
    assert_int_equal(error.status, CNN_USAGE);
}

static void train_and_test_are_splits(void **state)
{
    (void)state;
    scratch_folder("train");
    scratch_folder("train/a");
    scratch_folder("train/b");
    write_picture("train/a/1.png", 4, 4, 1);
    write_picture("train/b/1.png", 4, 4, 2);
    refuse(CNN_SPLIT_TEST, CNN_IO, WORDS(scratch, "has train/ but no test/"));
    scratch_folder("test");
    scratch_folder("test/a");
    scratch_folder("test/b");
    scratch_folder("validation");
    write_picture("test/a/1.png", 4, 4, 3);
    write_picture("test/b/1.png", 4, 4, 4);
    cnn_dataset *data = scratch_open("folder", CNN_SPLIT_TRAIN, shape);
    assert_images(data, 2, (const int[]){1, 2}, (const int[]){0, 1});
    cnn_dataset_free(data);
    data = scratch_open("folder", CNN_SPLIT_TEST, shape);
    assert_images(data, 2, (const int[]){3, 4}, (const int[]){0, 1});
    cnn_dataset_free(data);
}

static void a_class_may_be_named_train(void **state)
{
    (void)state;
    scratch_folder("train");
    scratch_folder("ship");
    write_picture("train/1.png", 4, 4, 1);
    write_picture("ship/1.png", 4, 4, 2);
    cnn_dataset *const data = scratch_open("folder", CNN_SPLIT_TRAIN, shape);
    assert_images(data, 2, (const int[]){2, 1}, (const int[]){0, 1});
    assert_string_equal(cnn_dataset_class_name(data, 1), "train");
    cnn_dataset_free(data);
}

static void unreadable_pictures_are_skipped_and_counted(void **state)
{
    (void)state;
    scratch_folder("a");
    scratch_folder("b");
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof name, "a/%02d.png", i);
        if (i % 3 == 0) {
            scratch_write(name, "\x89PNG\r\n\x1A\nrubbish", 15);
        } else {
            write_picture(name, 4, 4, i);
        }
    }
    write_picture("b/good.png", 4, 4, 200);
    scratch_write("b/text.jpg", "text", 4);
    assert_int_equal(symlink("nowhere", scratch_path("b/gone.bmp")), 0);
    cnn_dataset *const data = scratch_open("folder", CNN_SPLIT_TRAIN, shape);
    assert_int_equal(cnn_dataset_count(data), 26 + 1);
    assert_int_equal(cnn_dataset_skipped(data), 14 + 2);
    for (int i = 0, kept = 0; i < 40; i++) {
        if (i % 3 != 0) {
            assert_int_equal(cnn_dataset_pixels(data, kept++)[5], i);
        }
    }
    assert_int_equal(cnn_dataset_pixels(data, 26)[0], 200);
    assert_int_equal(cnn_dataset_label(data, 26), 1);
    cnn_dataset_free(data);
}

static void useless_folders_are_named(void **state)
{
    (void)state;
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS(scratch, "subfolders: 0"));
    scratch_folder("a");
    write_picture("a/1.png", 4, 4, 1);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("subfolders: 1; 2 to 10000 are needed"));
    scratch_folder("b");
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("/b: has no pictures (.jpg .jpeg .png .bmp)"));
    scratch_write("b/1.png", "text", 4);
    scratch_write("b/2.png", "text", 4);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT,
           WORDS("/b: none of its 2 pictures can be read", "b/1.png: not a JPEG, PNG or BMP picture"));
    unlink(scratch_path("b/1.png"));
    unlink(scratch_path("b/2.png"));
    assert_int_equal(symlink(".", scratch_path("b/loop")), 0);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("more than 16 deep: does a link lead back?"));
    scratch_folder("c\n");
    unlink(scratch_path("b/loop"));
    write_picture("b/1.png", 4, 4, 1);
    write_picture("c\n/1.png", 4, 4, 1);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("class 2's name"));
}

static void train_without_classes_is_no_data_set(void **state)
{
    (void)state;
    scratch_folder("train");
    scratch_folder("test");
    write_picture("train/1.png", 4, 4, 1);
    write_picture("test/1.png", 4, 4, 1);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("/train: subfolders: 0", "one for each class"));
}

static void memory_that_is_out_is_said_so(void **state)
{
    (void)state;
    char spec[128];
    scratch_folder("a");
    scratch_folder("b");
    write_picture("a/1.png", 9, 9, 1);
    write_picture("b/1.png", 4, 4, 2);
    snprintf(spec, sizeof spec, "folder:%s", scratch);
    cnn_dataset *data = NULL;
    long allocation = 0;
    for (; data == NULL; allocation++) {
        cnn_error error = {0};
        cnn_alloc_fail_after(allocation, true);
        data = cnn_dataset_open(spec, CNN_SPLIT_TRAIN, shape, &error);
        cnn_alloc_fail_after(-1, false);
        if (data == NULL) {
            assert_int_equal(error.status, CNN_MEMORY);
        }
    }
    assert_true(allocation > 30);
    assert_int_equal(cnn_dataset_skipped(data), 0);
    cnn_dataset_free(data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(pictures_are_fitted_as_asked),
        TEST(classes_and_pictures_are_sorted),
        TEST(other_files_are_passed_over_and_folders_below_read),
        TEST(train_and_test_are_splits),
        TEST(a_class_may_be_named_train),
        TEST(unreadable_pictures_are_skipped_and_counted),
        TEST(useless_folders_are_named),
        TEST(train_without_classes_is_no_data_set),
        TEST(memory_that_is_out_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

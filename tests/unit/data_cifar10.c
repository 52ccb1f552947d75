/* CIFAR-10's binary batches: planes into pixels, names, and what can be wrong. */
#include "unit/scratch.h"

#define RECORD 3073

static const cnn_shape shape = {32, 32, 3};
static unsigned char batch[2 * RECORD];

/** Two records: label `first` and the next; reds 1, greens 2, blues 3, each plus the record's number. */
static void make_batch(int first)
{
    for (int i = 0; i < 2; i++) {
        unsigned char *const record = batch + i * RECORD;
        record[0] = (unsigned char)(first + i);
        for (int plane = 0; plane < 3; plane++) {
            memset(record + 1 + 1024 * plane, 1 + plane + 10 * i, 1024);
        }
        record[1 + 33] = 99; /* red of row 1, column 1 */
    }
}

/** All six files into the subfolder `prefix`, "" for none; batch i has the labels i - 1 and i. */
static void write_all(const char *prefix)
{
    for (int i = 1; i <= 6; i++) {
        char name[64];
        if (i <= 5) {
            snprintf(name, sizeof name, "%sdata_batch_%d.bin", prefix, i);
        } else {
            snprintf(name, sizeof name, "%stest_batch.bin", prefix);
        }
        make_batch(i - 1);
        scratch_write(name, batch, sizeof batch);
    }
}

static void refuse(cnn_split split, cnn_status status, const char *const *words)
{
    scratch_refuse("cifar10", split, shape, status, words);
}

static void planes_become_pixels(void **state)
{
    (void)state;
    write_all("");
    cnn_dataset *const data = scratch_open("cifar10", CNN_SPLIT_TRAIN, shape);
    assert_int_equal(cnn_dataset_count(data), 10);
    for (int i = 0; i < 10; i++) {
        const uint8_t *const pixels = cnn_dataset_pixels(data, i);
        assert_int_equal(cnn_dataset_label(data, i), i / 2 + i % 2);
        for (int at = 0; at < 1024; at++) {
            assert_int_equal(pixels[3 * at], at == 33 ? 99 : 1 + 10 * (i % 2));
            assert_int_equal(pixels[3 * at + 1], 2 + 10 * (i % 2));
            assert_int_equal(pixels[3 * at + 2], 3 + 10 * (i % 2));
        }
    }
    assert_string_equal(cnn_dataset_class_name(data, 0), "airplane");
    cnn_dataset_free(data);
}

static void the_unpacked_folder_may_lie_within(void **state)
{
    (void)state;
    scratch_folder("cifar-10-batches-bin");
    write_all("cifar-10-batches-bin/");
    scratch_write("cifar-10-batches-bin/batches.meta.txt", "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 22);
    cnn_dataset *const data = scratch_open("cifar10", CNN_SPLIT_TEST, shape);
    assert_int_equal(cnn_dataset_count(data), 2);
    assert_int_equal(cnn_dataset_label(data, 0), 5);
    assert_string_equal(cnn_dataset_class_name(data, 1), "b");
    assert_string_equal(cnn_dataset_class_name(data, 9), "j");
    cnn_dataset_free(data);
}

static void faults_are_named(void **state)
{
    (void)state;
    write_all("");
    scratch_refuse("cifar10", CNN_SPLIT_TRAIN, (cnn_shape){28, 28, 1}, CNN_MISMATCH, WORDS("32x32x3", "28x28x1"));
    unlink(scratch_path("data_batch_3.bin"));
    refuse(CNN_SPLIT_TRAIN, CNN_IO, WORDS("data_batch_3.bin", "data/fetch.sh cifar10"));
    scratch_write("data_batch_3.bin", batch, 0);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("data_batch_3.bin: not a CIFAR-10 batch, or cut short"));
    scratch_write("data_batch_3.bin", batch, RECORD + 1);
    refuse(CNN_SPLIT_TRAIN, CNN_FORMAT, WORDS("3074 bytes are no multiple of 3073"));
    make_batch(9);
    scratch_write("test_batch.bin", batch, sizeof batch);
    refuse(CNN_SPLIT_TEST, CNN_FORMAT, WORDS("test_batch.bin: label 1 is 10, must be 0 to 9"));
    scratch_write("batches.meta.txt", "cat\ndog\n", 8);
    refuse(CNN_SPLIT_TEST, CNN_FORMAT, WORDS("batches.meta.txt: must hold 10 class names"));
    scratch_write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n", 22);
    refuse(CNN_SPLIT_TEST, CNN_FORMAT, WORDS("batches.meta.txt: must hold 10 class names"));
    scratch_write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\na\nj\n", 20);
    refuse(CNN_SPLIT_TEST, CNN_FORMAT, WORDS("classes 0 and 8 are both named 'a'"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(planes_become_pixels),
        TEST(the_unpacked_folder_may_lie_within),
        TEST(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

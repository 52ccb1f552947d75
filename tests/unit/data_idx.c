/* MNIST and Fashion-MNIST: good files under all their names, and everything that can be wrong with them. */
#include "base/memory.h"
#include "unit/scratch.h"

static const cnn_shape small = {3, 4, 1};

/** An IDX file in memory. */
typedef struct idx {
    unsigned char bytes[4096];
    size_t size;
} idx;

static void put_u32(idx *out, uint32_t value)
{
    for (int i = 3; i >= 0; i--) {
        out->bytes[out->size++] = (unsigned char)(value >> 8 * i);
    }
}

/** `count` images of 3x4, image i with the bytes 12 i, 12 i + 1, ... */
static void make_images(idx *out, uint32_t count)
{
    out->size = 0;
    put_u32(out, 0x0803);
    put_u32(out, count);
    put_u32(out, 3);
    put_u32(out, 4);
    for (uint32_t i = 0; i < 12 * count; i++) {
        out->bytes[out->size++] = (unsigned char)i;
    }
}

/** Labels 9, 8, 7, ... */
static void make_labels(idx *out, uint32_t count)
{
    out->size = 0;
    put_u32(out, 0x0801);
    put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        out->bytes[out->size++] = (unsigned char)(9 - i % 10);
    }
}

static idx images, labels;

static void write_train(void)
{
    scratch_write("train-images-idx3-ubyte", images.bytes, images.size);
    scratch_write("train-labels-idx1-ubyte", labels.bytes, labels.size);
}

static void refuse_train(cnn_status status, const char *const *words)
{
    scratch_refuse("mnist", CNN_SPLIT_TRAIN, small, status, words);
}

static int setup(void **state)
{
    make_images(&images, 5);
    make_labels(&labels, 5);
    return scratch_setup(state);
}

static void check(const cnn_dataset *data, int count)
{
    assert_int_equal(cnn_dataset_count(data), count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(cnn_dataset_label(data, i), 9 - i);
        assert_memory_equal(cnn_dataset_pixels(data, i), images.bytes + 16 + 12 * i, 12);
    }
}

static void files_are_found_under_all_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"},
                                           {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"},
                                           {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"},
                                           {"train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte.gz"}};
    for (size_t i = 0; i < 4; i++) {
        const idx *const files[2] = {&images, &labels};
        for (int part = 0; part < 2; part++) {
            const char *const name = names[i][part];
            (strstr(name, ".gz") != NULL ? scratch_write_gzip : scratch_write)(name, files[part]->bytes,
                                                                               files[part]->size);
        }
        cnn_dataset *const data = scratch_open("mnist", CNN_SPLIT_TRAIN, small);
        check(data, 5);
        cnn_dataset_free(data);
        unlink(scratch_path(names[i][0]));
        unlink(scratch_path(names[i][1]));
    }
}

static void names_and_splits_are_the_formats(void **state)
{
    (void)state;
    write_train();
    make_images(&images, 2);
    make_labels(&labels, 2);
    scratch_write("t10k-images-idx3-ubyte", images.bytes, images.size);
    scratch_write("t10k-labels-idx1-ubyte", labels.bytes, labels.size);
    cnn_dataset *data = scratch_open("mnist", CNN_SPLIT_TEST, small);
    check(data, 2);
    assert_string_equal(cnn_dataset_class_name(data, 7), "7");
    cnn_dataset_free(data);
    data = scratch_open("fashion-mnist", CNN_SPLIT_TRAIN, small);
    assert_int_equal(cnn_dataset_count(data), 5);
    assert_int_equal(cnn_dataset_class_count(data), 10);
    assert_string_equal(cnn_dataset_class_name(data, 0), "T-shirt/top");
    assert_string_equal(cnn_dataset_class_name(data, 9), "Ankle boot");
    cnn_dataset_free(data);
}

static void gzip_files_may_have_several_members(void **state)
{
    (void)state;
    static unsigned char whole[8192];
    scratch_write_gzip("a", images.bytes, 30);
    scratch_write_gzip("b", images.bytes + 30, images.size - 30);
    size_t size = scratch_read("a", whole, sizeof whole);
    size += scratch_read("b", whole + size, sizeof whole - size);
    scratch_write("train-images-idx3-ubyte.gz", whole, size);
    scratch_write("train-labels-idx1-ubyte", labels.bytes, labels.size);
    cnn_dataset *const data = scratch_open("mnist", CNN_SPLIT_TRAIN, small);
    check(data, 5);
    cnn_dataset_free(data);
}

static void missing_files_are_named_with_what_to_do(void **state)
{
    (void)state;
    refuse_train(CNN_IO, WORDS(scratch, "has no train-images-idx3-ubyte (or .gz)", "data/fetch.sh mnist"));
    scratch_write("train-images-idx3-ubyte", images.bytes, images.size);
    refuse_train(CNN_IO, WORDS("has no train-labels-idx1-ubyte"));
    scratch_refuse("fashion-mnist", CNN_SPLIT_TEST, small, CNN_IO,
                   WORDS("has no t10k-images-idx3-ubyte", "data/fetch.sh fashion-mnist"));
    scratch_folder("t10k-images-idx3-ubyte");
    scratch_refuse("mnist", CNN_SPLIT_TEST, small, CNN_IO, WORDS("no regular file"));
}

static void cut_files_are_refused_at_every_length(void **state)
{
    (void)state;
    write_train();
    for (size_t size = 0; size < images.size; size++) {
        scratch_write("train-images-idx3-ubyte", images.bytes, size);
        refuse_train(CNN_FORMAT, WORDS("train-images-idx3-ubyte: the file is cut short"));
    }
    scratch_write("train-images-idx3-ubyte", images.bytes, images.size);
    for (size_t size = 0; size < labels.size; size++) {
        scratch_write("train-labels-idx1-ubyte", labels.bytes, size);
        refuse_train(CNN_FORMAT, WORDS("train-labels-idx1-ubyte: the file is cut short"));
    }
}

static void cut_or_damaged_gzip_is_refused(void **state)
{
    (void)state;
    static unsigned char packed[4096];
    scratch_write("train-labels-idx1-ubyte", labels.bytes, labels.size);
    scratch_write_gzip("whole", images.bytes, images.size);
    const size_t whole = scratch_read("whole", packed, sizeof packed);
    for (size_t size = 0; size < whole; size++) {
        scratch_write("train-images-idx3-ubyte.gz", packed, size);
        refuse_train(CNN_FORMAT, WORDS("train-images-idx3-ubyte.gz: "));
    }
    for (size_t at = whole - 8; at < whole; at++) { /* checksum and length */
        packed[at] ^= 1;
        scratch_write("train-images-idx3-ubyte.gz", packed, whole);
        refuse_train(CNN_FORMAT, WORDS("the gzip data is damaged", "fetch the file again"));
        packed[at] ^= 1;
    }
}

static void trailing_bytes_are_refused(void **state)
{
    (void)state;
    images.size++;
    write_train();
    refuse_train(CNN_FORMAT, WORDS("train-images-idx3-ubyte: more bytes follow"));
    images.size--;
    labels.size++;
    write_train();
    refuse_train(CNN_FORMAT, WORDS("train-labels-idx1-ubyte: more bytes follow"));
}

static void headers_must_agree_with_what_is_asked_for(void **state)
{
    (void)state;
    write_train();
    scratch_refuse("mnist", CNN_SPLIT_TRAIN, (cnn_shape){4, 3, 1}, CNN_MISMATCH, WORDS("3x4x1", "4x3x1"));
    scratch_refuse("mnist", CNN_SPLIT_TRAIN, (cnn_shape){3, 4, 3}, CNN_MISMATCH, WORDS("3x4x1", "3x4x3"));
    images.bytes[2] = 9;
    write_train();
    refuse_train(CNN_FORMAT, WORDS("not an IDX file of images: begins with 00000903, not 00000803"));
    make_images(&images, 5);
    make_labels(&labels, 4);
    write_train();
    refuse_train(CNN_FORMAT, WORDS("train-labels-idx1-ubyte: 4 labels for 5 images"));
    make_images(&images, 0);
    write_train();
    refuse_train(CNN_FORMAT, WORDS("has no images"));
}

static void labels_must_be_in_range(void **state)
{
    (void)state;
    labels.bytes[8 + 3] = 10;
    write_train();
    refuse_train(CNN_FORMAT, WORDS("train-labels-idx1-ubyte: label 3 is 10, must be 0 to 9"));
}

static void promised_sizes_take_no_memory(void **state)
{
    (void)state;
    memset(images.bytes + 4, 0x7F, 4); /* 2139062143 images */
    write_train();
    refuse_train(CNN_FORMAT, WORDS("cannot hold the 2139062143 images it announces"));
    unlink(scratch_path("train-images-idx3-ubyte"));
    scratch_write_gzip("train-images-idx3-ubyte.gz", images.bytes, images.size);
    refuse_train(CNN_FORMAT, WORDS("cannot hold the 2139062143 images it announces"));
    memset(images.bytes + 8, 0, 8); /* of 0x0 pixels */
    scratch_write_gzip("train-images-idx3-ubyte.gz", images.bytes, images.size);
    refuse_train(CNN_MISMATCH, WORDS("0x0x1"));
}

static void memory_that_is_out_is_said_so(void **state)
{
    (void)state;
    char spec[128];
    scratch_write_gzip("train-images-idx3-ubyte.gz", images.bytes, images.size);
    scratch_write("train-labels-idx1-ubyte", labels.bytes, labels.size);
    snprintf(spec, sizeof spec, "mnist:%s", scratch);
    cnn_dataset *data = NULL;
    long allocation = 0;
    for (; data == NULL; allocation++) {
        cnn_error error = {0};
        cnn_alloc_fail_after(allocation, true);
        data = cnn_dataset_open(spec, CNN_SPLIT_TRAIN, small, &error);
        cnn_alloc_fail_after(-1, false);
        if (data == NULL) {
            assert_int_equal(error.status, CNN_MEMORY);
        }
    }
    assert_true(allocation > 20);
    cnn_dataset_free(data);
}

static void the_real_files_are_read(void **state)
{
    (void)state;
    const char *const spec = "fashion-mnist:/usr/share/datasets/fashion-mnist";
    if (access("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", R_OK) != 0) {
        print_message("dataset-fashion-mnist is not installed\n");
        skip();
    }
    cnn_error error = {0};
    cnn_dataset *const data = cnn_dataset_open(spec, CNN_SPLIT_TEST, (cnn_shape){28, 28, 1}, &error);
    assert_non_null(data);
    assert_int_equal(cnn_dataset_count(data), 10000);
    int counts[10] = {0};
    for (int i = 0; i < 10000; i++) {
        counts[cnn_dataset_label(data, i)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(counts[i], 1000);
    }
    assert_string_equal(cnn_dataset_class_name(data, cnn_dataset_label(data, 0)), "Ankle boot");
    cnn_dataset_free(data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(files_are_found_under_all_names),
        TEST(names_and_splits_are_the_formats),
        TEST(gzip_files_may_have_several_members),
        TEST(missing_files_are_named_with_what_to_do),
        TEST(cut_files_are_refused_at_every_length),
        TEST(cut_or_damaged_gzip_is_refused),
        TEST(trailing_bytes_are_refused),
        TEST(headers_must_agree_with_what_is_asked_for),
        TEST(labels_must_be_in_range),
        TEST(promised_sizes_take_no_memory),
        TEST(memory_that_is_out_is_said_so),
        TEST(the_real_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

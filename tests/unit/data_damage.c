/* Damage to the files of MNIST and CIFAR-10: every length, every bit of a header, sizes that lie, files that unpack to
 * far more than they hold. What is refused takes no memory for what it promised. */
#include "unit/peak.h"
#include "unit/scratch.h"

/** The memory beyond a file's size that refusing it takes: two streams, with what zlib needs. */
#define BOUND ((size_t)320 * 1024)

static const cnn_shape small = {3, 4, 1}, cifar = {32, 32, 3};

enum { IMAGES = 5, IMAGE = 12, RECORD = 3073 };

static unsigned char images[16 + IMAGES * IMAGE], labels[8 + IMAGES];

static void put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> 8 * (3 - i));
    }
}

static void make_header(unsigned char *to, uint32_t magic, uint32_t count, uint32_t height, uint32_t width)
{
    put_u32(to, magic);
    put_u32(to + 4, count);
    if (magic == 0x0803) {
        put_u32(to + 8, height);
        put_u32(to + 12, width);
    }
}

static int setup(void **state)
{
    scratch_setup(state);
    make_header(images, 0x0803, IMAGES, 3, 4);
    make_header(labels, 0x0801, IMAGES, 0, 0);
    for (int i = 0; i < IMAGES * IMAGE; i++) {
        images[16 + i] = (unsigned char)(i * 37);
    }
    for (int i = 0; i < IMAGES; i++) {
        labels[8 + i] = (unsigned char)(2 * i);
    }
    scratch_write("train-images-idx3-ubyte", images, sizeof images);
    scratch_write("train-labels-idx1-ubyte", labels, sizeof labels);
    return 0;
}

/** Refused with a line that names `file` and holds `words`, within `size` bytes and BOUND. */
static void refuse(const char *format, cnn_shape shape, const char *file, const char *words, size_t size)
{
    cnn_error error = {0};
    char spec[128];
    snprintf(spec, sizeof spec, "%s:%s", format, scratch);
    const long begin = peak_begin();
    cnn_dataset *data = cnn_dataset_open(spec, CNN_SPLIT_TRAIN, shape, &error);
    assert_peak(begin, size, BOUND);
    assert_null(data);
    assert_true(error.status == CNN_FORMAT || error.status == CNN_MISMATCH);
    assert_null(strchr(error.message, '\n'));
    if (strstr(error.message, file) == NULL || strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error.message, file, words);
    }
}

static void refuse_images(const char *words)
{
    refuse("mnist", small, "train-images-idx3-ubyte", words, sizeof images);
}

/* ---- IDX */

static void every_bit_of_the_headers_counts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned char *bytes;
        size_t size, header;
    } files[] = {{"train-images-idx3-ubyte", images, sizeof images, 16},
                 {"train-labels-idx1-ubyte", labels, sizeof labels, 8}};
    for (int f = 0; f < 2; f++) {
        for (size_t bit = 0; bit < 8 * files[f].header; bit++) {
            files[f].bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            scratch_write(files[f].name, files[f].bytes, files[f].size);
            refuse("mnist", small, files[f].name, "", files[f].size);
            files[f].bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        scratch_write(files[f].name, files[f].bytes, files[f].size);
    }
    cnn_dataset_free(scratch_open("mnist", CNN_SPLIT_TRAIN, small));
}

static const uint32_t sizes[] = {0,          1,          4,       6,       0x7FFFFFFF, 0x80000000,
                                 0x80000001, 0xFFFFFFFF, 0x10000, 0x10001, 0x15555556, 0x10005};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/** Counts, heights and widths, among them such whose product is the file's own size modulo 2^32. */
static void sizes_that_lie_are_refused(void **state)
{
    (void)state;
    for (int n = 0; n < SIZES; n++) {
        make_header(images, 0x0803, sizes[n], 3, 4);
        scratch_write("train-images-idx3-ubyte", images, sizeof images);
        refuse_images("");
        for (int h = 0; h < SIZES; h++) {
            for (int w = 0; w < SIZES; w++) {
                make_header(images, 0x0803, sizes[n], sizes[h], sizes[w]);
                scratch_write("train-images-idx3-ubyte", images, sizeof images);
                refuse_images("but 3x4x1 is asked for");
            }
        }
    }
    make_header(images, 0x0803, IMAGES, 3, 4);
    scratch_write("train-images-idx3-ubyte", images, sizeof images);
    for (int n = 0; n < SIZES; n++) {
        make_header(labels, 0x0801, sizes[n], 0, 0);
        scratch_write("train-labels-idx1-ubyte", labels, sizeof labels);
        refuse("mnist", small, "train-labels-idx1-ubyte", "labels for 5 images", sizeof labels);
    }
}

static void every_label_is_checked(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        const unsigned char former = labels[8 + i];
        for (int label = 10; label < 256; label++) {
            labels[8 + i] = (unsigned char)label;
            scratch_write("train-labels-idx1-ubyte", labels, sizeof labels);
            refuse("mnist", small, "train-labels-idx1-ubyte", "must be 0 to 9", sizeof labels);
        }
        labels[8 + i] = former;
    }
}

/** A flipped bit of a gzip file is found, or one of those that say when and where it was packed. */
static void no_bit_of_gzip_files_changes_the_images(void **state)
{
    (void)state;
    unsigned char packed[512];
    int refused = 0;
    scratch_write_gzip("packed", images, sizeof images);
    const size_t size = scratch_read("packed", packed, sizeof packed);
    unlink(scratch_path("train-images-idx3-ubyte"));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
        scratch_write("train-images-idx3-ubyte.gz", packed, size);
        packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
        char spec[128];
        snprintf(spec, sizeof spec, "mnist:%s", scratch);
        cnn_error error = {0};
        cnn_dataset *data = cnn_dataset_open(spec, CNN_SPLIT_TRAIN, small, &error);
        assert_true(data != NULL || strstr(error.message, "train-images-idx3-ubyte.gz: ") != NULL);
        for (int i = 0; data != NULL && i < IMAGES; i++) {
            assert_memory_equal(cnn_dataset_pixels(data, i), images + 16 + IMAGE * i, IMAGE);
        }
        refused += data == NULL;
        cnn_dataset_free(data);
    }
    assert_true(refused >= (int)(8 * size) - 8 * 7); /* time, flags of speed, system, and one that says "text" */
}

/** Writes a gzip file of images: a header of `count` images, `own` bytes of noise, `zeros` of zeros. */
static size_t write_packed(uint32_t count, size_t own, size_t zeros)
{
    static unsigned char piece[1 << 20];
    static unsigned char header[16];
    gzFile to = gzopen(scratch_path("train-images-idx3-ubyte.gz"), "wb1");
    make_header(header, 0x0803, count, 3, 4);
    assert_int_equal(gzwrite(to, header, sizeof header), sizeof header);
    uint32_t chance = 1;
    for (size_t i = 0; i < own; i++) {
        chance = chance * 1664525u + 1013904223u;
        piece[i] = (unsigned char)(chance >> 24);
    }
    assert_true(own <= sizeof piece && (own == 0 || gzwrite(to, piece, (unsigned)own) == (int)own));
    memset(piece, 0, sizeof piece);
    for (size_t i = 0; i < zeros; i += sizeof piece) {
        assert_int_equal(gzwrite(to, piece, sizeof piece), sizeof piece);
    }
    assert_int_equal(gzclose(to), Z_OK);
    struct stat about;
    assert_int_equal(stat(scratch_path("train-images-idx3-ubyte.gz"), &about), 0);
    unlink(scratch_path("train-images-idx3-ubyte"));
    return (size_t)about.st_size;
}

static void gzip_bombs_are_refused(void **state)
{
    (void)state;
    const size_t many = (size_t)72 << 20;
    size_t size = write_packed(IMAGES, 0, many); /* more than announced */
    refuse("mnist", small, "train-images-idx3-ubyte.gz", "more bytes follow", size);
    size = write_packed((uint32_t)(many / IMAGE), 0, many); /* as many as announced, from next to nothing */
    refuse("mnist", small, "train-images-idx3-ubyte.gz", "no images pack so well", size);
    size = write_packed((uint32_t)(many / IMAGE), 900000, 0); /* more announced than there are, though not too many */
    refuse("mnist", small, "train-images-idx3-ubyte.gz", "the file is cut short: it ends after 900016 bytes", size);
}

/* ---- CIFAR-10 */

static unsigned char batch[2 * RECORD];

static void write_batches(void)
{
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
        batch[0] = (unsigned char)i;
        batch[RECORD] = 9;
        scratch_write(name, batch, sizeof batch);
    }
}

static void batches_cut_at_any_length_are_refused(void **state)
{
    (void)state;
    write_batches();
    cnn_dataset_free(scratch_open("cifar10", CNN_SPLIT_TRAIN, cifar));
    for (size_t size = sizeof batch; size-- > 0;) {
        assert_int_equal(truncate(scratch_path("data_batch_3.bin"), (off_t)size), 0);
        refuse("cifar10", cifar, size == RECORD ? "batch" : "data_batch_3.bin", "cut short", size);
    }
    write_batches();
    assert_int_equal(truncate(scratch_path("data_batch_1.bin"), RECORD), 0);
    refuse("cifar10", cifar, "data_batch_2.bin", "has 2 images and the batches before it 1", sizeof batch);
}

static void batches_with_more_bytes_or_labels_are_refused(void **state)
{
    (void)state;
    static unsigned char longer[3 * RECORD];
    for (size_t more = 1; more < RECORD; more += 61) {
        write_batches();
        scratch_write("data_batch_5.bin", longer, sizeof batch + more);
        refuse("cifar10", cifar, "data_batch_5.bin", "are no multiple of 3073", sizeof batch + more);
    }
    for (int label = 10; label < 256; label++) {
        write_batches();
        batch[RECORD] = (unsigned char)label;
        scratch_write("data_batch_4.bin", batch, sizeof batch);
        refuse("cifar10", cifar, "data_batch_4.bin", "label 1 is", 5 * sizeof batch + 64);
    }
}

/** Its first two bytes say gzip: nothing is unpacked, and no memory taken for what it might unpack to. */
static void a_packed_batch_is_refused(void **state)
{
    (void)state;
    static unsigned char packed[20 * RECORD];
    write_batches();
    packed[0] = 0x1F;
    packed[1] = 0x8B;
    scratch_write("data_batch_1.bin", packed, sizeof packed);
    refuse("cifar10", cifar, "data_batch_1.bin", "a gzip file: unpack it", sizeof packed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_bit_of_the_headers_counts),
        TEST(sizes_that_lie_are_refused),
        TEST(every_label_is_checked),
        TEST(no_bit_of_gzip_files_changes_the_images),
        TEST(gzip_bombs_are_refused),
        TEST(batches_cut_at_any_length_are_refused),
        TEST(batches_with_more_bytes_or_labels_are_refused),
        TEST(a_packed_batch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

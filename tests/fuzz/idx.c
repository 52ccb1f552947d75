/* IDX files, plain and gzip. An input is a byte of choices, the images' height and width that are asked for, the images
 * file behind its length, and the labels file. What opens has the files' own pixels and labels. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { CHOICE_TRAIN = 1, CHOICE_FASHION = 2, CHOICE_PACK_IMAGES = 4, CHOICE_PACK_LABELS = 8 };
enum { IMAGES_HEADER = 16, LABELS_HEADER = 8 };

/** The most that a byte of a gzip file unpacks to, in pixels and labels of one byte each, which are kept in five. */
#define UNPACKED (5 * 1032)

static fuzz_file images_file, labels_file;

static void add_files(void)
{
    images_file = fuzz_file_new();
    labels_file = fuzz_file_new();
    for (int i = 0; i < 2; i++) {
        char name[64];
        const char *split = i == 0 ? "t10k" : "train";
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", split);
        fuzz_folder_add(&images_file, name);
        snprintf(name, sizeof name, "%s-labels.idx1-ubyte.gz", split);
        fuzz_folder_add(&labels_file, name);
    }
}

/** Packs the part into a gzip file, so that changes of the unpacked bytes get behind its checksum. */
static fuzz_input pack(fuzz_input part, uint8_t *room, size_t size)
{
    static z_stream deflating;
    if (deflating.state == NULL) {
        assert(deflateInit2(&deflating, 1, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    }
    assert(deflateReset(&deflating) == Z_OK);
    deflating.next_in = (unsigned char *)(uintptr_t)part.bytes;
    deflating.avail_in = (unsigned)part.size;
    deflating.next_out = room;
    deflating.avail_out = (unsigned)size;
    assert(deflate(&deflating, Z_FINISH) == Z_STREAM_END);
    return (fuzz_input){room, size - deflating.avail_out};
}

/** Fills the file; the memory that reading it may take. */
static size_t fill(const fuzz_file *file, fuzz_input part, bool packed)
{
    if (packed) {
        static uint8_t room[1 << 17];
        part = pack(part, room, sizeof room);
    }
    fuzz_file_fill(file, part.bytes, part.size);
    const bool is_gzip = part.size >= 2 && part.bytes[0] == 0x1f && part.bytes[1] == 0x8b;
    return part.size * (is_gzip ? UNPACKED : 5);
}

/** A part that is no gzip file itself stands in the file as it is, or packed. */
static bool is_known(fuzz_input part, bool packed)
{
    return packed || part.size < 2 || part.bytes[0] != 0x1f || part.bytes[1] != 0x8b;
}

static void check_data(const cnn_dataset *data, uint8_t choices, fuzz_input images, fuzz_input labels)
{
    const cnn_shape shape = cnn_dataset_shape(data);
    const size_t count = (size_t)cnn_dataset_count(data), image = (size_t)shape.height * (size_t)shape.width;
    assert(count > 0 && cnn_dataset_class_count(data) == 10);
    if (is_known(images, choices & CHOICE_PACK_IMAGES)) {
        assert(images.size == IMAGES_HEADER + count * image);
        assert(memcmp(cnn_dataset_pixels(data, 0), images.bytes + IMAGES_HEADER, count * image) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        const int label = cnn_dataset_label(data, (int)i);
        assert(label >= 0 && label < 10);
        assert(!is_known(labels, choices & CHOICE_PACK_LABELS) || labels.bytes[LABELS_HEADER + i] == label);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (images_file.descriptor == 0) {
        add_files();
    }
    fuzz_input input = {data, size};
    const uint8_t choices = fuzz_take_byte(&input);
    const int height = fuzz_take_byte(&input), width = fuzz_take_byte(&input);
    const fuzz_input images = fuzz_take_counted(&input), labels = input;
    size_t most = fill(&images_file, images, choices & CHOICE_PACK_IMAGES);
    most += fill(&labels_file, labels, choices & CHOICE_PACK_LABELS);

    char spec[128];
    snprintf(spec, sizeof spec, "%s:%s", choices & CHOICE_FASHION ? "fashion-mnist" : "mnist", fuzz_folder());
    const cnn_split split = choices & CHOICE_TRAIN ? CNN_SPLIT_TRAIN : CNN_SPLIT_TEST;
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 18) + most);
    cnn_dataset *opened = cnn_dataset_open(spec, split, (cnn_shape){height, width, 1}, &error);
    if (opened == NULL) {
        fuzz_check_error(&error);
    } else {
        check_data(opened, choices, images, labels);
    }
    cnn_dataset_free(opened);
    fuzz_end();
    return 0;
}

/* Binary batches of CIFAR-10. An input is a byte of choices, batches.meta.txt and the first batch, each behind its
 * length, and the content of the other batches. What opens has the batches' own pixels and labels. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CHOICE_TRAIN = 1, CHOICE_NAMES = 2, CHOICE_WHOLE = 4 };
enum { PLANE = 32 * 32, RECORD = 1 + 3 * PLANE, MOST = 8 * RECORD };

static fuzz_file names_file, first_file, others_file;

static void make_folder(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    assert(mkdir(path, 0777) == 0);
}

/** A folder without names, and one as the archive unpacks to, with names. */
static void add_files(void)
{
    static const char *const folders[] = {"plain", "named/cifar-10-batches-bin"};
    names_file = fuzz_file_new();
    first_file = fuzz_file_new();
    others_file = fuzz_file_new();
    make_folder("plain");
    make_folder("named");
    make_folder(folders[1]);
    for (int i = 0; i < 2; i++) {
        char name[64];
        for (int batch = 1; batch <= 5; batch++) {
            snprintf(name, sizeof name, "%s/data_batch_%d.bin", folders[i], batch);
            fuzz_folder_add(batch == 1 ? &first_file : &others_file, name);
        }
        snprintf(name, sizeof name, "%s/test_batch.bin", folders[i]);
        fuzz_folder_add(&first_file, name);
    }
    fuzz_folder_add(&names_file, "named/cifar-10-batches-bin/batches.meta.txt");
}

/** Fills the file with the part; where `whole`, zeros behind it complete the last record, or make one. */
static fuzz_input fill(const fuzz_file *file, fuzz_input part, bool whole, uint8_t room[MOST])
{
    part.size = part.size < MOST ? part.size : MOST;
    memset(room, 0, MOST);
    memcpy(room, part.bytes, part.size);
    if (whole) {
        part.size = part.size == 0 ? RECORD : (part.size + RECORD - 1) / RECORD * RECORD;
    }
    fuzz_file_fill(file, room, part.size);
    return (fuzz_input){room, part.size};
}

/** Images [first, ...) are the batch's; the index behind the last. */
static int check_batch(const cnn_dataset *data, int first, fuzz_input batch)
{
    for (; batch.size > 0; batch.bytes += RECORD, batch.size -= RECORD, first++) {
        const uint8_t *pixels = cnn_dataset_pixels(data, first);
        assert(cnn_dataset_label(data, first) == batch.bytes[0] && batch.bytes[0] < 10);
        for (size_t at = 0; at < PLANE; at++) {
            for (size_t c = 0; c < 3; c++) {
                assert(pixels[3 * at + c] == batch.bytes[1 + c * PLANE + at]);
            }
        }
    }
    return first;
}

static void check_data(const cnn_dataset *data, bool train, fuzz_input first, fuzz_input others)
{
    int count = check_batch(data, 0, first);
    for (int batch = 2; train && batch <= 5; batch++) {
        count = check_batch(data, count, others);
    }
    assert(count == cnn_dataset_count(data) && cnn_dataset_class_count(data) == 10);
    for (int i = 0; i < 10; i++) {
        assert(strlen(cnn_dataset_class_name(data, i)) > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t first_room[MOST], others_room[MOST];
    if (names_file.descriptor == 0) {
        add_files();
    }
    fuzz_input input = {data, size};
    const uint8_t choices = fuzz_take_byte(&input);
    const fuzz_input names = fuzz_take_counted(&input);
    fuzz_file_fill(&names_file, names.bytes, names.size);
    const fuzz_input first = fill(&first_file, fuzz_take_counted(&input), choices & CHOICE_WHOLE, first_room);
    const fuzz_input others = fill(&others_file, input, choices & CHOICE_WHOLE, others_room);

    char spec[128];
    snprintf(spec, sizeof spec, "cifar10:%s/%s", fuzz_folder(), choices & CHOICE_NAMES ? "named" : "plain");
    const bool train = choices & CHOICE_TRAIN;
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 18) + first.size + 4 * others.size);
    cnn_dataset *opened =
        cnn_dataset_open(spec, train ? CNN_SPLIT_TRAIN : CNN_SPLIT_TEST, (cnn_shape){32, 32, 3}, &error);
    if (opened == NULL) {
        fuzz_check_error(&error);
    } else {
        check_data(opened, train, first, others);
    }
    cnn_dataset_free(opened);
    fuzz_end();
    return 0;
}

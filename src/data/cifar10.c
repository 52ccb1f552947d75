/* CIFAR-10, binary version: files of records, each a label and 32x32 pixels, all red, then all green, then all blue.
 * Format: www.cs.toronto.edu/~kriz/cifar.html, "Binary version". The folder may be the one that the archive unpacks to,
 * or the one it was unpacked in. */
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/stream.h"

#include <stdio.h>
#include <string.h>

#define SIDE 32
#define PLANE ((size_t)SIDE * SIDE)
#define RECORD (1 + 3 * PLANE)
#define CLASSES 10
#define TRAIN_FILES 5
#define NAMES_SIZE 4096

/** The path of batch `index`, from 0. */
static char *batch_path(const char *folder, cnn_split split, int index)
{
    char name[32];
    snprintf(name, sizeof name, split == CNN_SPLIT_TRAIN ? "data_batch_%d.bin" : "test_batch.bin", index + 1);
    return cnn_join_path(folder, name);
}

static uint64_t count_in(const cnn_stream *batch)
{
    return cnn_stream_limit(batch) / RECORD;
}

/** Opens a batch of whole records. */
static cnn_status open_batch(const char *path, cnn_stream **stream, cnn_error *error)
{
    if (!cnn_is_there(path)) {
        return cnn_fail(error, CNN_IO, "there is no '%s': fetch it with data/fetch.sh cifar10 DIR", path);
    }
    const cnn_status status = cnn_stream_open(path, stream, error);
    if (status != CNN_OK) {
        return status;
    }
    if (cnn_stream_is_packed(*stream)) {
        cnn_stream_close(*stream);
        return cnn_fail(error, CNN_FORMAT, "%s: not a CIFAR-10 batch, but a gzip file: unpack it", path);
    }
    const uint64_t size = cnn_stream_limit(*stream);
    if (size == 0 || size % RECORD != 0) {
        cnn_stream_close(*stream);
        return cnn_fail(error, CNN_FORMAT, "%s: not a CIFAR-10 batch, or cut short: %llu bytes are no multiple of %zu",
                        path, (unsigned long long)size, RECORD);
    }
    return CNN_OK;
}

/** Adds the records of batch `index`. All batches have the same number: one with fewer has been cut between two. */
static cnn_status count_records(const char *path, int index, uint64_t *total, cnn_error *error)
{
    cnn_stream *stream = NULL;
    const cnn_status status = open_batch(path, &stream, error);
    if (status != CNN_OK) {
        return status;
    }
    const uint64_t records = count_in(stream);
    cnn_stream_close(stream);
    const uint64_t others = index > 0 ? *total / (uint64_t)index : records;
    if (records != others) {
        return cnn_fail(error, CNN_FORMAT, "%s: has %llu images and the batches before it %llu: one is cut short", path,
                        (unsigned long long)records, (unsigned long long)others);
    }
    *total += records;
    return CNN_OK;
}

/** Reads a batch as the images from *index on. */
static cnn_status read_batch(const char *path, cnn_dataset *data, int *index, cnn_error *error)
{
    cnn_stream *stream = NULL;
    cnn_status status = open_batch(path, &stream, error);
    if (status != CNN_OK) {
        return status;
    }
    const uint64_t records = count_in(stream);
    for (uint64_t i = 0; status == CNN_OK && i < records && *index < data->count; i++) {
        unsigned char record[RECORD];
        status = cnn_stream_read(stream, record, sizeof record, error);
        if (status == CNN_OK && record[0] >= CLASSES) {
            status = cnn_fail(error, CNN_FORMAT, "%s: label %llu is %d, must be 0 to %d", path, (unsigned long long)i,
                              record[0], CLASSES - 1);
        }
        if (status == CNN_OK) {
            uint8_t *const pixels = data->pixels + (size_t)*index * 3 * PLANE;
            for (size_t at = 0; at < PLANE; at++) {
                pixels[3 * at] = record[1 + at];
                pixels[3 * at + 1] = record[1 + PLANE + at];
                pixels[3 * at + 2] = record[1 + 2 * PLANE + at];
            }
            data->labels[(*index)++] = record[0];
        }
    }
    cnn_stream_close(stream);
    return status;
}

/** Class names from the lines of batches.meta.txt; without that file the official ones. */
static cnn_status read_names(cnn_dataset *data, const char *path, cnn_error *error)
{
    const char *names[CLASSES + 1] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};
    unsigned char *bytes = NULL;
    size_t size;
    int count = CLASSES;
    if (cnn_is_there(path)) {
        const cnn_status status = cnn_file_read(path, NAMES_SIZE, &bytes, &size, error);
        if (status != CNN_OK) {
            return status;
        }
        char *rest = NULL;
        count = 0;
        for (char *line = strtok_r((char *)bytes, "\r\n", &rest); line != NULL && count <= CLASSES;
             line = strtok_r(NULL, "\r\n", &rest)) {
            names[count++] = line;
        }
    }
    const cnn_status status =
        count == CLASSES ? cnn_dataset_set_classes(data, names, CLASSES, path, error)
                         : cnn_fail(error, CNN_FORMAT, "%s: must hold %d class names, one a line", path, CLASSES);
    cnn_free(bytes);
    return status;
}

static cnn_status read_batches(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape,
                               cnn_error *error)
{
    const int files = split == CNN_SPLIT_TRAIN ? TRAIN_FILES : 1;
    uint64_t count = 0;
    int index = 0;
    cnn_status status = CNN_OK;
    for (int step = 0; status == CNN_OK && step < 2 * files; step++) {
        char *const path = batch_path(folder, split, step % files);
        if (path == NULL) {
            return cnn_fail_memory(error);
        }
        if (step == files) {
            status = cnn_dataset_reserve(data, count, shape, folder, error);
        }
        if (status == CNN_OK) {
            status = step < files ? count_records(path, step, &count, error) : read_batch(path, data, &index, error);
        }
        cnn_free(path);
    }
    return status;
}

static cnn_status open_cifar10(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape,
                               cnn_error *error)
{
    if (shape.height != SIDE || shape.width != SIDE || shape.channels != 3) {
        return cnn_fail(error, CNN_MISMATCH, "%s: CIFAR-10's images are 32x32x3, but %dx%dx%d is asked for", folder,
                        shape.height, shape.width, shape.channels);
    }
    char *const inner = cnn_join_path(folder, "cifar-10-batches-bin");
    const char *const root = inner != NULL && cnn_is_folder(inner) ? inner : folder;
    char *const names = cnn_join_path(root, "batches.meta.txt");
    cnn_status status = inner != NULL && names != NULL ? CNN_OK : cnn_fail_memory(error);
    if (status == CNN_OK) {
        status = read_names(data, names, error);
    }
    if (status == CNN_OK) {
        status = read_batches(data, root, split, shape, error);
    }
    cnn_free(names);
    cnn_free(inner);
    return status;
}

const cnn_dataset_format cnn_format_cifar10 = {"cifar10", "binary batches of CIFAR-10", open_cifar10};

/* MNIST and Fashion-MNIST: IDX files, plain or gzip. Big-endian: a magic number that gives type and rank, the sizes,
 * then the bytes. Format: yann.lecun.com/exdb/mnist, "File formats". */
#include "base/bytes.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/stream.h"

#include <stdio.h>
#include <string.h>

#define MAGIC_LABELS 0x0801 /* unsigned bytes, rank 1 */
#define MAGIC_IMAGES 0x0803 /* unsigned bytes, rank 3 */
#define CLASSES 10

/** Which of a data set's files. */
typedef struct idx_part {
    const char *split, *content; /* "train", "images" */
    int rank;
    uint32_t magic;
} idx_part;

/** A file whose header has been read. */
typedef struct idx_file {
    char *path;
    cnn_stream *stream;
    uint32_t sizes[3];
} idx_file;

/** The path of a part under one of the names that are in use, or NULL where there is none; *status says of memory. */
static char *find_part(const char *folder, const idx_part *part, cnn_status *status)
{
    static const char *const forms[] = {"%s-%s-idx%d-ubyte", "%s-%s-idx%d-ubyte.gz", "%s-%s.idx%d-ubyte",
                                        "%s-%s.idx%d-ubyte.gz"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, forms[i], part->split, part->content, part->rank);
        char *const path = cnn_join_path(folder, name);
        if (path == NULL) {
            *status = CNN_MEMORY;
            return NULL;
        }
        if (cnn_is_there(path)) {
            return path;
        }
        cnn_free(path);
    }
    return NULL;
}

static cnn_status read_header(idx_file *file, const idx_part *part, cnn_error *error)
{
    unsigned char header[4 + 3 * 4];
    const size_t size = 4 + 4 * (size_t)part->rank;
    const cnn_status status = cnn_stream_read(file->stream, header, size, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_reader reader = {.bytes = header, .size = size};
    const uint32_t magic = cnn_read_u32_big(&reader);
    if (magic != part->magic) {
        return cnn_fail(error, CNN_FORMAT, "%s: not an IDX file of %s: begins with %08x, not %08x", file->path,
                        part->content, magic, part->magic);
    }
    for (int i = 0; i < part->rank; i++) {
        file->sizes[i] = cnn_read_u32_big(&reader);
    }
    return CNN_OK;
}

static void close_file(idx_file *file)
{
    cnn_stream_close(file->stream);
    cnn_free(file->path);
}

/** Opens a part and reads its header. */
static cnn_status open_part(idx_file *file, const char *format, const char *folder, const idx_part *part,
                            cnn_error *error)
{
    cnn_status status = CNN_OK;
    *file = (idx_file){.path = find_part(folder, part, &status)};
    if (status != CNN_OK) {
        return cnn_fail_memory(error);
    }
    if (file->path == NULL) {
        return cnn_fail(error, CNN_IO, "%s: has no %s-%s-idx%d-ubyte (or .gz): fetch it with data/fetch.sh %s %s",
                        folder, part->split, part->content, part->rank, format, folder);
    }
    status = cnn_stream_open(file->path, &file->stream, error);
    return status == CNN_OK ? read_header(file, part, error) : status;
}

/** Reads the images, whose shape and number must be plausible before anything is allocated for them. */
static cnn_status read_images(cnn_dataset *data, const idx_file *file, cnn_shape shape, cnn_error *error)
{
    const uint32_t count = file->sizes[0], height = file->sizes[1], width = file->sizes[2];
    if (height != (uint32_t)shape.height || width != (uint32_t)shape.width || shape.channels != 1) {
        return cnn_fail(error, CNN_MISMATCH, "%s: the images are %ux%ux1, but %dx%dx%d is asked for", file->path,
                        height, width, shape.height, shape.width, shape.channels);
    }
    const uint64_t image = (uint64_t)height * width, limit = cnn_stream_limit(file->stream);
    if (count > limit / image) { /* NOLINT: shapes are of 1x1 at least */
        return cnn_fail(error, CNN_FORMAT, "%s: the file is cut short: it cannot hold the %u images it announces",
                        file->path, count);
    }
    cnn_status status = cnn_stream_prove(file->stream, count * image, error);
    if (status == CNN_OK) {
        status = cnn_dataset_reserve(data, count, shape, file->path, error);
    }
    if (status == CNN_OK) {
        status = cnn_stream_read(file->stream, data->pixels, (size_t)count * (size_t)image, error);
    }
    return status == CNN_OK ? cnn_stream_end(file->stream, error) : status;
}

static cnn_status read_labels(cnn_dataset *data, const idx_file *file, cnn_error *error)
{
    const uint32_t count = file->sizes[0];
    if (count != (uint32_t)data->count) {
        return cnn_fail(error, CNN_FORMAT, "%s: %u labels for %d images", file->path, count, data->count);
    }
    for (uint32_t i = 0; i < count;) {
        unsigned char piece[4096];
        const uint32_t size = count - i < sizeof piece ? count - i : (uint32_t)sizeof piece;
        const cnn_status status = cnn_stream_read(file->stream, piece, size, error);
        if (status != CNN_OK) {
            return status;
        }
        for (uint32_t j = 0; j < size; j++, i++) {
            if (piece[j] >= CLASSES) {
                return cnn_fail(error, CNN_FORMAT, "%s: label %u is %d, must be 0 to %d", file->path, i, piece[j],
                                CLASSES - 1);
            }
            data->labels[i] = piece[j];
        }
    }
    return cnn_stream_end(file->stream, error);
}

static cnn_status open_idx(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape, cnn_error *error)
{
    const char *const prefix = split == CNN_SPLIT_TRAIN ? "train" : "t10k";
    const idx_part images = {prefix, "images", 3, MAGIC_IMAGES}, labels = {prefix, "labels", 1, MAGIC_LABELS};
    idx_file file;
    cnn_status status = open_part(&file, data->format, folder, &images, error);
    if (status == CNN_OK) {
        status = read_images(data, &file, shape, error);
    }
    close_file(&file);
    if (status != CNN_OK) {
        return status;
    }
    status = open_part(&file, data->format, folder, &labels, error);
    if (status == CNN_OK) {
        status = read_labels(data, &file, error);
    }
    close_file(&file);
    return status;
}

static cnn_status open_mnist(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape, cnn_error *error)
{
    static const char *const names[CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    const cnn_status status = cnn_dataset_set_classes(data, names, CLASSES, folder, error);
    return status == CNN_OK ? open_idx(data, folder, split, shape, error) : status;
}

/* The names are those of the table in github.com/zalandoresearch/fashion-mnist, "Labels". */
static cnn_status open_fashion_mnist(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape,
                                     cnn_error *error)
{
    static const char *const names[CLASSES] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                               "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
    const cnn_status status = cnn_dataset_set_classes(data, names, CLASSES, folder, error);
    return status == CNN_OK ? open_idx(data, folder, split, shape, error) : status;
}

const cnn_dataset_format cnn_format_mnist = {"mnist", "IDX files of MNIST, plain or gzip", open_mnist};
const cnn_dataset_format cnn_format_fashion_mnist = {"fashion-mnist", "IDX files of Fashion-MNIST, plain or gzip",
                                                     open_fashion_mnist};

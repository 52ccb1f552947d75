/* Data sets in memory: opening one by its spec, making one from the caller's images, and looking at it. */
#include "data/dataset.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

/** X(name): every format, as cnn_format_NAME in a file of its own. */
#define FORMAT_LIST(X)                                                                                                 \
    X(mnist)                                                                                                           \
    X(fashion_mnist)                                                                                                   \
    X(cifar10)                                                                                                         \
    X(folder)

#define FORMAT_DECLARE(name) extern const cnn_dataset_format cnn_format_##name;
FORMAT_LIST(FORMAT_DECLARE)

#define FORMAT_ENTRY(name) &cnn_format_##name,
const cnn_dataset_format *const cnn_dataset_formats[] = {FORMAT_LIST(FORMAT_ENTRY) NULL};

/* ---- what the formats share */

char *cnn_join_path(const char *folder, const char *name)
{
    cnn_text path = {0};
    cnn_text_append(&path, folder);
    if (path.length > 0 && folder[path.length - 1] != '/') {
        cnn_text_append(&path, "/");
    }
    cnn_text_append(&path, name);
    return cnn_text_take(&path, NULL);
}

bool cnn_is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool cnn_is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

cnn_status cnn_dataset_reserve(cnn_dataset *data, uint64_t count, cnn_shape shape, const char *source, cnn_error *error)
{
    size_t size = (size_t)shape.height;
    if (count < 1) {
        return cnn_fail(error, CNN_FORMAT, "%s: has no images", source);
    }
    if (count > INT_MAX || !cnn_multiply_size(size, (size_t)shape.width, &size) ||
        !cnn_multiply_size(size, (size_t)shape.channels, &size)) {
        return cnn_fail(error, CNN_FORMAT, "%s: %llu images of %dx%dx%d are too many", source,
                        (unsigned long long)count, shape.height, shape.width, shape.channels);
    }
    data->pixels = cnn_alloc((size_t)count, size);
    if (data->pixels != NULL) {
        data->labels = cnn_alloc((size_t)count, sizeof *data->labels);
    }
    if (data->labels == NULL) {
        return cnn_fail(error, CNN_MEMORY, "%s: out of memory for %llu images of %dx%dx%d", source,
                        (unsigned long long)count, shape.height, shape.width, shape.channels);
    }
    data->count = (int)count;
    data->shape = shape;
    return CNN_OK;
}

static bool is_name(const char *name)
{
    const size_t length = strlen(name);
    size_t at = 0;
    while (at < length) {
        const size_t step = cnn_utf8_length(name + at, length - at);
        if (step == 0 || (unsigned char)name[at] < 0x20 || name[at] == 0x7F) {
            return false;
        }
        at += step;
    }
    return length > 0;
}

cnn_status cnn_dataset_set_classes(cnn_dataset *data, const char *const *names, int count, const char *source,
                                   cnn_error *error)
{
    if (count < 1 || count > CNN_CLASSES) {
        return cnn_fail(error, CNN_FORMAT, "%s: %d classes, must be 1 to %d", source, count, CNN_CLASSES);
    }
    data->class_names = cnn_alloc((size_t)count, sizeof *data->class_names);
    if (data->class_names == NULL) {
        return cnn_fail_memory(error);
    }
    data->class_count = count;
    for (int i = 0; i < count; i++) {
        if (names[i] == NULL || !is_name(names[i])) {
            return cnn_fail(error, CNN_FORMAT, "%s: class %d's name is empty, not UTF-8 or has control characters",
                            source, i);
        }
        for (int other = 0; other < i; other++) {
            if (strcmp(names[i], names[other]) == 0) {
                return cnn_fail(error, CNN_FORMAT, "%s: classes %d and %d are both named '%s'", source, other, i,
                                names[i]);
            }
        }
        data->class_names[i] = cnn_copy_text(names[i], strlen(names[i]));
        if (data->class_names[i] == NULL) {
            return cnn_fail_memory(error);
        }
    }
    return CNN_OK;
}

/* ---- opening */

static cnn_status check_shape(cnn_shape shape, cnn_error *error)
{
    if (shape.height < 1 || shape.width < 1 || (shape.channels != 1 && shape.channels != 3)) {
        return cnn_fail(error, CNN_USAGE, "images of %dx%dx%d: sides must be positive, channels 1 or 3", shape.height,
                        shape.width, shape.channels);
    }
    return CNN_OK;
}

static cnn_status check_fit(cnn_shape shape, cnn_fit fit, cnn_error *error)
{
    if (fit != CNN_FIT_CROP && fit != CNN_FIT_DIGIT) {
        return cnn_fail(error, CNN_USAGE, "there is no fit %d", (int)fit);
    }
    if (fit == CNN_FIT_DIGIT && shape.channels != 1) {
        return cnn_fail(error, CNN_USAGE, "images of %dx%dx%d: digits are found in images of 1 channel", shape.height,
                        shape.width, shape.channels);
    }
    return CNN_OK;
}

/** Fails with `what` and the list of formats. */
static void fail_spec(cnn_error *error, const char *spec, const char *what)
{
    cnn_text known = {0};
    for (int i = 0; cnn_dataset_formats[i] != NULL; i++) {
        cnn_text_appendf(&known, "%s%s:DIR", i > 0 ? ", " : "", cnn_dataset_formats[i]->name);
    }
    char *const list = cnn_text_take(&known, error);
    if (list != NULL) {
        cnn_fail(error, CNN_USAGE, "data '%s': %s; give one of %s", spec, what, list);
    }
    cnn_free(list);
}

/** The format that comes before the colon, behind which there is a folder; or NULL. */
static const cnn_dataset_format *find_format(const char *spec, cnn_error *error)
{
    const char *const colon = strchr(spec, ':');
    if (colon == NULL) {
        fail_spec(error, spec, "a format and a colon must come before the folder");
        return NULL;
    }
    const size_t length = (size_t)(colon - spec);
    for (int i = 0; cnn_dataset_formats[i] != NULL; i++) {
        const char *const name = cnn_dataset_formats[i]->name;
        if (strlen(name) != length || memcmp(name, spec, length) != 0) {
            continue;
        }
        if (colon[1] == '\0') {
            fail_spec(error, spec, "the folder is missing");
            return NULL;
        }
        return cnn_dataset_formats[i];
    }
    fail_spec(error, spec, "unknown format");
    return NULL;
}

cnn_dataset *cnn_dataset_open_fitted(const char *spec, cnn_split split, cnn_shape shape, cnn_fit fit, cnn_error *error)
{
    const cnn_dataset_format *const format = find_format(spec, error);
    if (format == NULL || check_shape(shape, error) != CNN_OK || check_fit(shape, fit, error) != CNN_OK) {
        return NULL;
    }
    const char *const folder = spec + strlen(format->name) + 1;
    errno = 0;
    if (!cnn_is_folder(folder)) {
        cnn_fail(error, CNN_IO, "data: there is no folder '%s'%s%s", folder, errno != 0 ? ": " : "",
                 errno != 0 ? cnn_errno_text(errno) : "");
        return NULL;
    }
    cnn_dataset *const data = cnn_alloc(1, sizeof *data);
    if (data == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    data->format = format->name;
    data->fit = fit;
    if (format->open(data, folder, split, shape, error) != CNN_OK) {
        cnn_dataset_free(data);
        return NULL;
    }
    return data;
}

cnn_dataset *cnn_dataset_open(const char *spec, cnn_split split, cnn_shape shape, cnn_error *error)
{
    return cnn_dataset_open_fitted(spec, split, shape, CNN_FIT_CROP, error);
}

static cnn_status copy_content(cnn_dataset *data, const cnn_dataset_content *content, cnn_error *error)
{
    const cnn_shape shape = content->shape;
    const uint64_t count = content->count < 0 ? 0 : (uint64_t)content->count;
    cnn_status status = cnn_dataset_reserve(data, count, shape, "data set", error);
    if (status != CNN_OK) {
        return status;
    }
    status = cnn_dataset_set_classes(data, content->class_names, content->class_count, "data set", error);
    if (status != CNN_OK) {
        return status;
    }
    for (int i = 0; i < content->count; i++) {
        if (content->labels[i] < 0 || content->labels[i] >= content->class_count) {
            return cnn_fail(error, CNN_USAGE, "data set: image %d has label %d, must be 0 to %d", i, content->labels[i],
                            content->class_count - 1);
        }
    }
    memcpy(data->labels, content->labels, (size_t)count * sizeof *data->labels);
    memcpy(data->pixels, content->pixels,
           (size_t)count * (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels);
    return CNN_OK;
}

cnn_dataset *cnn_dataset_new(const cnn_dataset_content *content, cnn_error *error)
{
    if (content->pixels == NULL || content->labels == NULL || content->class_names == NULL) {
        cnn_fail(error, CNN_USAGE, "data set: pixels, labels and class names must all be given");
        return NULL;
    }
    if (check_shape(content->shape, error) != CNN_OK) {
        return NULL;
    }
    cnn_dataset *const data = cnn_alloc(1, sizeof *data);
    if (data == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    data->format = "memory";
    const cnn_status status = copy_content(data, content, error);
    if (status != CNN_OK) {
        if (error != NULL && status == CNN_FORMAT) {
            error->status = CNN_USAGE; /* what is a file's fault elsewhere is the caller's here */
        }
        cnn_dataset_free(data);
        return NULL;
    }
    return data;
}

void cnn_dataset_free(cnn_dataset *data)
{
    if (data == NULL) {
        return;
    }
    for (int i = 0; i < data->class_count; i++) {
        cnn_free(data->class_names[i]);
    }
    cnn_free(data->class_names);
    cnn_free(data->labels);
    cnn_free(data->pixels);
    cnn_free(data);
}

/* ---- looking */

int cnn_dataset_count(const cnn_dataset *data)
{
    return data->count;
}

cnn_shape cnn_dataset_shape(const cnn_dataset *data)
{
    return data->shape;
}

int cnn_dataset_class_count(const cnn_dataset *data)
{
    return data->class_count;
}

const char *cnn_dataset_class_name(const cnn_dataset *data, int index)
{
    return index >= 0 && index < data->class_count ? data->class_names[index] : NULL;
}

static size_t image_size(const cnn_dataset *data)
{
    return (size_t)data->shape.height * (size_t)data->shape.width * (size_t)data->shape.channels;
}

const uint8_t *cnn_dataset_pixels(const cnn_dataset *data, int index)
{
    return index >= 0 && index < data->count ? data->pixels + (size_t)index * image_size(data) : NULL;
}

int cnn_dataset_label(const cnn_dataset *data, int index)
{
    return index >= 0 && index < data->count ? data->labels[index] : -1;
}

int cnn_dataset_skipped(const cnn_dataset *data)
{
    return data->skipped;
}

/** The CRC-32 of `value` as four bytes, the lowest first, after `crc`. */
static uLong crc_of_number(uLong crc, int value)
{
    const unsigned number = (unsigned)value;
    const unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8), (unsigned char)(number >> 16),
                                    (unsigned char)(number >> 24)};
    return crc32(crc, bytes, sizeof bytes);
}

char *cnn_dataset_origin(const cnn_dataset *data, cnn_error *error)
{
    cnn_text text = {0};
    uLong crc = crc32(0, NULL, 0);
    crc = crc_of_number(crc, data->shape.height);
    crc = crc_of_number(crc, data->shape.width);
    crc = crc_of_number(crc, data->shape.channels);
    crc = crc32_z(crc, data->pixels, (size_t)data->count * image_size(data));
    for (int i = 0; i < data->count; i++) {
        crc = crc_of_number(crc, data->labels[i]);
    }
    for (int i = 0; i < data->class_count; i++) {
        crc = crc32_z(crc, (const unsigned char *)data->class_names[i], strlen(data->class_names[i]) + 1);
    }
    cnn_text_appendf(&text, "%s, %d images, crc32 %08lx", data->format, data->count, crc);
    return cnn_text_take(&text, error);
}

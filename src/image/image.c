/* From a picture file's bytes to a network's input: check what it is and how large, decode, flatten, cut out the centre
 * of the wanted proportions, resize, turn upright. */
#include "image/image.h"

#include "base/file.h"
#include "base/memory.h"
#include "image/convert.h"
#include "image/digit.h"
#include "image/look.h"
#include "image/stb.h"

#include <string.h>
#include <strings.h>

/** What a format's files begin with, and how they are looked at. */
static const struct format {
    const char *signature;
    size_t length;
    cnn_status (*look)(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error);
} formats[] = {{"\xFF\xD8\xFF", 3, cnn_jpeg_look}, {"\x89PNG\r\n\x1A\n", 8, cnn_png_look}, {"BM", 2, cnn_bmp_look}};

static const struct format *find_format(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (size >= formats[i].length && memcmp(bytes, formats[i].signature, formats[i].length) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

/** Refuses a size that is not worth an allocation. */
static cnn_status check_size(const cnn_look *look, size_t size, const char *name, cnn_error *error)
{
    const uint64_t pixels = (uint64_t)look->width * look->height;
    if (pixels == 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture has no pixels", name);
    }
    if (look->width > CNN_IMAGE_SIDE || look->height > CNN_IMAGE_SIDE || pixels > CNN_IMAGE_PIXELS) {
        return cnn_fail(error, CNN_FORMAT, "%s: %ux%u pixels are too many, at most %d a side and %u in all: reduce it",
                        name, look->width, look->height, CNN_IMAGE_SIDE, CNN_IMAGE_PIXELS);
    }
    if (pixels > look->most_pixels) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is cut short: %zu bytes cannot hold %ux%u pixels", name,
                        size, look->width, look->height);
    }
    return CNN_OK;
}

cnn_status cnn_look_fail(const char *name, cnn_error *error)
{
    return cnn_fail(error, CNN_FORMAT, "%s: the picture is damaged or of a rare kind: convert it to PNG", name);
}

/** Refuses what is no picture or too large, before anything is allocated for it. */
static cnn_status check(const unsigned char *bytes, size_t size, const char *name, cnn_look *look, cnn_error *error)
{
    if (size == 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: the file is empty", name);
    }
    if (size > CNN_IMAGE_FILE_SIZE) {
        return cnn_fail(error, CNN_FORMAT, "%s: %zu bytes are too many for a picture, at most %zu are read", name, size,
                        CNN_IMAGE_FILE_SIZE);
    }
    const struct format *const format = find_format(bytes, size);
    if (format == NULL) {
        return cnn_fail(error, CNN_FORMAT, "%s: not a JPEG, PNG or BMP picture", name);
    }
    const cnn_status status = format->look(bytes, size, name, look, error);
    return status == CNN_OK ? check_size(look, size, name, error) : status;
}

/** The largest part of `picture` with the proportions width:height, from its centre. */
static cnn_picture centre(const cnn_picture *picture, int width, int height)
{
    cnn_picture part = *picture;
    const int64_t wide = (int64_t)picture->width * height, high = (int64_t)picture->height * width;
    if (wide > high) {
        part.width = (int)((high + height / 2) / height);
    } else {
        part.height = (int)((wide + width / 2) / width);
    }
    part.width = part.width < 1 ? 1 : part.width;
    part.height = part.height < 1 ? 1 : part.height;
    part.pixels += (ptrdiff_t)((picture->height - part.height) / 2) * part.stride;
    part.pixels += (ptrdiff_t)((picture->width - part.width) / 2) * part.channels;
    return part;
}

/** Fits a flattened picture into `out`. It is turned last, when it is small. */
static cnn_status place(const cnn_picture *picture, int orientation, cnn_shape shape, uint8_t *out, cnn_error *error)
{
    const bool turned = orientation >= 5;
    cnn_picture fitted = *picture;
    fitted.width = turned ? shape.height : shape.width;
    fitted.height = turned ? shape.width : shape.height;
    fitted.stride = fitted.width * fitted.channels;
    if (fitted.width == picture->width && fitted.height == picture->height) {
        cnn_orient(picture, orientation, shape.channels, out);
        return CNN_OK;
    }
    fitted.pixels = cnn_alloc((size_t)fitted.height, (size_t)fitted.stride);
    if (fitted.pixels == NULL) {
        return cnn_fail_memory(error);
    }
    const cnn_picture part = centre(picture, fitted.width, fitted.height);
    const cnn_status status = cnn_stb_resize(&part, &fitted, error);
    if (status == CNN_OK) {
        cnn_orient(&fitted, orientation, shape.channels, out);
    }
    cnn_free(fitted.pixels);
    return status;
}

/** Brings a flattened picture into its form. */
static cnn_status fit(const cnn_picture *picture, int orientation, cnn_image_form form, uint8_t *out, cnn_error *error)
{
    bool found = false;
    if (form.fit == CNN_FIT_DIGIT) {
        const cnn_status status = cnn_digit_fit(picture, orientation, form.shape, &found, out, error);
        if (status != CNN_OK) {
            return status;
        }
    }
    return found ? CNN_OK : place(picture, orientation, form.shape, out, error);
}

cnn_status cnn_image_fit(const unsigned char *bytes, size_t size, const char *name, cnn_image_form form, uint8_t *out,
                         cnn_error *error)
{
    cnn_look look = {0};
    cnn_status status = check(bytes, size, name, &look, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_picture picture = {.width = (int)look.width, .height = (int)look.height};
    status = cnn_stb_decode(bytes, size, name, &picture, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_flatten(&picture, form.shape.channels);
    status = fit(&picture, look.orientation, form, out, error);
    cnn_free(picture.pixels);
    return status;
}

cnn_status cnn_image_fit_file(const char *path, cnn_image_form form, uint8_t *out, cnn_error *error)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    cnn_status status = cnn_file_read(path, CNN_IMAGE_FILE_SIZE, &bytes, &size, error);
    if (status != CNN_OK) {
        return status;
    }
    status = cnn_image_fit(bytes, size, path, form, out, error);
    cnn_free(bytes);
    return status;
}

bool cnn_image_has_suffix(const char *path)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".bmp"};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t end = strlen(suffixes[i]);
        if (length > end && strcasecmp(path + length - end, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

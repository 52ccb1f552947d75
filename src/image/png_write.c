/* Writing pictures by libpng, into memory: base/file.h then replaces a file whole. libpng takes its memory from
 * base/memory.h, zlib's included, and leaves by longjmp() where that is out: nothing else can fail once the picture's
 * size has been checked. */
#include "image/png_write.h"

#include "base/memory.h"
#include "base/text.h"
#include "image/image.h"

#include <png.h>
#include <setjmp.h>

static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    (void)png;
    return cnn_alloc(size, 1);
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    cnn_free(memory);
}

/** libpng's own would print before they leave. */
static void leave(png_structp png, png_const_charp message)
{
    (void)message;
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void append(png_structp png, png_bytep bytes, size_t size)
{
    cnn_text *const file = png_get_io_ptr(png);
    cnn_text_append_span(file, (const char *)bytes, size);
    if (file->failed) {
        png_error(png, "out of memory");
    }
}

static void flush(png_structp png)
{
    (void)png;
}

/** Appends the file to `file`; false when memory is out. What changes after setjmp() is not looked at behind it. */
static bool write_png(png_structp png, png_infop info, const cnn_picture *picture, cnn_text *file)
{
    static const int types[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    if (setjmp(png_jmpbuf(png)) != 0) {
        return false;
    }
    png_set_write_fn(png, file, append, flush);
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, types[picture->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < picture->height; y++) {
        png_write_row(png, picture->pixels + (ptrdiff_t)y * picture->stride);
    }
    png_write_end(png, info);
    return true;
}

cnn_status cnn_png_encode(const cnn_picture *picture, unsigned char **bytes, size_t *size, cnn_error *error)
{
    if (picture->width < 1 || picture->height < 1 || picture->width > CNN_IMAGE_SIDE ||
        picture->height > CNN_IMAGE_SIDE || picture->channels < 1 || picture->channels > 4) {
        return cnn_fail(error, CNN_USAGE, "a picture of %dx%d pixels, %d channels cannot be written: at most %d a side",
                        picture->width, picture->height, picture->channels, CNN_IMAGE_SIDE);
    }
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, NULL, leave, ignore, NULL, allocate, release);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    cnn_text file = {0};
    const bool written = info != NULL && write_png(png, info, picture, &file);
    png_destroy_write_struct(&png, &info);
    if (!written) {
        cnn_text_clear(&file);
        return cnn_fail_memory(error);
    }
    *size = file.length;
    *bytes = (unsigned char *)file.data;
    return CNN_OK;
}

/* stb_image and stb_image_resize, compiled here and nowhere else. Their memory comes from base/memory.h, but
 * stb_image gets no block larger than the picture's size explains: it would believe any length in a PNG, and unpack
 * without end. Files are fed through callbacks, not as memory: at the end of memory stb_image reads zeros and takes a
 * file that is cut short for a picture with a grey bottom. Why it failed it says by a text that its next attempt
 * overwrites; we leave its texts out and note, thread by thread, whether it was for want of memory. */
#include "image/stb.h"

#include "base/memory.h"
#include "image/image.h"
#include "image/look.h"

#include <string.h>

/** What stb_image needs whatever the picture's size. */
#define FIXED_MEMORY ((size_t)64 * 1024)

/** Of the decoding under way. */
static _Thread_local struct {
    size_t largest;     /**< block that is given */
    bool out_of_memory; /**< a block within that was refused */
    bool excess;        /**< a larger one was asked for */
} stbi_memory;

static void *resize(void *memory, size_t old_size, size_t new_size)
{
    if (new_size > stbi_memory.largest) {
        stbi_memory.excess = true;
        return NULL;
    }
    void *const resized = cnn_resize(memory, old_size, new_size, 1);
    stbi_memory.out_of_memory = stbi_memory.out_of_memory || resized == NULL;
    return resized;
}

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function" /* reported at the file's end, so it cannot be popped */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS CNN_IMAGE_SIDE
#define STBI_ASSERT(condition) ((void)0)
#define STBI_MALLOC(size) resize(NULL, 0, (size))
#define STBI_REALLOC_SIZED(memory, old_size, new_size) resize((memory), (old_size), (new_size))
#define STBI_FREE(memory) cnn_free(memory)
#include <stb/stb_image.h>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#define STBIR_ASSERT(condition) ((void)0)
#define STBIR_MALLOC(size, context) ((void)(context), cnn_alloc((size), 1))
#define STBIR_FREE(memory, context) ((void)(context), cnn_free(memory))
#include <stb/stb_image_resize.h>

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/** A file in memory as stb_image reads it. */
typedef struct source {
    const unsigned char *bytes;
    size_t size, at;
    bool overrun; /**< more was asked for after the last byte */
} source;

static int source_read(void *context, char *out, int wanted)
{
    source *const from = context;
    const size_t left = from->size - from->at;
    const size_t count = left < (size_t)wanted ? left : (size_t)wanted;
    if (count == 0) {
        from->overrun = true;
        return 0;
    }
    memcpy(out, from->bytes + from->at, count);
    from->at += count;
    return (int)count;
}

static void source_skip(void *context, int count)
{
    source *const from = context;
    const size_t left = from->size - from->at;
    if (count < 0) {
        return;
    }
    if ((size_t)count > left) {
        from->overrun = true;
    }
    from->at += left < (size_t)count ? left : (size_t)count;
}

static int source_eof(void *context)
{
    const source *const from = context;
    return from->at == from->size;
}

static const stbi_io_callbacks source_calls = {source_read, source_skip, source_eof};

static cnn_status fail(const source *from, const char *name, cnn_error *error)
{
    if (stbi_memory.out_of_memory) {
        return cnn_fail_memory(error);
    }
    if (stbi_memory.excess) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is damaged: it unpacks to more than its size", name);
    }
    if (from->overrun) {
        return cnn_fail(error, CNN_FORMAT, "%s: the picture is cut short: the file ends after %zu bytes", name,
                        from->size);
    }
    return cnn_look_fail(name, error);
}

/** The largest block that decoding a sound picture takes: 4 channels of 16 bits, doubled once for the filter bytes of
 * an interlaced PNG, or a JPEG's planes in whole blocks; or the packed bytes, whose room grows by doubling. */
static size_t decoding_memory(const cnn_picture *picture, size_t size)
{
    const size_t blocks = 32;
    return FIXED_MEMORY + 2 * size + 16 * ((size_t)picture->width + blocks) * ((size_t)picture->height + blocks);
}

cnn_status cnn_stb_decode(const unsigned char *bytes, size_t size, const char *name, cnn_picture *picture,
                          cnn_error *error)
{
    source from = {bytes, size, 0, false};
    int width = 0, height = 0, channels = 0;
    stbi_memory.largest = decoding_memory(picture, size);
    stbi_memory.out_of_memory = stbi_memory.excess = false;
    unsigned char *const pixels = stbi_load_from_callbacks(&source_calls, &from, &width, &height, &channels, 0);
    if (pixels == NULL || from.overrun) {
        const cnn_status status = fail(&from, name, error);
        cnn_free(pixels);
        return status;
    }
    *picture = (cnn_picture){pixels, width, height, channels, width * channels};
    return CNN_OK;
}

cnn_status cnn_stb_resize(const cnn_picture *in, const cnn_picture *out, cnn_error *error)
{
    const int done = stbir_resize_uint8_generic(in->pixels, in->width, in->height, in->stride, out->pixels, out->width,
                                                out->height, out->stride, in->channels, STBIR_ALPHA_CHANNEL_NONE, 0,
                                                STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, NULL);
    return done ? CNN_OK : cnn_fail_memory(error);
}

/* Reading data files in pieces, so that a data set needs no more memory than its pixels. zlib's memory comes from
 * base/memory.h, too. */
#include "data/stream.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE_SIZE ((size_t)64 * 1024)
/** Deflate packs at most 258 bytes into 2 bits. */
#define MOST_PACKED 1032
/** What a gzip file may unpack to beyond its own size without proof; all of MNIST is less. */
#define UNPROVEN_SIZE ((uint64_t)64 * 1024 * 1024)
/** No images pack so well: MNIST's, mostly black, 5:1. */
#define BOMB_RATIO 100
/** inflateInit2(): the largest window, and a gzip header is expected. */
#define GZIP_WINDOW (16 + MAX_WBITS)

struct cnn_stream {
    FILE *file;
    char *path;
    uint64_t size; /* of the file */
    uint64_t given;
    bool is_gzip;
    bool inflates; /* `inflate` is to be ended */
    bool ended;    /* a gzip member has ended, and another may follow */
    z_stream inflate;
    unsigned char piece[PIECE_SIZE];
};

static void *allocate(void *context, unsigned count, unsigned size)
{
    (void)context;
    return cnn_alloc(count, size);
}

static void release(void *context, void *memory)
{
    (void)context;
    cnn_free(memory);
}

static cnn_status fail_read(const cnn_stream *stream, cnn_error *error)
{
    return cnn_fail(error, CNN_IO, "cannot read '%s': %s", stream->path, cnn_errno_text(errno));
}

static cnn_status fail_damaged(const cnn_stream *stream, cnn_error *error)
{
    return cnn_fail(error, CNN_FORMAT, "%s: the gzip data is damaged after %llu bytes: fetch the file again",
                    stream->path, (unsigned long long)stream->given);
}

static cnn_status start_inflating(cnn_stream *stream, cnn_error *error)
{
    stream->inflate.zalloc = allocate;
    stream->inflate.zfree = release;
    if (inflateInit2(&stream->inflate, GZIP_WINDOW) != Z_OK) {
        return cnn_fail_memory(error);
    }
    stream->inflates = true;
    return CNN_OK;
}

static cnn_status open_file(cnn_stream *stream, cnn_error *error)
{
    struct stat about;
    const int descriptor = open(stream->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe shall not block */
    if (descriptor < 0 || fstat(descriptor, &about) != 0 || (stream->file = fdopen(descriptor, "rb")) == NULL) {
        const int reason = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        return cnn_fail(error, CNN_IO, "cannot open '%s': %s", stream->path, cnn_errno_text(reason));
    }
    if (!S_ISREG(about.st_mode)) {
        return cnn_fail(error, CNN_IO, "cannot read '%s': it is no regular file", stream->path);
    }
    stream->size = (uint64_t)about.st_size;
    const int first = getc(stream->file), second = getc(stream->file);
    stream->is_gzip = first == 0x1F && second == 0x8B;
    if (ferror(stream->file) || fseek(stream->file, 0, SEEK_SET) != 0) {
        return fail_read(stream, error);
    }
    return stream->is_gzip ? start_inflating(stream, error) : CNN_OK;
}

cnn_status cnn_stream_open(const char *path, cnn_stream **stream, cnn_error *error)
{
    cnn_stream *const opened = cnn_alloc(1, sizeof *opened);
    if (opened == NULL || (opened->path = cnn_copy_text(path, strlen(path))) == NULL) {
        cnn_free(opened);
        cnn_fail_memory(error);
        return CNN_MEMORY;
    }
    const cnn_status status = open_file(opened, error);
    if (status != CNN_OK) {
        cnn_stream_close(opened);
        return status;
    }
    *stream = opened;
    return CNN_OK;
}

bool cnn_stream_is_packed(const cnn_stream *stream)
{
    return stream->is_gzip;
}

uint64_t cnn_stream_limit(const cnn_stream *stream)
{
    return !stream->is_gzip                          ? stream->size
           : stream->size > UINT64_MAX / MOST_PACKED ? UINT64_MAX
                                                     : stream->size * MOST_PACKED;
}

/** Unpacks at most `size` bytes; *count is less at the end only. */
static cnn_status inflate_some(cnn_stream *stream, unsigned char *out, size_t size, size_t *count, cnn_error *error)
{
    z_stream *const z = &stream->inflate;
    z->next_out = out;
    z->avail_out = size < UINT_MAX ? (unsigned)size : UINT_MAX;
    const unsigned wanted = z->avail_out;
    while (z->avail_out > 0) {
        if (z->avail_in == 0) {
            z->next_in = stream->piece;
            z->avail_in = (unsigned)fread(stream->piece, 1, PIECE_SIZE, stream->file);
            if (ferror(stream->file)) {
                return fail_read(stream, error);
            }
            if (z->avail_in == 0) {
                break;
            }
        }
        if (stream->ended && inflateReset(z) != Z_OK) {
            return fail_damaged(stream, error);
        }
        const int result = inflate(z, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR) {
            return cnn_fail_memory(error);
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            return fail_damaged(stream, error);
        }
        stream->ended = result == Z_STREAM_END;
    }
    *count = wanted - z->avail_out;
    return CNN_OK;
}

/** Reads at most `size` bytes; *count is 0 at the end only. */
static cnn_status read_some(cnn_stream *stream, unsigned char *out, size_t size, size_t *count, cnn_error *error)
{
    if (stream->is_gzip) {
        return inflate_some(stream, out, size, count, error);
    }
    *count = fread(out, 1, size, stream->file);
    return ferror(stream->file) ? fail_read(stream, error) : CNN_OK;
}

cnn_status cnn_stream_read(cnn_stream *stream, void *out, size_t size, cnn_error *error)
{
    unsigned char *to = out;
    while (size > 0) {
        size_t count = 0;
        const cnn_status status = read_some(stream, to, size, &count, error);
        if (status != CNN_OK) {
            return status;
        }
        if (count == 0) {
            return cnn_fail(error, CNN_FORMAT, "%s: the file is cut short: it ends after %llu bytes; fetch it again",
                            stream->path, (unsigned long long)stream->given);
        }
        stream->given += count;
        to += count;
        size -= count;
    }
    return CNN_OK;
}

cnn_status cnn_stream_prove(const cnn_stream *stream, uint64_t size, cnn_error *error)
{
    if (!stream->is_gzip || size <= UNPROVEN_SIZE + stream->size) {
        return CNN_OK;
    }
    if (size / BOMB_RATIO > stream->size) {
        return cnn_fail(error, CNN_FORMAT, "%s: %llu bytes are to be unpacked from %llu: no images pack so well",
                        stream->path, (unsigned long long)size, (unsigned long long)stream->size);
    }
    cnn_stream *again = NULL;
    cnn_status status = cnn_stream_open(stream->path, &again, error);
    if (status != CNN_OK) {
        return status;
    }
    for (uint64_t left = stream->given + size; left > 0 && status == CNN_OK;) {
        unsigned char piece[4096];
        const size_t count = left < sizeof piece ? (size_t)left : sizeof piece;
        status = cnn_stream_read(again, piece, count, error);
        left -= count;
    }
    cnn_stream_close(again);
    return status;
}

cnn_status cnn_stream_end(cnn_stream *stream, cnn_error *error)
{
    unsigned char byte;
    size_t count = 0;
    const cnn_status status = read_some(stream, &byte, 1, &count, error);
    if (status != CNN_OK) {
        return status;
    }
    if (count > 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: more bytes follow than the %llu that its header announces",
                        stream->path, (unsigned long long)stream->given);
    }
    if (stream->is_gzip && !stream->ended) {
        return cnn_fail(error, CNN_FORMAT, "%s: the gzip file is cut short: fetch it again", stream->path);
    }
    return CNN_OK;
}

void cnn_stream_close(cnn_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->inflates) {
        inflateEnd(&stream->inflate);
    }
    if (stream->file != NULL) {
        fclose(stream->file);
    }
    cnn_free(stream->path);
    cnn_free(stream);
}

/* Whole files: bounded reading, and writing that leaves the old file or the new one, never something between. */
#ifndef CNN_BASE_FILE_H
#define CNN_BASE_FILE_H

#include "base/status.h"

/** Reads all of `path` (a regular file or a pipe that somebody writes to; "-" is no special name) of at most `limit`
 * bytes into *bytes, the caller's to cnn_free(); a zero byte that is not counted follows the last. */
cnn_status cnn_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, cnn_error *error);

/** One piece of a file to be written. */
typedef struct cnn_piece {
    const void *bytes;
    size_t size;
} cnn_piece;

/** Replaces `path` by the pieces in turn: a temporary file beside it, fsync, rename, fsync of the folder. On failure
 * the temporary file is gone and `path` as it was. A `path` that exists and is no regular file is refused. */
cnn_status cnn_file_write(const char *path, const cnn_piece *pieces, int count, cnn_error *error);

#endif

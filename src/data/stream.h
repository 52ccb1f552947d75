/* A data file read front to back, unpacked on the way if it is gzip. */
#ifndef CNN_DATA_STREAM_H
#define CNN_DATA_STREAM_H

#include "base/status.h"

typedef struct cnn_stream cnn_stream;

/** Opens a regular file. */
cnn_status cnn_stream_open(const char *path, cnn_stream **stream, cnn_error *error);

/** Whether it is a gzip file. */
bool cnn_stream_is_packed(const cnn_stream *stream);

/** The most bytes that can be read in all: the file's size, or what gzip could pack into it. What a header promises
 * beyond is a lie that needs no allocation to find out. */
uint64_t cnn_stream_limit(const cnn_stream *stream);

/** Whether `size` more bytes are there, before memory is taken for them: where they are many more than the file's own,
 * they are unpacked once for this alone. CNN_FORMAT where they are not, or are a hundred times as many. */
cnn_status cnn_stream_prove(const cnn_stream *stream, uint64_t size, cnn_error *error);

/** Reads exactly `size` bytes; CNN_FORMAT where the file ends before, or its gzip data is damaged. */
cnn_status cnn_stream_read(cnn_stream *stream, void *out, size_t size, cnn_error *error);

/** Makes sure that nothing is left, and that a gzip file's checksum agrees. */
cnn_status cnn_stream_end(cnn_stream *stream, cnn_error *error);

void cnn_stream_close(cnn_stream *stream);

#endif

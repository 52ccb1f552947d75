/* Numbers and text as people read them. Functions that take `out` return it. */
#ifndef CNN_CLI_FORMAT_H
#define CNN_CLI_FORMAT_H

#include "cnn.h"

#include <stdio.h>

#define CNN_FORMAT_LENGTH 48
/** Room for one formatted value, as an argument: cnn_format_count(n, CNN_FORMAT_ROOM). */
#define CNN_FORMAT_ROOM ((char[CNN_FORMAT_LENGTH]){0})

/** "431,080" */
const char *cnn_format_count(int64_t value, char out[CNN_FORMAT_LENGTH]);
/** "1 epoch", "1,000 epochs": a count and what it counts, which takes an s. */
const char *cnn_format_things(int64_t count, const char *thing, char out[CNN_FORMAT_LENGTH]);
/** "0.8 s", "41 s", "2 min 5 s", "1 h 20 min" */
const char *cnn_format_duration(double seconds, char out[CNN_FORMAT_LENGTH]);
/** "0:07", "2:05", "1:02:05" */
const char *cnn_format_clock(double seconds, char out[CNN_FORMAT_LENGTH]);
/** "512 B", "1.7 MB"; powers of ten */
const char *cnn_format_bytes(int64_t bytes, char out[CNN_FORMAT_LENGTH]);
/** "28x28x1" */
const char *cnn_format_shape(cnn_shape shape, char out[CNN_FORMAT_LENGTH]);

/** Columns that UTF-8 text takes, one a code point. */
int cnn_format_width(const char *text);
/** Bytes of the longest prefix that takes at most `width` columns. */
size_t cnn_format_prefix(const char *text, int width);

/** Writes one word of a command line as a shell reads it, quoted where it must be. */
void cnn_format_shell(FILE *stream, const char *word);

#endif

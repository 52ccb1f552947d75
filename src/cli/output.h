/* What the command writes. Results go to stdout, where the first failed write is remembered and reported at the end;
 * everything else goes to stderr. */
#ifndef CNN_CLI_OUTPUT_H
#define CNN_CLI_OUTPUT_H

#include "cnn.h"
#include "command.h"

#include <jansson.h>
#include <stdio.h>

#if defined(__GNUC__)
#define CNN_OUTPUT_FORMAT __attribute__((format(printf, 1, 2)))
#else
#define CNN_OUTPUT_FORMAT
#endif

/** Keeps files that are opened later off the standard streams where the caller closed these, and lets writes to a
 * closed pipe fail instead of killing the process. To be called first. */
void cnn_output_begin(void);

/** printf to stdout. */
void cnn_output_print(const char *format, ...) CNN_OUTPUT_FORMAT;
/** Text for a person: at most `width` columns of it (UTF-8; control characters become '?'), padded to `width`. */
void cnn_output_cell(const char *text, int width);
/** Text for a person, whole, with control characters as '?'. */
void cnn_output_text(const char *text);
/** One object on a line of its own, at once. Takes the reference; NULL stands for memory that is out. */
void cnn_output_json(json_t *object);
/** Whether a write to stdout has failed, so that more work for it is in vain. */
bool cnn_output_failed(void);
/** Flushes stdout and returns the exit code: `code`, or failure where a write failed. A reader that went away (a closed
 * pipe) gets no message. */
cnn_exit cnn_output_finish(cnn_exit code);

/** Closes a stream of open_memstream() into *text, and returns that, to be freed; NULL where memory ran out, on the way
 * or at the end, which fclose() does not tell. */
char *cnn_text_finish(FILE *stream, char **text);

/** "cnn: " and the text, one line on stderr. */
void cnn_complain(const char *format, ...) CNN_OUTPUT_FORMAT;
/** The library's message in the same way; returns CNN_EXIT_FAILED. */
cnn_exit cnn_complain_error(const cnn_error *error);
cnn_exit cnn_complain_memory(void);
/** A line on stderr that is no error. */
void cnn_tell(const char *format, ...) CNN_OUTPUT_FORMAT;

/** JSON values of what may not be one: bytes that are no UTF-8 become '?', numbers that are not finite null. */
json_t *cnn_json_text(const char *text);
json_t *cnn_json_number(double value);

#endif

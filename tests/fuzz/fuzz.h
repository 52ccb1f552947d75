/* What the fuzz targets share. A target is a file with LLVMFuzzerTestOneInput(), which libFuzzer calls with one input
 * after the other: it hands the input to a parser and asserts what must hold of the result. AddressSanitizer and
 * UndefinedBehaviorSanitizer watch the memory, this code how much of it there is. */
#ifndef CNN_TESTS_FUZZ_H
#define CNN_TESTS_FUZZ_H

#include "cnn.h"

/* The assertions are the test. */
#undef NDEBUG
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Between these two the process may hold at most `most` bytes that it did not hold before; more is a finding. The
 * largest use so far is told at the end. */
void fuzz_begin(size_t most);
void fuzz_end(void);

/** Asserts that a failure is told as it must be: one line of text, of a kind that is the input's fault. */
void fuzz_check_error(const cnn_error *error);
/** An error that no function may leave as it is when it fails. */
cnn_error fuzz_no_error(void);

/** What is left of an input, from which its parts are cut. */
typedef struct fuzz_input {
    const uint8_t *bytes;
    size_t size;
} fuzz_input;

/** The next byte; 0 at the end. */
uint8_t fuzz_take_byte(fuzz_input *input);
/** The next bytes, up to `separator`, which is taken as well, or to the end. */
fuzz_input fuzz_take_until(fuzz_input *input, uint8_t separator);
/** The next bytes, as many as two bytes before them say, the lower first; fewer at the end. */
fuzz_input fuzz_take_counted(fuzz_input *input);
/** The part as a string, to be freed by free(). */
char *fuzz_string(fuzz_input part);

/** A file in memory. */
typedef struct fuzz_file {
    int descriptor;
    char path[32];
} fuzz_file;

fuzz_file fuzz_file_new(void);
void fuzz_file_fill(const fuzz_file *file, const void *bytes, size_t size);

/** A folder for the process's lifetime, in memory where the system has a place for that. */
const char *fuzz_folder(void);
/** Puts the file into the folder under a name. */
void fuzz_folder_add(const fuzz_file *file, const char *name);

#endif

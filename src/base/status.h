/* Failures: how a function fills the caller's cnn_error. */
#ifndef CNN_BASE_STATUS_H
#define CNN_BASE_STATUS_H

#include "cnn.h"

#if defined(__GNUC__)
#define CNN_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define CNN_PRINTF(format_index, first)
#endif

/** Fills `error` (if not NULL) and returns `status`, so that a failure is one statement: `return cnn_fail(...)`.
 * Control characters that come in with outside text are replaced, so that the message stays one line. */
cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) CNN_PRINTF(3, 4);

/** cnn_fail(error, CNN_MEMORY, ...) in the usual words. */
cnn_status cnn_fail_memory(cnn_error *error);

#endif

/* Opening what commands work on. Each tells on stderr why it failed, and returns NULL then. */
#ifndef CNN_CLI_OPEN_H
#define CNN_CLI_OPEN_H

#include "cnn.h"

/** A trained model. */
cnn_model *cnn_open_model(const char *path);
/** A session of `threads` (0: one a processor) that computes `batch` images at once (0: the library's default); BLAS
 * is set to one thread for the rest of the process. */
cnn_session *cnn_open_session(const cnn_model *model, int threads, int batch);

#endif

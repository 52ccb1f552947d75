/* NAME.history.csv: a row for each finished epoch of a training. */
#ifndef CNN_CLI_HISTORY_H
#define CNN_CLI_HISTORY_H

#include "cnn.h"

/** Writes all epochs that the trainer knows, those before a stop included; the file is replaced whole or stays as it
 * was. Tells on stderr why it failed. */
bool cnn_history_write(const cnn_trainer *trainer, const char *path);

/** Images trained a second; 0 before any time has passed. */
double cnn_history_rate(const cnn_progress *progress);

#endif

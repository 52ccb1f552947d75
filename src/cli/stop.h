/* Ctrl-C: the first asks to stop, the second kills. */
#ifndef CNN_CLI_STOP_H
#define CNN_CLI_STOP_H

#include <stdbool.h>

/** From now on SIGINT, SIGTERM and SIGHUP only raise a flag, once each; ignored ones stay ignored (nohup, `&`). */
void cnn_stop_watch(void);
bool cnn_stop_requested(void);

#endif

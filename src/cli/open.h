/* Opening what commands work on. Each tells on stderr why it failed, and returns NULL then. */
#ifndef CNN_CLI_OPEN_H
#define CNN_CLI_OPEN_H

#include "args.h"
#include "cnn.h"
#include "command.h"

/** A recipe with the options of `set` in their order, then `epochs` of them (0: as many as it says), into *recipe. What
 * is wrong in options is wrong usage. */
cnn_exit cnn_open_recipe(const char *path, const cnn_args_list *set, int epochs, cnn_recipe **recipe);
/** A trained model. */
cnn_model *cnn_open_model(const char *path);
/** A session; BLAS is set to one thread for the rest of the process. */
cnn_session *cnn_open_session(const cnn_model *model, const cnn_session_options *options);
/** Tells on stderr what --tune does. */
void cnn_tell_tuning(void);
/** The help of --tune. */
#define CNN_TUNE_HELP                                                                                                  \
    "choose the algorithms of convolutions by measuring, not by rule: may be faster,\n"                                \
    "but results may differ in their last bits from run to run"

#endif

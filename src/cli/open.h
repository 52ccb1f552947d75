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

/** The trained models of an ensemble, or the only one. */
typedef struct cnn_models {
    cnn_model **items; /* [count]; NULL where opening failed */
    int count;
} cnn_models;

/** Opens the models of paths[count] in their order; whatever comes of it, cnn_close_models() follows. */
bool cnn_open_models(const char *const *paths, int count, cnn_models *models);
void cnn_close_models(cnn_models *models);

/** A session over the models; BLAS is set to one thread for the rest of the process. */
cnn_session *cnn_open_session(const cnn_models *models, const cnn_session_options *options);
/** What the value of --tta means; false, and told of on stderr, where it means nothing. */
bool cnn_open_tta(const cnn_args *args, const char *value, cnn_tta *tta);
/** "flip+shift": the value of --tta that means it. */
const char *cnn_tta_name(cnn_tta tta);
/** Tells on stderr what --tune does. */
void cnn_tell_tuning(void);
/** The help of --tune. */
#define CNN_TUNE_HELP                                                                                                  \
    "choose the algorithms of convolutions by measuring, not by rule: may be faster,\n"                                \
    "but results may differ in their last bits from run to run"
/** The row of --tta; `settings` as in command.h. */
#define CNN_TTA_OPTION(settings)                                                                                       \
    {                                                                                                                  \
        .name = "tta", .placeholder = "VIEWS", .type = CNN_ARGS_TEXT, .offset = offsetof(settings, tta),               \
        .help = "test-time augmentation, the mean over views of each image: 'flip', itself and\n"                      \
                "its mirror (twice the work), 'flip+shift', these and four shifted ones (six\n"                        \
                "times), or 'none' (default)",                                                                         \
        .fallback = "none"                                                                                             \
    }

#endif

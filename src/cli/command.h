/* What a command of the program is: a table of options, its help, and a function. One file a command, one line in
 * main.c's list. */
#ifndef CNN_CLI_COMMAND_H
#define CNN_CLI_COMMAND_H

#include "args.h"

typedef enum cnn_exit {
    CNN_EXIT_DONE = 0,
    CNN_EXIT_FAILED = 1, /* what files, data or the machine are to blame for */
    CNN_EXIT_USAGE = 2   /* what the command line is to blame for */
} cnn_exit;

typedef struct cnn_command {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    const char *details; /* further lines of its help, NULL: none */
    const char *exits;   /* what its exit status means, for its help */
    cnn_args_table arguments;
    size_t settings_size; /* of the struct that the options' fields lie in */
    cnn_exit (*run)(const cnn_args *args);
} cnn_command;

/* Rows that the tables of several commands share; `settings` is the command's struct, with a field of the same name. */
#define CNN_DATA_OPTION(settings)                                                                                      \
    {                                                                                                                  \
        .name = "data", .placeholder = "SPEC", .type = CNN_ARGS_TEXT, .offset = offsetof(settings, data),              \
        .help = "the data set: mnist:DIR, fashion-mnist:DIR, cifar10:DIR or folder:DIR", .required = true              \
    }
#define CNN_EPOCHS_OPTION(settings)                                                                                    \
    {                                                                                                                  \
        .name = "epochs", .placeholder = "N", .type = CNN_ARGS_COUNT, .offset = offsetof(settings, epochs),            \
        .help = "passes over the training images, the same as --set epochs=N", .maximum = INT_MAX                      \
    }
/** `more` is a string that goes on from the help. */
#define CNN_THREADS_OPTION(settings, more)                                                                             \
    {                                                                                                                  \
        .name = "threads", .placeholder = "N", .type = CNN_ARGS_COUNT, .offset = offsetof(settings, threads),          \
        .help = "threads to compute with (default: one a processor)" more, .maximum = 1024                             \
    }
#define CNN_QUIET_OPTION(settings)                                                                                     \
    {                                                                                                                  \
        .name = "quiet", .type = CNN_ARGS_FLAG, .offset = offsetof(settings, quiet), .help = "tell nothing but errors" \
    }

extern const cnn_command cnn_train_command;
extern const cnn_command cnn_eval_command;
extern const cnn_command cnn_compare_command;
extern const cnn_command cnn_classify_command;
extern const cnn_command cnn_info_command;
extern const cnn_command cnn_inspect_command;

#endif

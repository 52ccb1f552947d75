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

extern const cnn_command cnn_train_command;
extern const cnn_command cnn_eval_command;
extern const cnn_command cnn_compare_command;
extern const cnn_command cnn_classify_command;
extern const cnn_command cnn_info_command;

#endif

/* Command lines. A table describes a command's options as fields of a struct; from it come parsing, messages with
 * suggestions, and the help. "--out FILE" and "--out=FILE" are the same, "--" ends the options. */
#ifndef CNN_CLI_ARGS_H
#define CNN_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A list option's field: the values in their order. */
typedef struct cnn_args_list {
    const char **items; /* NULL where the option was not given; first, so that a required list is found missing */
    int count;
} cnn_args_list;

typedef enum cnn_args_type {
    CNN_ARGS_FLAG,  /* bool */
    CNN_ARGS_TEXT,  /* const char * */
    CNN_ARGS_COUNT, /* int, 1 .. maximum; 0 where not given */
    CNN_ARGS_SEED,  /* uint64_t */
    CNN_ARGS_LIST   /* cnn_args_list; may be given several times */
} cnn_args_type;

typedef struct cnn_args_option {
    const char *name; /* without dashes; NULL ends a table */
    const char *placeholder;
    const char *help; /* may have several lines */
    cnn_args_type type;
    size_t offset; /* of the field in the settings */
    int maximum;   /* of a count */
    bool required;
    bool replaces_operand; /* of a text or list: where it is given, the first operand is left out */
    const char *fallback;  /* the value where the option is not given, NULL: zero */
} cnn_args_option;

typedef struct cnn_args_table {
    const cnn_args_option *options;
    const char *const *operands; /* what must stand beside the options, in this order; NULL-terminated */
    bool optional;               /* the operands may be left out */
    bool repeats;                /* the last operand may be given several times */
} cnn_args_table;

/** A parsed command line. */
typedef struct cnn_args {
    const char *command;
    void *settings;
    const char *const *operands;
    int operand_count;
    int word_count; /* the words as typed, program and command included */
    char *const *words;
    int list_count;     /* of lists in the store */
    const char **store; /* what operands and lists point into: [1 + lists][word_count] */
} cnn_args;

typedef enum cnn_args_result { CNN_ARGS_PARSED, CNN_ARGS_HELP, CNN_ARGS_WRONG, CNN_ARGS_MEMORY } cnn_args_result;

/** Fills args->settings, which is zeroed, and the operands from the words after the command's. Tells on stderr what is
 * wrong. Whatever the result, cnn_args_clear() follows. */
cnn_args_result cnn_args_parse(const cnn_args_table *table, cnn_args *args);
void cnn_args_clear(cnn_args *args);

/** "cnn train RECIPE --data SPEC [options]", once more for an option that replaces an operand, and the list of options,
 * to stdout. */
void cnn_args_print_usage(const cnn_args_table *table, const char *command);
void cnn_args_print_options(const cnn_args_table *table);

/** The known word nearest to a mistyped one: offer all, then ask. */
typedef struct cnn_suggestion {
    const char *word, *best;
    int distance;
} cnn_suggestion;

void cnn_suggestion_offer(cnn_suggestion *suggestion, const char *candidate);

#endif

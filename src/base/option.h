/* Option tables. A table describes the fields of a struct: from it come parsing, ranges, defaults, canonical printing
 * and help. `conv filters=20 kernel=5` sets the fields `filters` and `kernel` of the conv layer's options. */
#ifndef CNN_BASE_OPTION_H
#define CNN_BASE_OPTION_H

#include "base/text.h"

typedef enum cnn_option_type {
    CNN_OPTION_INTEGER, /* int field; also takes one of `words`, stored as CNN_OPTION_WORD(index) */
    CNN_OPTION_NUMBER,  /* double field; also takes one of `words`, stored as CNN_OPTION_WORD(index) */
    CNN_OPTION_PAIR,    /* int[2] field: "3x5" is height 3, width 5; "3" is both */
    CNN_OPTION_CHOICE,  /* int field: the index of one of `words` */
    CNN_OPTION_SHAPE    /* cnn_shape field: "28x28x1" */
} cnn_option_type;

/** How word `index` of a number's `words` is stored: below every permitted minimum. */
#define CNN_OPTION_WORD(index) (-1000000 - (index))
/** `words` of a choice that is on or off, so that the index is a truth value. */
#define CNN_OPTION_OFF_ON ((const char *const[]){"off", "on", NULL})

typedef struct cnn_option {
    const char *name; /* NULL ends a table */
    cnn_option_type type;
    size_t offset;            /* of the field: offsetof(struct, field) */
    double minimum, maximum;  /* inclusive, of numbers, of each of a pair or shape; not of words */
    const char *fallback;     /* the default as text, NULL: must be given */
    const char *const *words; /* NULL-terminated, or NULL */
    const char *help;
    bool positional; /* the value stands without "name=" (an input's shape) */
} cnn_option;

/** Sets all fields to their defaults (zero where an option must be given). */
void cnn_options_default(const cnn_option *table, void *options);

/** Sets the option `name` (or, with a NULL name, the positional one) from `value`. On failure the message says what
 * is wrong and what is permitted; it carries no place and no statement, which the caller prepends. */
cnn_status cnn_options_set(const cnn_option *table, void *options, const char *name, const char *value,
                           cnn_error *error);

/** Appends the options that differ from their defaults, each as " name=value", positional first, in the table's
 * order. */
void cnn_options_print(const cnn_option *table, const void *options, cnn_text *text);

/** Appends one line an option: name, permitted values, default, help. */
void cnn_options_help(const cnn_option *table, cnn_text *text);

#endif

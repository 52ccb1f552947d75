/* What the recipe's files share. The statements that are no layers are entries of a list: word, option table, and the
 * rules between options. */
#ifndef CNN_NET_RECIPE_FORMS_H
#define CNN_NET_RECIPE_FORMS_H

#include "net/recipe.h"

typedef struct cnn_statement_form {
    const char *word;
    cnn_statement_type type;
    const char *help;        /* one line */
    const cnn_option *table; /* NULL: takes no options */
    size_t options_size;
    bool once; /* at most one in a recipe, and not within a residual */
    /** Checks what a single option's range cannot say, NULL where nothing is left. Messages carry no place. */
    cnn_status (*check)(const void *options, cnn_error *error);
} cnn_statement_form;

/** All forms, ended by a NULL word, in the order of the reference. */
extern const cnn_statement_form cnn_statement_forms[];

/** The form of a statement, NULL for a layer. */
const cnn_statement_form *cnn_statement_form_of(const cnn_statement *statement);

/** "conv", "residual", "}": the word that a statement begins with. */
const char *cnn_statement_word(const cnn_statement *statement);
/** The size of a statement's options struct. */
size_t cnn_statement_options_size(const cnn_statement *statement);
/** The rules between the options of one statement. */
cnn_status cnn_statement_check(const cnn_statement *statement, const void *options, cnn_error *error);
/** The first statement of a type, NULL where there is none. */
cnn_statement *cnn_recipe_find(const cnn_recipe *recipe, cnn_statement_type type);
/** Takes all statements out. */
void cnn_recipe_empty(cnn_recipe *recipe);
/** Adds what the next line of the text, `length` bytes without its line feed, says. The recipe is unchanged on
 * failure. */
cnn_status cnn_recipe_add_line(cnn_recipe *recipe, const char *text, size_t length, cnn_error *error);

#endif

/* A recipe's line to a statement: the line is split into words, of which the first names a statement and the others are
 * its options. Every failure names the place of the word it is about. */
#include "base/memory.h"
#include "net/recipe_forms.h"

#include <stdio.h>
#include <string.h>

#define LINE_LIMIT 4096
#define STATEMENT_LIMIT 4096
#define BLANKS " \t"

/** The line that is being read. */
typedef struct line {
    const cnn_recipe *recipe;
    char text[LINE_LIMIT + 1]; /* words are cut out of it in place */
    char *rest;                /* what is not read yet */
    cnn_statement statement;   /* line and column are those of the word read last */
    bool known;                /* the statement's word has been understood */
    bool open;                 /* "{" has been read */
    uint64_t given;            /* options by index */
} line;

/* ----------------------------------------------------------------- failures */

/** A failure at the last word of a line, whose statement may not be known. */
static cnn_status fail(const line *l, cnn_error *error, const char *text)
{
    if (l->known) {
        return cnn_recipe_fail(l->recipe, &l->statement, error, "%s", text);
    }
    return cnn_fail(error, CNN_USAGE, "%s:%d:%d: %s", l->recipe->name, l->statement.line, l->statement.column, text);
}

static cnn_status fail_word(const line *l, cnn_error *error, const char *word)
{
    const size_t length = strlen(word);
    const char *nearest = NULL;
    for (const cnn_statement_form *form = cnn_statement_forms; form->word != NULL; form++) {
        nearest = cnn_is_nearer(word, length, form->word, nearest) ? form->word : nearest;
    }
    cnn_text text = {0};
    cnn_text_appendf(&text, "unknown statement '%.200s'", word);
    cnn_text known = {0};
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(l->recipe->isa); *kind != NULL; kind++) {
        if (!(*kind)->internal) {
            nearest = cnn_is_nearer(word, length, (*kind)->name, nearest) ? (*kind)->name : nearest;
            cnn_text_appendf(&known, ", %s", (*kind)->name);
        }
    }
    if (nearest != NULL) {
        cnn_text_appendf(&text, "; did you mean '%s'?", nearest);
    } else if (known.data != NULL) {
        cnn_text_appendf(&text, "; known are: input, train, augment, residual, }%s", known.data);
    }
    const cnn_status status = text.failed ? cnn_fail_memory(error) : fail(l, error, text.data);
    cnn_text_clear(&text);
    cnn_text_clear(&known);
    return status;
}

/* -------------------------------------------------------------------- words */

/** Copies a line without its comment and line end; fails where it is too long or no text. */
static cnn_status read_line(line *l, const char *text, size_t length, cnn_error *error)
{
    l->rest = l->text;
    length -= length > 0 && text[length - 1] == '\r';
    for (size_t at = 0; at < length;) {
        const size_t bytes = cnn_utf8_length(text + at, length - at);
        const unsigned char c = (unsigned char)text[at];
        l->statement.column = (int)at + 1;
        if (bytes == 0 || (c < ' ' && c != '\t') || c == 0x7f) {
            return fail(l, error, "not text: a recipe is UTF-8 without control characters");
        }
        if (at + bytes > LINE_LIMIT) {
            return fail(l, error, "the line is longer than 4096 bytes");
        }
        at += bytes;
    }
    const char *comment = memchr(text, '#', length);
    length = comment == NULL ? length : (size_t)(comment - text);
    memcpy(l->text, text, length);
    l->text[length] = '\0';
    return CNN_OK;
}

/** The next word of the line, which becomes the place of failures; NULL at the end. */
static char *next_word(line *l)
{
    char *word = l->rest + strspn(l->rest, BLANKS);
    if (*word == '\0') {
        return NULL;
    }
    l->statement.column = (int)(word - l->text) + 1;
    l->rest = word + strcspn(word, BLANKS);
    if (*l->rest != '\0') {
        *l->rest++ = '\0';
    }
    return word;
}

/** Understands a statement's word. */
static cnn_status read_statement(line *l, const char *word, cnn_error *error)
{
    cnn_statement *statement = &l->statement;
    const cnn_statement_form *form = cnn_statement_forms;
    while (form->word != NULL && strcmp(form->word, word) != 0) {
        form++;
    }
    statement->type = form->word == NULL ? CNN_STATEMENT_LAYER : form->type;
    statement->kind = form->word == NULL ? cnn_layer_find(l->recipe->isa, word, strlen(word)) : NULL;
    if (form->word == NULL && (statement->kind == NULL || statement->kind->internal)) {
        return fail_word(l, error, word);
    }
    l->known = true;
    if (cnn_statement_table(statement) != NULL) {
        statement->options = cnn_alloc(1, cnn_statement_options_size(statement));
        if (statement->options == NULL) {
            return cnn_fail_memory(error);
        }
        cnn_options_default(cnn_statement_table(statement), statement->options);
    }
    return CNN_OK;
}

/** Takes one word after the statement's: "key=value", the positional value, or "{". */
static cnn_status read_option(line *l, char *word, cnn_error *error)
{
    const cnn_option *table = cnn_statement_table(&l->statement);
    if (l->open || table == NULL) {
        return fail(l, error, "nothing but a comment may follow on this line");
    }
    if (strcmp(word, "{") == 0) {
        l->open = true;
        return l->statement.type == CNN_STATEMENT_RESIDUAL ? CNN_OK
                                                           : fail(l, error, "only 'residual' takes a body in '{'");
    }
    char *value = strchr(word, '=');
    const char *name = value == NULL ? NULL : word;
    if (value == NULL) {
        value = word;
    } else {
        *value++ = '\0';
    }
    cnn_error cause;
    if (cnn_options_set(table, l->statement.options, name, value, &cause) != CNN_OK) {
        return cause.status == CNN_MEMORY ? cnn_fail_memory(error) : fail(l, error, cause.message);
    }
    int index = 0;
    while (name == NULL ? !table[index].positional : strcmp(table[index].name, name) != 0) {
        index++;
    }
    const uint64_t bit = (uint64_t)1 << index;
    if (l->given & bit) {
        cnn_fail(&cause, CNN_USAGE, "%s is given twice", table[index].name);
        return fail(l, error, cause.message);
    }
    l->given |= bit;
    return CNN_OK;
}

/* --------------------------------------------------------------- statements */

/** What a whole statement must hold; failures are at its word. */
static cnn_status check_statement(line *l, cnn_error *error)
{
    const cnn_option *table = cnn_statement_table(&l->statement);
    cnn_error cause;
    for (int i = 0; table != NULL && table[i].name != NULL; i++) {
        if (table[i].fallback == NULL && !(l->given >> i & 1)) {
            cnn_fail(&cause, CNN_USAGE, "%s%s is missing", table[i].name, table[i].positional ? "" : "=");
            return fail(l, error, cause.message);
        }
    }
    if (l->statement.type == CNN_STATEMENT_RESIDUAL && !l->open) {
        return fail(l, error, "'{' is missing at the end of the line");
    }
    if (cnn_statement_check(&l->statement, l->statement.options, &cause) != CNN_OK) {
        return fail(l, error, cause.message);
    }
    return CNN_OK;
}

/** Whether the statement may stand after those before it; failures are at its word. */
static cnn_status check_place(const line *l, cnn_error *error)
{
    const cnn_recipe *recipe = l->recipe;
    const cnn_statement_form *form = cnn_statement_form_of(&l->statement);
    const cnn_statement *former = form != NULL && form->once ? cnn_recipe_find(recipe, form->type) : NULL;
    cnn_error cause;
    if (former != NULL) {
        cnn_fail(&cause, CNN_USAGE, "there is one already, in line %d", former->line);
        return fail(l, error, cause.message);
    }
    if (recipe->count == 0 && l->statement.type != CNN_STATEMENT_INPUT) {
        return fail(l, error, "a recipe begins with its input, as in 'input 28x28x1'");
    }
    if (form != NULL && form->once && recipe->depth > 0) {
        return fail(l, error, "cannot stand within a residual");
    }
    if (l->statement.type == CNN_STATEMENT_END && recipe->depth == 0) {
        return fail(l, error, "closes nothing: no residual is open");
    }
    if (l->statement.type == CNN_STATEMENT_RESIDUAL && recipe->depth == CNN_RECIPE_NESTING) {
        return fail(l, error, "residuals are nested too deeply: 16 at most");
    }
    return recipe->count < STATEMENT_LIMIT ? CNN_OK : fail(l, error, "too many statements: 4096 at most");
}

/** Names the statement and puts it at the end; its options are the recipe's then. */
static cnn_status append(cnn_recipe *recipe, cnn_statement *statement, cnn_error *error)
{
    if (recipe->count == recipe->capacity) {
        const int capacity = recipe->capacity == 0 ? 16 : 2 * recipe->capacity;
        cnn_statement *grown = cnn_resize(recipe->statements, (size_t)recipe->count, (size_t)capacity, sizeof *grown);
        if (grown == NULL) {
            return cnn_fail_memory(error);
        }
        recipe->statements = grown;
        recipe->capacity = capacity;
    }
    int number = 1;
    for (int i = 0; i < recipe->count; i++) {
        number += recipe->statements[i].type == statement->type && recipe->statements[i].kind == statement->kind;
    }
    const bool numbered = statement->type == CNN_STATEMENT_LAYER || statement->type == CNN_STATEMENT_RESIDUAL;
    const char *word = cnn_statement_word(statement);
    snprintf(statement->name, sizeof statement->name, numbered ? "%s%d" : "%s", word, number);
    recipe->depth += (statement->type == CNN_STATEMENT_RESIDUAL) - (statement->type == CNN_STATEMENT_END);
    recipe->statements[recipe->count++] = *statement;
    statement->options = NULL;
    return CNN_OK;
}

/** Reads a line; it holds no statement where `known` is false afterwards. */
static cnn_status read_whole(line *l, const char *text, size_t length, cnn_error *error)
{
    cnn_status status = read_line(l, text, length, error);
    char *word = status == CNN_OK ? next_word(l) : NULL;
    if (word == NULL) {
        return status;
    }
    const int column = l->statement.column;
    status = read_statement(l, word, error);
    while (status == CNN_OK && (word = next_word(l)) != NULL) {
        status = read_option(l, word, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    l->statement.column = column;
    status = check_statement(l, error);
    return status == CNN_OK ? check_place(l, error) : status;
}

cnn_status cnn_recipe_add_line(cnn_recipe *recipe, const char *text, size_t length, cnn_error *error)
{
    line l = {.recipe = recipe, .statement = {.line = recipe->lines + 1, .column = 1}};
    cnn_status status = read_whole(&l, text, length, error);
    if (status == CNN_OK && l.known) {
        status = append(recipe, &l.statement, error);
    }
    cnn_free(l.statement.options);
    recipe->lines += status == CNN_OK;
    return status;
}

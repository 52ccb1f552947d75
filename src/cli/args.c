/* Command lines, from tables: see args.h. */
#include "args.h"

#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 31 };

/* Levenshtein's distance, in one row of his table. */
static int edit_distance(const char *a, const char *b)
{
    const size_t a_length = strlen(a);
    const size_t b_length = strlen(b);
    if (a_length > LONGEST_WORD || b_length > LONGEST_WORD) {
        return LONGEST_WORD;
    }
    int row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            const int replaced = diagonal + (a[i - 1] != b[j - 1]);
            const int shorter = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_length];
}

void cnn_suggestion_offer(cnn_suggestion *suggestion, const char *candidate)
{
    const int distance = edit_distance(suggestion->word, candidate);
    const bool near = distance <= 2 && 2 * (size_t)distance <= strlen(candidate);
    if (near && (!suggestion->best || distance < suggestion->distance)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

static const cnn_args_option *find_option(const cnn_args_table *table, const char *name, size_t length)
{
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

static cnn_args_result unknown_option(const cnn_args_table *table, const cnn_args *args, const char *word)
{
    char name[LONGEST_WORD + 1] = "";
    const char *start = word + strspn(word, "-");
    const size_t length = strcspn(start, "=");
    memcpy(name, start, length < sizeof name ? length : sizeof name - 1);
    cnn_suggestion suggestion = {.word = name};
    for (const cnn_args_option *option = table->options; option->name; option++) {
        cnn_suggestion_offer(&suggestion, option->name);
    }
    const int shown = (int)(start - word + (ptrdiff_t)length);
    if (suggestion.best) {
        cnn_complain("%s: unknown option '%.*s': did you mean '--%s'?", args->command, shown, word, suggestion.best);
    } else {
        cnn_complain("%s: unknown option '%.*s'; 'cnn %s --help' lists them", args->command, shown, word,
                     args->command);
    }
    return CNN_ARGS_WRONG;
}

static bool parse_count(const cnn_args_option *option, const char *text, int *value)
{
    char *end = NULL;
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number < 1 || number > option->maximum) {
        return false;
    }
    *value = (int)number;
    return true;
}

static bool parse_seed(const char *text, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number > UINT64_MAX) {
        return false;
    }
    *value = (uint64_t)number;
    return true;
}

static cnn_args_result set_option(const cnn_args_option *option, cnn_args *args, const char *value)
{
    void *field = (char *)args->settings + option->offset;
    switch (option->type) {
    case CNN_ARGS_FLAG:
        *(bool *)field = true;
        break;
    case CNN_ARGS_TEXT:
        *(const char **)field = value;
        break;
    case CNN_ARGS_COUNT:
        if (!parse_count(option, value, field)) {
            cnn_complain("%s: --%s: '%s' is not a whole number from 1 to %d", args->command, option->name, value,
                         option->maximum);
            return CNN_ARGS_WRONG;
        }
        break;
    case CNN_ARGS_SEED:
        if (!parse_seed(value, field)) {
            cnn_complain("%s: --%s: '%s' is not a whole number from 0 to 18446744073709551615", args->command,
                         option->name, value);
            return CNN_ARGS_WRONG;
        }
        break;
    case CNN_ARGS_LIST: {
        cnn_args_list *list = field;
        if (!list->items) {
            list->items = args->store + (size_t)++args->list_count * (size_t)args->word_count;
        }
        list->items[list->count++] = value;
        break;
    }
    }
    return CNN_ARGS_PARSED;
}

/* Word `at`, which begins with "--", and the value that may follow it. *used tells how many words were taken. */
static cnn_args_result parse_option(const cnn_args_table *table, cnn_args *args, int at, int *used)
{
    const char *word = args->words[at];
    const size_t length = strcspn(word + 2, "=");
    const cnn_args_option *option = find_option(table, word + 2, length);
    const bool joined = word[2 + length] == '=';
    *used = 1;
    if (!option) {
        return unknown_option(table, args, word);
    }
    if (option->type == CNN_ARGS_FLAG) {
        if (joined) {
            cnn_complain("%s: option '--%s' takes no value", args->command, option->name);
            return CNN_ARGS_WRONG;
        }
        return set_option(option, args, NULL);
    }
    if (joined) {
        return set_option(option, args, word + 2 + length + 1);
    }
    if (at + 1 >= args->word_count || strncmp(args->words[at + 1], "--", 2) == 0) {
        cnn_complain("%s: option '--%s' needs a value: --%s %s", args->command, option->name, option->name,
                     option->placeholder);
        return CNN_ARGS_WRONG;
    }
    *used = 2;
    return set_option(option, args, args->words[at + 1]);
}

static bool is_given(const cnn_args_option *option, const cnn_args *args)
{
    return *(const void *const *)((const char *)args->settings + option->offset) != NULL;
}

/* What must stand beside the options that were given. */
static const char *const *expected_operands(const cnn_args_table *table, const cnn_args *args)
{
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (option->replaces_operand && is_given(option, args)) {
            return table->operands + 1;
        }
    }
    return table->operands;
}

static int count_operands(const char *const *operands)
{
    int count = 0;
    while (operands[count]) {
        count++;
    }
    return count;
}

static cnn_args_result check_complete(const cnn_args_table *table, const cnn_args *args)
{
    const char *const *operands = expected_operands(table, args);
    const int expected = count_operands(operands);
    if (args->operand_count < expected && !table->optional) {
        cnn_complain("%s: %s is missing; 'cnn %s --help' shows the usage", args->command, operands[args->operand_count],
                     args->command);
        return CNN_ARGS_WRONG;
    }
    if (args->operand_count > expected && !table->repeats) {
        cnn_complain("%s: unexpected argument '%s'; 'cnn %s --help' shows the usage", args->command,
                     args->operands[expected], args->command);
        return CNN_ARGS_WRONG;
    }
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (option->required && !is_given(option, args)) {
            cnn_complain("%s: option '--%s %s' is missing; 'cnn %s --help' shows the usage", args->command,
                         option->name, option->placeholder, args->command);
            return CNN_ARGS_WRONG;
        }
    }
    return CNN_ARGS_PARSED;
}

cnn_args_result cnn_args_parse(const cnn_args_table *table, cnn_args *args)
{
    size_t lists = 0;
    for (const cnn_args_option *option = table->options; option->name; option++) {
        lists += option->type == CNN_ARGS_LIST;
    }
    args->store = calloc((1 + lists) * (size_t)args->word_count, sizeof *args->store);
    if (!args->store) {
        cnn_complain("out of memory");
        return CNN_ARGS_MEMORY;
    }
    args->operands = args->store;
    cnn_args_result result = CNN_ARGS_PARSED;
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (option->fallback) {
            result = set_option(option, args, option->fallback);
        }
    }
    bool options_end = false;
    for (int at = 2, used = 1; at < args->word_count && result == CNN_ARGS_PARSED; at += used) {
        const char *word = args->words[at];
        used = 1;
        if (options_end || word[0] != '-' || strcmp(word, "-") == 0) {
            args->store[args->operand_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_end = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            result = CNN_ARGS_HELP;
        } else if (word[1] != '-') {
            result = unknown_option(table, args, word);
        } else {
            result = parse_option(table, args, at, &used);
        }
    }
    return result == CNN_ARGS_PARSED ? check_complete(table, args) : result;
}

void cnn_args_clear(cnn_args *args)
{
    free(args->store);
    args->store = NULL;
}

/* What follows "cnn COMMAND" and, perhaps, an option in the place of an operand. */
static void print_usage_rest(const cnn_args_table *table, const char *const *operands)
{
    for (int i = 0; operands[i]; i++) {
        cnn_output_print(table->optional ? " [%s]" : " %s", operands[i]);
    }
    cnn_output_print("%s", table->repeats ? " ..." : "");
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (option->required) {
            cnn_output_print(" --%s %s", option->name, option->placeholder);
        }
    }
    cnn_output_print("%s\n", table->options->name ? " [options]" : "");
}

void cnn_args_print_usage(const cnn_args_table *table, const char *command)
{
    cnn_output_print("Usage: cnn %s", command);
    print_usage_rest(table, table->operands);
    for (const cnn_args_option *option = table->options; option->name; option++) {
        if (option->replaces_operand) {
            cnn_output_print("       cnn %s --%s %s", command, option->name, option->placeholder);
            if (option->type == CNN_ARGS_LIST) {
                cnn_output_print(" [--%s %s ...]", option->name, option->placeholder);
            }
            print_usage_rest(table, table->operands + 1);
        }
    }
}

static void print_option(const char *name, const char *placeholder, const char *help)
{
    enum { HELP_COLUMN = 18 };
    const int width = HELP_COLUMN - 4 - (int)strlen(name);
    cnn_output_print("  --%s%s%-*s", name, placeholder ? " " : "", width - (placeholder != NULL),
                     placeholder ? placeholder : "");
    for (const char *line = help; *line;) {
        const int length = (int)strcspn(line, "\n");
        cnn_output_print("%*s%.*s\n", line == help ? 0 : HELP_COLUMN, "", length, line);
        line += length + (line[length] == '\n');
    }
}

void cnn_args_print_options(const cnn_args_table *table)
{
    cnn_output_print("\nOptions:\n");
    for (const cnn_args_option *option = table->options; option->name; option++) {
        print_option(option->name, option->placeholder, option->help);
    }
    print_option("help", NULL, "this text");
}

/* Option tables at work. A value passes through one small union: parsed from text, compared with the default, printed
 * back, and copied to or from its field. */
#include "base/option.h"

#include <limits.h>
#include <string.h>

typedef union option_value {
    int integer; /* CNN_OPTION_INTEGER, CNN_OPTION_CHOICE */
    double number;
    int pair[2];
    cnn_shape shape;
} option_value;

static size_t field_size(cnn_option_type type)
{
    switch (type) {
    case CNN_OPTION_INTEGER:
    case CNN_OPTION_CHOICE:
        return sizeof(int);
    case CNN_OPTION_NUMBER:
        return sizeof(double);
    case CNN_OPTION_PAIR:
        return sizeof(int[2]);
    case CNN_OPTION_SHAPE:
        return sizeof(cnn_shape);
    }
    return 0;
}

static void store(const cnn_option *option, void *options, const option_value *from)
{
    memcpy((char *)options + option->offset, from, field_size(option->type));
}

static option_value load(const cnn_option *option, const void *options)
{
    option_value loaded = {.shape = {0, 0, 0}};
    memcpy(&loaded, (const char *)options + option->offset, field_size(option->type));
    return loaded;
}

/* ------------------------------------------------------------------ parsing */

static int find_word(const cnn_option *option, const char *text)
{
    for (int i = 0; option->words != NULL && option->words[i] != NULL; i++) {
        if (strcmp(option->words[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

static bool parse_integer(const cnn_option *option, const char *text, size_t length, int *out)
{
    int64_t number;
    if (!cnn_parse_integer(text, length, &number) || number < INT_MIN || number > INT_MAX ||
        (double)number < option->minimum || (double)number > option->maximum) {
        return false;
    }
    *out = (int)number;
    return true;
}

/** "AxBxC" into out[count]. */
static bool parse_sizes(const cnn_option *option, const char *text, int count, int *out)
{
    for (int i = 0; i < count; i++) {
        const size_t length = i + 1 < count ? strcspn(text, "x") : strlen(text);
        if (!parse_integer(option, text, length, &out[i])) {
            return false;
        }
        text += length;
        if (i + 1 < count && *text++ != 'x') {
            return false;
        }
    }
    return true;
}

static bool parse_pair(const cnn_option *option, const char *text, int pair[2])
{
    if (strchr(text, 'x') != NULL) {
        return parse_sizes(option, text, 2, pair);
    }
    if (!parse_sizes(option, text, 1, pair)) {
        return false;
    }
    pair[1] = pair[0];
    return true;
}

static bool parse_shape(const cnn_option *option, const char *text, cnn_shape *shape)
{
    int sizes[3];
    if (!parse_sizes(option, text, 3, sizes)) {
        return false;
    }
    *shape = (cnn_shape){sizes[0], sizes[1], sizes[2]};
    return true;
}

static bool parse_number(const cnn_option *option, const char *text, double *out)
{
    double number;
    if (!cnn_parse_number(text, strlen(text), &number) || number < option->minimum || number > option->maximum) {
        return false;
    }
    *out = number + 0.0; /* no negative zero */
    return true;
}

static bool parse(const cnn_option *option, const char *text, option_value *out)
{
    const int word = find_word(option, text);
    switch (option->type) {
    case CNN_OPTION_INTEGER:
        out->integer = CNN_OPTION_WORD(word);
        return word >= 0 || parse_integer(option, text, strlen(text), &out->integer);
    case CNN_OPTION_NUMBER:
        out->number = CNN_OPTION_WORD(word);
        return word >= 0 || parse_number(option, text, &out->number);
    case CNN_OPTION_PAIR:
        return parse_pair(option, text, out->pair);
    case CNN_OPTION_CHOICE:
        out->integer = word;
        return word >= 0;
    case CNN_OPTION_SHAPE:
        return parse_shape(option, text, &out->shape);
    }
    return false;
}

void cnn_options_default(const cnn_option *table, void *options)
{
    for (const cnn_option *option = table; option->name != NULL; option++) {
        option_value fallback = {.shape = {0, 0, 0}};
        if (option->fallback != NULL) {
            parse(option, option->fallback, &fallback);
        }
        store(option, options, &fallback);
    }
}

/* ----------------------------------------------------------------- printing */

static void append_number(cnn_text *text, double number)
{
    char digits[CNN_NUMBER_LENGTH];
    cnn_format_number(number, digits);
    cnn_text_append(text, digits);
}

/** The word that `number` stands for, or NULL. */
static const char *word_of(const cnn_option *option, double number)
{
    for (int i = 0; option->words != NULL && option->words[i] != NULL; i++) {
        if (number == CNN_OPTION_WORD(i)) {
            return option->words[i];
        }
    }
    return NULL;
}

static void append_value(cnn_text *text, const cnn_option *option, const option_value *shown)
{
    const double number = option->type == CNN_OPTION_NUMBER ? shown->number : shown->integer;
    const char *word = NULL;
    switch (option->type) {
    case CNN_OPTION_INTEGER:
    case CNN_OPTION_NUMBER:
        word = word_of(option, number);
        if (word == NULL) {
            append_number(text, number);
        } else {
            cnn_text_append(text, word);
        }
        break;
    case CNN_OPTION_PAIR:
        cnn_text_appendf(text, "%d", shown->pair[0]);
        if (shown->pair[1] != shown->pair[0]) {
            cnn_text_appendf(text, "x%d", shown->pair[1]);
        }
        break;
    case CNN_OPTION_CHOICE:
        cnn_text_append(text, option->words[shown->integer]);
        break;
    case CNN_OPTION_SHAPE:
        cnn_text_appendf(text, "%dx%dx%d", shown->shape.height, shown->shape.width, shown->shape.channels);
        break;
    }
}

void cnn_options_print(const cnn_option *table, const void *options, cnn_text *text)
{
    for (int positional = 1; positional >= 0; positional--) {
        for (const cnn_option *option = table; option->name != NULL; option++) {
            option_value fallback = {.shape = {0, 0, 0}};
            const option_value shown = load(option, options);
            if (option->positional != positional ||
                (option->fallback != NULL && parse(option, option->fallback, &fallback) &&
                 memcmp(&fallback, &shown, field_size(option->type)) == 0)) {
                continue;
            }
            cnn_text_append(text, " ");
            if (!option->positional) {
                cnn_text_appendf(text, "%s=", option->name);
            }
            append_value(text, option, &shown);
        }
    }
}

static bool has_words(const cnn_option *option)
{
    return option->words != NULL && option->words[0] != NULL;
}

static void append_words(cnn_text *text, const cnn_option *option, const char *separator)
{
    for (int i = 0; has_words(option) && option->words[i] != NULL; i++) {
        cnn_text_appendf(text, "%s%s", i > 0 ? separator : "", option->words[i]);
    }
}

static void append_range(cnn_text *text, const cnn_option *option, const char *separator)
{
    append_number(text, option->minimum);
    cnn_text_append(text, separator);
    append_number(text, option->maximum);
}

/** "a whole number, 1 to 64", "on or off": what a message says is permitted. */
static void append_permitted(cnn_text *text, const cnn_option *option)
{
    append_words(text, option, " or ");
    if (option->type == CNN_OPTION_CHOICE) {
        return;
    }
    cnn_text_append(text, has_words(option) ? " or " : "");
    cnn_text_append(text, option->type == CNN_OPTION_INTEGER  ? "a whole number, "
                          : option->type == CNN_OPTION_NUMBER ? "a number, "
                          : option->type == CNN_OPTION_PAIR   ? "SIZE or HEIGHTxWIDTH, each "
                                                              : "HEIGHTxWIDTHxCHANNELS, each ");
    append_range(text, option, " to ");
}

/** "kernel=1..255 or HxW": what the help says is permitted. */
static void append_synopsis(cnn_text *text, const cnn_option *option)
{
    if (option->type == CNN_OPTION_SHAPE) {
        cnn_text_appendf(text, "%sHxWxC, each ", option->positional ? "" : option->name);
        append_range(text, option, "..");
        return;
    }
    cnn_text_appendf(text, "%s=", option->name);
    append_words(text, option, "|");
    if (option->type != CNN_OPTION_CHOICE) {
        cnn_text_append(text, has_words(option) ? "|" : "");
        append_range(text, option, "..");
    }
    cnn_text_append(text, option->type == CNN_OPTION_PAIR ? " or HxW" : "");
}

/** A synopsis that is longer has a line of its own. */
#define HELP_COLUMN 38

void cnn_options_help(const cnn_option *table, cnn_text *text)
{
    for (const cnn_option *option = table; option->name != NULL; option++) {
        cnn_text synopsis = {0};
        append_synopsis(&synopsis, option);
        text->failed |= synopsis.failed;
        if (!text->failed) {
            const char *end = synopsis.length > HELP_COLUMN ? "\n" : "";
            cnn_text_appendf(text, "    %-*s%s%*s %s%-*s  %s\n", HELP_COLUMN, synopsis.data, end,
                             *end ? HELP_COLUMN + 4 : 0, "", option->fallback == NULL ? "" : "default ",
                             option->fallback == NULL ? 20 : 12,
                             option->fallback == NULL ? "required" : option->fallback, option->help);
        }
        cnn_text_clear(&synopsis);
    }
}

/* ------------------------------------------------------------------ setting */

static cnn_status fail_value(const cnn_option *option, const char *text, cnn_error *error)
{
    cnn_text permitted = {0};
    append_permitted(&permitted, option);
    const cnn_status status =
        permitted.failed ? cnn_fail_memory(error)
                         : cnn_fail(error, CNN_USAGE, "%s=%.200s: must be %s", option->name, text, permitted.data);
    cnn_text_clear(&permitted);
    return status;
}

static cnn_status fail_name(const cnn_option *table, const char *name, cnn_error *error)
{
    const char *nearest = NULL;
    cnn_text names = {0};
    for (const cnn_option *option = table; option->name != NULL; option++) {
        if (!option->positional) {
            cnn_text_appendf(&names, "%s%s", names.length > 0 ? ", " : "", option->name);
            nearest = cnn_is_nearer(name, strlen(name), option->name, nearest) ? option->name : nearest;
        }
    }
    cnn_status status;
    if (names.failed) {
        status = cnn_fail_memory(error);
    } else if (nearest != NULL) {
        status = cnn_fail(error, CNN_USAGE, "unknown option '%.200s'; did you mean '%s'?", name, nearest);
    } else if (names.length > 0) {
        status = cnn_fail(error, CNN_USAGE, "unknown option '%.200s'; known are: %s", name, names.data);
    } else {
        status = cnn_fail(error, CNN_USAGE, "unknown option '%.200s'; there are none", name);
    }
    cnn_text_clear(&names);
    return status;
}

cnn_status cnn_options_set(const cnn_option *table, void *options, const char *name, const char *value,
                           cnn_error *error)
{
    const cnn_option *option = table;
    while (option->name != NULL && (name == NULL ? !option->positional : strcmp(option->name, name) != 0)) {
        option++;
    }
    if (option->name == NULL) {
        return name != NULL ? fail_name(table, name, error)
                            : cnn_fail(error, CNN_USAGE, "'%.200s' is not of the form option=value", value);
    }
    option_value parsed = {.shape = {0, 0, 0}};
    if (!parse(option, value, &parsed)) {
        return fail_value(option, value, error);
    }
    store(option, options, &parsed);
    return CNN_OK;
}

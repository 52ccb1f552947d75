/* The recipe as an object: reading it whole, copying it, asking it, and its canonical text. */
#include "net/recipe.h"

#include "base/file.h"
#include "base/memory.h"
#include "net/recipe_forms.h"

#include <stdarg.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1024 * 1024)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

cnn_status cnn_recipe_fail(const cnn_recipe *recipe, const cnn_statement *statement, cnn_error *error,
                           const char *format, ...)
{
    char text[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    cnn_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    return cnn_fail(error, CNN_USAGE, "%s:%d:%d: %s: %s", recipe->name, statement->line, statement->column,
                    cnn_statement_word(statement), text);
}

/* ----------------------------------------------------------------- lifetime */

static cnn_recipe *new_named(const char *name, cnn_isa isa, cnn_error *error)
{
    cnn_recipe *recipe = cnn_alloc(1, sizeof *recipe);
    char *copy = cnn_copy_text(name, strlen(name));
    if (recipe == NULL || copy == NULL) {
        cnn_free(recipe);
        cnn_free(copy);
        cnn_fail_memory(error);
        return NULL;
    }
    recipe->name = copy;
    recipe->isa = isa;
    return recipe;
}

/** The same for the level that this process computes with. */
static cnn_recipe *begin(const char *name, cnn_error *error)
{
    cnn_isa isa;
    return cnn_isa_choose(&isa, error) == CNN_OK ? new_named(name, isa, error) : NULL;
}

cnn_recipe *cnn_recipe_new(cnn_error *error)
{
    return begin("recipe", error);
}

void cnn_recipe_empty(cnn_recipe *recipe)
{
    for (int i = 0; i < recipe->count; i++) {
        cnn_free(recipe->statements[i].options);
    }
    recipe->count = recipe->depth = recipe->lines = 0;
}

void cnn_recipe_free(cnn_recipe *recipe)
{
    if (recipe == NULL) {
        return;
    }
    cnn_recipe_empty(recipe);
    cnn_free(recipe->statements);
    cnn_free(recipe->name);
    cnn_free(recipe);
}

cnn_recipe *cnn_recipe_copy(const cnn_recipe *recipe, cnn_error *error)
{
    cnn_recipe *copy = new_named(recipe->name, recipe->isa, error);
    if (copy == NULL) {
        return NULL;
    }
    copy->depth = recipe->depth;
    copy->lines = recipe->lines;
    copy->statements = cnn_alloc((size_t)recipe->count, sizeof *copy->statements);
    if (copy->statements == NULL) {
        goto failed;
    }
    copy->capacity = recipe->count;
    for (int i = 0; i < recipe->count; i++) {
        const cnn_statement *from = &recipe->statements[i];
        const size_t size = cnn_statement_options_size(from);
        void *options = from->options == NULL ? NULL : cnn_alloc(1, size);
        copy->statements[i] = *from;
        copy->statements[i].options = options;
        copy->count++;
        if (from->options == NULL) {
            continue;
        }
        if (options == NULL) {
            goto failed;
        }
        memcpy(options, from->options, size);
    }
    return copy;
failed:
    cnn_recipe_free(copy);
    cnn_fail_memory(error);
    return NULL;
}

/* ------------------------------------------------------------------ reading */

cnn_status cnn_recipe_add(cnn_recipe *recipe, const char *line, cnn_error *error)
{
    return cnn_recipe_add_line(recipe, line, strlen(line), error);
}

/** The statement that opened the innermost residual still open. */
static const cnn_statement *find_open(const cnn_recipe *recipe)
{
    int closed = 0;
    int i = recipe->count - 1;
    for (; recipe->statements[i].type != CNN_STATEMENT_RESIDUAL || closed > 0; i--) {
        closed +=
            (recipe->statements[i].type == CNN_STATEMENT_END) - (recipe->statements[i].type == CNN_STATEMENT_RESIDUAL);
    }
    return &recipe->statements[i];
}

/** Reads `size` bytes of text, line by line. */
static cnn_recipe *parse(const char *text, size_t size, const char *name, cnn_error *error)
{
    cnn_recipe *recipe = begin(name, error);
    if (recipe == NULL) {
        return NULL;
    }
    const size_t mark = strlen(BYTE_ORDER_MARK);
    size_t at = size >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0 ? mark : 0;
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t length = end == NULL ? size - at : (size_t)(end - text) - at;
        if (cnn_recipe_add_line(recipe, text + at, length, error) != CNN_OK) {
            goto failed;
        }
        at += length + 1;
    }
    if (recipe->depth > 0) {
        cnn_recipe_fail(recipe, find_open(recipe), error, "is not closed: '}' is missing");
        goto failed;
    }
    return recipe;
failed:
    cnn_recipe_free(recipe);
    return NULL;
}

cnn_recipe *cnn_recipe_parse(const char *text, const char *name, cnn_error *error)
{
    return parse(text, strlen(text), name, error);
}

cnn_recipe *cnn_recipe_load(const char *path, cnn_error *error)
{
    unsigned char *bytes;
    size_t size;
    if (cnn_file_read(path, FILE_LIMIT, &bytes, &size, error) != CNN_OK) {
        return NULL;
    }
    cnn_recipe *recipe = parse((const char *)bytes, size, path, error);
    cnn_free(bytes);
    return recipe;
}

/* ------------------------------------------------------------------- asking */

cnn_statement *cnn_recipe_find(const cnn_recipe *recipe, cnn_statement_type type)
{
    for (int i = 0; i < recipe->count; i++) {
        if (recipe->statements[i].type == type) {
            return &recipe->statements[i];
        }
    }
    return NULL;
}

/** The options of the statement of a type that may stand once, or the defaults. */
static void copy_options(const cnn_recipe *recipe, cnn_statement_type type, void *out)
{
    const cnn_statement none = {.type = type};
    const cnn_statement *statement = cnn_recipe_find(recipe, type);
    if (statement == NULL) {
        cnn_options_default(cnn_statement_table(&none), out);
    } else {
        memcpy(out, statement->options, cnn_statement_options_size(statement));
    }
}

cnn_shape cnn_recipe_input(const cnn_recipe *recipe)
{
    cnn_input_options input;
    copy_options(recipe, CNN_STATEMENT_INPUT, &input);
    return input.shape;
}

cnn_fit cnn_recipe_fit(const cnn_recipe *recipe)
{
    cnn_input_options input;
    copy_options(recipe, CNN_STATEMENT_INPUT, &input);
    return (cnn_fit)input.fit;
}

void cnn_recipe_train_options(const cnn_recipe *recipe, cnn_train_options *out)
{
    copy_options(recipe, CNN_STATEMENT_TRAIN, out);
}

void cnn_recipe_augment_options(const cnn_recipe *recipe, cnn_augment_options *out)
{
    copy_options(recipe, CNN_STATEMENT_AUGMENT, out);
}

bool cnn_recipe_augments(const cnn_recipe *recipe)
{
    cnn_augment_options options;
    cnn_recipe_augment_options(recipe, &options);
    return options.shift > 0 || options.flip != CNN_FLIP_OFF || options.rotate > 0 || options.scale > 0 ||
           options.shear > 0 || options.elastic > 0 || options.cutout > 0 || options.erase > 0 ||
           options.brightness > 0 || options.contrast > 0 || options.mixup > 0;
}

/* ------------------------------------------------------------------ writing */

void cnn_statement_print(const cnn_statement *statement, cnn_text *text)
{
    cnn_text_append(text, cnn_statement_word(statement));
    if (statement->options != NULL) {
        cnn_options_print(cnn_statement_table(statement), statement->options, text);
    }
    if (statement->type == CNN_STATEMENT_RESIDUAL) {
        cnn_text_append(text, " {");
    }
}

char *cnn_recipe_text(const cnn_recipe *recipe, cnn_error *error)
{
    cnn_text text = {0};
    int depth = 0;
    for (int i = 0; i < recipe->count; i++) {
        const cnn_statement *statement = &recipe->statements[i];
        depth -= statement->type == CNN_STATEMENT_END;
        for (int level = 0; level < depth; level++) {
            cnn_text_append(&text, "  ");
        }
        cnn_statement_print(statement, &text);
        cnn_text_append(&text, "\n");
        depth += statement->type == CNN_STATEMENT_RESIDUAL;
    }
    return cnn_text_take(&text, error);
}

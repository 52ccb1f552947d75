/* Changing a recipe: "KEY=VALUE" sets an option of the train statement, "NAME.KEY=VALUE" one of any other, and
 * "KIND=STATEMENT" puts a statement in the place of all layers of a kind. */
#include "base/memory.h"
#include "net/recipe_forms.h"

#include <string.h>

static cnn_statement *find_named(const cnn_recipe *recipe, const char *name)
{
    for (int i = 0; i < recipe->count; i++) {
        if (recipe->statements[i].options != NULL && strcmp(recipe->statements[i].name, name) == 0) {
            return &recipe->statements[i];
        }
    }
    return NULL;
}

static cnn_status fail_name(const cnn_recipe *recipe, const char *name, cnn_error *error)
{
    const char *nearest = NULL;
    cnn_text names = {0};
    cnn_text_append(&names, "train, augment");
    for (int i = 0; i < recipe->count; i++) {
        const cnn_statement *statement = &recipe->statements[i];
        const cnn_statement_form *form = cnn_statement_form_of(statement);
        if (statement->options == NULL) {
            continue;
        }
        nearest = cnn_is_nearer(name, strlen(name), statement->name, nearest) ? statement->name : nearest;
        if (form == NULL || !form->once || form->type == CNN_STATEMENT_INPUT) {
            cnn_text_appendf(&names, ", %s", statement->name);
        }
    }
    cnn_status status;
    if (names.failed) {
        status = cnn_fail_memory(error);
    } else if (nearest != NULL) {
        status = cnn_fail(error, CNN_USAGE, "%s has no '%.100s'; did you mean '%s'?", recipe->name, name, nearest);
    } else {
        status = cnn_fail(error, CNN_USAGE, "%s has no '%.100s'; it has: %s", recipe->name, name, names.data);
    }
    cnn_text_clear(&names);
    return status;
}

/** Appends an empty train or augment statement. */
static cnn_status add_named(cnn_recipe *recipe, const char *name, cnn_error *error)
{
    if (strcmp(name, "train") != 0 && strcmp(name, "augment") != 0) {
        return fail_name(recipe, name, error);
    }
    return cnn_recipe_add(recipe, name, error);
}

/** Sets an option of a copy of the statement's options, and keeps the copy if all agrees. */
static cnn_status change(cnn_statement *statement, const char *key, const char *value, cnn_error *error)
{
    const size_t size = cnn_statement_options_size(statement);
    void *changed = cnn_alloc(1, size);
    if (changed == NULL) {
        return cnn_fail_memory(error);
    }
    memcpy(changed, statement->options, size);
    cnn_error cause;
    cnn_status status = cnn_options_set(cnn_statement_table(statement), changed, key, value, &cause);
    if (status == CNN_OK) {
        status = cnn_statement_check(statement, changed, &cause);
    }
    if (status == CNN_OK) {
        memcpy(statement->options, changed, size);
    } else {
        cnn_fail(error, status, "%s: %s", statement->name, cause.message);
    }
    cnn_free(changed);
    return status;
}

/** Appends what takes the place of `from`, which is of `kind` if it is to be replaced by `text`, in the same line. */
static cnn_status append_or_replace(cnn_recipe *changed, const cnn_statement *from, const cnn_layer_kind *kind,
                                    const char *text, cnn_error *error)
{
    cnn_text line = {0};
    changed->lines = from->line - 1;
    if (from->kind == kind) {
        cnn_text_append(&line, text);
    } else {
        cnn_statement_print(from, &line);
    }
    const cnn_status status =
        line.failed ? cnn_fail_memory(error) : cnn_recipe_add_line(changed, line.data, line.length, error);
    cnn_text_clear(&line);
    if (status != CNN_OK) {
        return status;
    }
    cnn_statement *added = &changed->statements[changed->count - 1];
    added->column = from->column;
    return added->type == from->type ? CNN_OK
                                     : cnn_fail(error, CNN_USAGE, "%s=%.200s: must be a layer", kind->name, text);
}

/** Replaces all statements of a kind; layers are numbered anew, so that tensors keep the order of the recipe. */
static cnn_status replace_kind(cnn_recipe *recipe, const cnn_layer_kind *kind, const char *text, cnn_error *error)
{
    int found = 0;
    for (int i = 0; i < recipe->count; i++) {
        found += recipe->statements[i].kind == kind;
    }
    if (found == 0) {
        return cnn_fail(error, CNN_USAGE, "%s has no layer '%s' to replace", recipe->name, kind->name);
    }
    if (strspn(text, " \t") == strcspn(text, "#")) {
        return cnn_fail(error, CNN_USAGE, "%s=%.200s: must be a layer", kind->name, text);
    }
    cnn_recipe *changed = cnn_recipe_copy(recipe, error);
    if (changed == NULL) {
        return CNN_MEMORY;
    }
    cnn_recipe_empty(changed);
    cnn_status status = CNN_OK;
    for (int i = 0; i < recipe->count && status == CNN_OK; i++) {
        status = append_or_replace(changed, &recipe->statements[i], kind, text, error);
    }
    if (status == CNN_OK) {
        changed->lines = recipe->lines;
        const cnn_recipe former = *recipe;
        *recipe = *changed;
        *changed = former;
    }
    cnn_recipe_free(changed);
    return status;
}

static bool is_train_option(const char *key)
{
    const cnn_option *option = cnn_statement_table(&(cnn_statement){.type = CNN_STATEMENT_TRAIN});
    while (option->name != NULL && strcmp(option->name, key) != 0) {
        option++;
    }
    return option->name != NULL;
}

/** Splits `assignment`, which is written to, and carries it out. */
static cnn_status assign(cnn_recipe *recipe, char *assignment, cnn_error *error)
{
    char *value = strchr(assignment, '=');
    if (value == NULL || value == assignment) {
        return cnn_fail(error, CNN_USAGE, "'%.200s' is not of the form KEY=VALUE or NAME.KEY=VALUE", assignment);
    }
    *value++ = '\0';
    const char *name = "train";
    char *key = assignment;
    char *dot = strchr(assignment, '.');
    const cnn_layer_kind *kind = cnn_layer_find(recipe->isa, key, strlen(key));
    if (kind != NULL && !kind->internal && !is_train_option(key)) {
        return replace_kind(recipe, kind, value, error);
    }
    if (dot != NULL) {
        *dot = '\0';
        name = assignment;
        key = dot + 1;
    }
    cnn_statement *statement = find_named(recipe, name);
    if (statement == NULL) {
        const cnn_status status = add_named(recipe, name, error);
        if (status != CNN_OK) {
            return status;
        }
        statement = &recipe->statements[recipe->count - 1];
    }
    return change(statement, key, value, error);
}

cnn_status cnn_recipe_set(cnn_recipe *recipe, const char *assignment, cnn_error *error)
{
    const int count = recipe->count;
    char *copy = cnn_copy_text(assignment, strlen(assignment));
    const cnn_status status = copy == NULL ? cnn_fail_memory(error) : assign(recipe, copy, error);
    if (status != CNN_OK && recipe->count > count) {
        cnn_free(recipe->statements[--recipe->count].options);
        recipe->lines--;
    }
    cnn_free(copy);
    return status;
}

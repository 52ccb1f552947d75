/* Changing one option of a recipe: "KEY=VALUE" of the train statement, "NAME.KEY=VALUE" of any other. */
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

/** The statement called `name`; an empty train or augment statement is added where the recipe has none. */
static cnn_status find_or_add(cnn_recipe *recipe, const char *name, cnn_statement **out, cnn_error *error)
{
    *out = find_named(recipe, name);
    if (*out != NULL) {
        return CNN_OK;
    }
    if (strcmp(name, "train") != 0 && strcmp(name, "augment") != 0) {
        return fail_name(recipe, name, error);
    }
    const cnn_status status = cnn_recipe_add(recipe, name, error);
    *out = find_named(recipe, name);
    return status;
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
    if (dot != NULL) {
        *dot = '\0';
        name = assignment;
        key = dot + 1;
    }
    cnn_statement *statement;
    const cnn_status status = find_or_add(recipe, name, &statement, error);
    return status == CNN_OK ? change(statement, key, value, error) : status;
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

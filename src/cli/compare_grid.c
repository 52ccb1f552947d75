/* The combinations of `cnn compare`: see compare_grid.h. */
#include "compare_grid.h"

#include "open.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** More are surely a mistake, and their number stays an int. */
#define MOST_COMBINATIONS 10000

/** Cuts "KEY=A,B,C" into its parts. */
static cnn_exit split_one(cnn_vary *vary, const char *text)
{
    vary->key = strdup(text);
    if (!vary->key) {
        return cnn_complain_memory();
    }
    char *rest = strchr(vary->key, '=');
    if (!rest || rest == vary->key || !rest[1]) {
        cnn_complain("compare: --vary '%s' is not of the form KEY=VALUE,VALUE,...", text);
        return CNN_EXIT_USAGE;
    }
    *rest++ = '\0';
    vary->values = calloc(strlen(rest) + 1, sizeof *vary->values);
    if (!vary->values) {
        return cnn_complain_memory();
    }
    while (rest) {
        char *comma = strchr(rest, ',');
        if (comma) {
            *comma++ = '\0';
        }
        vary->values[vary->count++] = rest;
        rest = comma;
    }
    return CNN_EXIT_DONE;
}

/** A key that is named twice would have one of its values only. */
static bool is_repeated(const cnn_grid *grid)
{
    const cnn_vary *last = &grid->varies[grid->vary_count - 1];
    for (int i = 0; i < grid->vary_count - 1; i++) {
        if (strcmp(grid->varies[i].key, last->key) == 0) {
            cnn_complain("compare: --vary names '%s' twice: --vary %s=VALUE,VALUE,... has all its values", last->key,
                         last->key);
            return true;
        }
    }
    return false;
}

cnn_exit cnn_grid_split(cnn_grid *grid, const cnn_args_list *vary)
{
    grid->varies = calloc((size_t)vary->count + 1, sizeof *grid->varies);
    if (!grid->varies) {
        return cnn_complain_memory();
    }
    grid->count = grid->recipe_count;
    for (int i = 0; i < vary->count; i++) {
        cnn_vary *added = &grid->varies[grid->vary_count++];
        const cnn_exit code = split_one(added, vary->items[i]);
        if (code != CNN_EXIT_DONE) {
            return code;
        }
        if (is_repeated(grid)) {
            return CNN_EXIT_USAGE;
        }
        if (grid->count > MOST_COMBINATIONS / added->count) {
            cnn_complain("compare: more than %d combinations", MOST_COMBINATIONS);
            return CNN_EXIT_USAGE;
        }
        grid->count *= added->count;
    }
    return CNN_EXIT_DONE;
}

void cnn_grid_clear(cnn_grid *grid)
{
    for (int i = 0; i < grid->vary_count; i++) {
        free(grid->varies[i].key);
        free(grid->varies[i].values);
    }
    free(grid->varies);
    grid->varies = NULL;
    grid->vary_count = 0;
}

const char *cnn_grid_value(const cnn_grid *grid, int index, int key)
{
    for (int i = grid->vary_count - 1; i > key; i--) {
        index /= grid->varies[i].count;
    }
    return grid->varies[key].values[index % grid->varies[key].count];
}

const char *cnn_grid_recipe(const cnn_grid *grid, int index)
{
    return grid->recipes[index / (grid->count / grid->recipe_count)];
}

const char *cnn_grid_recipe_name(const cnn_grid *grid, int index, int *length)
{
    const char *path = cnn_grid_recipe(grid, index), *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    *length = (int)(dot && dot > name ? (size_t)(dot - name) : strlen(name));
    return name;
}

char *cnn_grid_label(const cnn_grid *grid, int index)
{
    char *label = NULL;
    size_t size;
    FILE *stream = open_memstream(&label, &size);
    if (!stream) {
        return NULL;
    }
    if (grid->recipe_count > 1 || grid->vary_count == 0) {
        int length;
        const char *name = cnn_grid_recipe_name(grid, index, &length);
        fprintf(stream, "%.*s%s", length, name, grid->vary_count > 0 ? " " : "");
    }
    for (int i = 0; i < grid->vary_count; i++) {
        fprintf(stream, "%s%s=%s", i > 0 ? " " : "", grid->varies[i].key, cnn_grid_value(grid, index, i));
    }
    return cnn_text_finish(stream, &label);
}

static cnn_status set(cnn_recipe *recipe, const char *key, const char *value, cnn_error *error)
{
    const size_t length = strlen(key) + strlen(value) + 2;
    char *assignment = malloc(length);
    if (!assignment) {
        *error = (cnn_error){CNN_MEMORY, "out of memory"};
        return CNN_MEMORY;
    }
    snprintf(assignment, length, "%s=%s", key, value);
    const cnn_status status = cnn_recipe_set(recipe, assignment, error);
    free(assignment);
    return status;
}

cnn_exit cnn_grid_load(const cnn_grid *grid, int index, cnn_recipe **recipe)
{
    const cnn_exit code = cnn_open_recipe(cnn_grid_recipe(grid, index), grid->set, grid->epochs, recipe);
    if (code != CNN_EXIT_DONE) {
        return code;
    }
    cnn_error error;
    for (int i = 0; i < grid->vary_count; i++) {
        const cnn_status status = set(*recipe, grid->varies[i].key, cnn_grid_value(grid, index, i), &error);
        if (status != CNN_OK) {
            cnn_recipe_free(*recipe);
            *recipe = NULL;
            cnn_complain_error(&error);
            return status == CNN_USAGE ? CNN_EXIT_USAGE : CNN_EXIT_FAILED;
        }
    }
    return CNN_EXIT_DONE;
}

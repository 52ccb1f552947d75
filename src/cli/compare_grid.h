/* What `cnn compare` trains: every combination of recipes and of the values that --vary names, in a fixed order, each
 * from several seeds. */
#ifndef CNN_CLI_COMPARE_GRID_H
#define CNN_CLI_COMPARE_GRID_H

#include "args.h"
#include "cnn.h"
#include "command.h"

/** KEY=A,B,C of one --vary. */
typedef struct cnn_vary {
    char *key, **values; /* [count] */
    int count;
} cnn_vary;

typedef struct cnn_grid {
    const char *const *recipes; /* [recipe_count] files */
    int recipe_count;
    const cnn_args_list *set; /* for all combinations, before what varies */
    int epochs;               /* 0: as the recipes say */
    cnn_vary *varies;
    int vary_count;
    int count; /* of combinations */
} cnn_grid;

/** Splits the --vary options; `grid` has its other fields. Tells what is wrong. */
cnn_exit cnn_grid_split(cnn_grid *grid, const cnn_args_list *vary);
void cnn_grid_clear(cnn_grid *grid);

/** What combination `index` has in the place of `key`, 0 .. vary_count - 1; the recipes vary slowest, the last key
 * fastest. */
const char *cnn_grid_value(const cnn_grid *grid, int index, int key);
/** The recipe file of combination `index`, and its name without folder and ending, of *length bytes. */
const char *cnn_grid_recipe(const cnn_grid *grid, int index);
const char *cnn_grid_recipe_name(const cnn_grid *grid, int index, int *length);
/** "small relu=tanh lr=0.1": what tells the combination from the others; to be freed by free(), NULL when memory is
 * out. */
char *cnn_grid_label(const cnn_grid *grid, int index);

/** Loads the combination's recipe with all that is set in it, into *recipe. Tells what is wrong. */
cnn_exit cnn_grid_load(const cnn_grid *grid, int index, cnn_recipe **recipe);

#endif

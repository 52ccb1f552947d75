/* The files a training leaves beside each other, and what the commands ask of paths. */
#ifndef CNN_CLI_PATHS_H
#define CNN_CLI_PATHS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cnn_paths {
    char *model;      /* NAME.safetensors */
    char *history;    /* NAME.history.csv */
    char *checkpoint; /* NAME.checkpoint */
} cnn_paths;

/** The paths for a model `out`, or, where that is NULL, for one in the current folder with the recipe's name. Tells on
 * stderr when memory is out, and returns false. */
bool cnn_paths_fill(cnn_paths *paths, const char *out, const char *recipe);
void cnn_paths_clear(cnn_paths *paths);

/** Whether there is something, or the system cannot tell: opening it then says why. */
bool cnn_path_exists(const char *path);
bool cnn_path_is_folder(const char *path);
/** Whether `path` ends with `suffix`, in any case. */
bool cnn_path_has_suffix(const char *path, const char *suffix);
/** Whether a file at `path` could be written, found out by creating one beside it. Tells on stderr why not. */
bool cnn_path_check_writable(const char *path);
/** Writes a text file whole or leaves it as it was. Tells on stderr why it failed. */
bool cnn_path_write(const char *path, const char *text, size_t length);
/** Makes the folder, and those that it lies in, where they are not there. Tells on stderr why it failed. */
bool cnn_path_make_folder(const char *path);
/** Whether the file begins as a recipe may: it is named so, or it is no safetensors file. */
bool cnn_path_is_recipe(const char *path);

#endif

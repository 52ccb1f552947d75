/* Names beside the model, and questions to the file system: see paths.h. */
#include "paths.h"

#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL_SUFFIX ".safetensors"
#define RECIPE_SUFFIX ".recipe"
/* As long as any that a temporary file may get, so that a name that is too long is found out before the training. */
#define LONGEST_SUFFIX ".tmp.2147483647.XXXXXX"

/* The first `length` bytes of `stem` and `suffix`. */
static char *join(const char *stem, size_t length, const char *suffix)
{
    const size_t suffix_size = strlen(suffix) + 1;
    char *path = malloc(length + suffix_size);
    if (path) {
        memcpy(path, stem, length);
        memcpy(path + length, suffix, suffix_size);
    }
    return path;
}

static size_t length_without(const char *path, const char *suffix)
{
    const size_t length = strlen(path);
    return cnn_path_has_suffix(path, suffix) ? length - strlen(suffix) : length;
}

bool cnn_paths_fill(cnn_paths *paths, const char *out, const char *recipe)
{
    const char *slash = strrchr(recipe, '/');
    const char *name = slash ? slash + 1 : recipe;
    const char *stem = out ? out : name;
    const size_t length = length_without(stem, out ? MODEL_SUFFIX : RECIPE_SUFFIX);
    paths->model = out ? join(out, strlen(out), "") : join(stem, length, MODEL_SUFFIX);
    paths->history = join(stem, length, ".history.csv");
    paths->checkpoint = join(stem, length, ".checkpoint");
    if (paths->model && paths->history && paths->checkpoint) {
        return true;
    }
    cnn_complain_memory();
    return false;
}

void cnn_paths_clear(cnn_paths *paths)
{
    free(paths->model);
    free(paths->history);
    free(paths->checkpoint);
}

bool cnn_path_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool cnn_path_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool cnn_path_has_suffix(const char *path, const char *suffix)
{
    const size_t length = strlen(path);
    const size_t suffix_length = strlen(suffix);
    return length > suffix_length && strcasecmp(path + length - suffix_length, suffix) == 0;
}

bool cnn_path_check_writable(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        cnn_complain("cannot write '%s': it exists and is no regular file", path);
        return false;
    }
    char *probe = join(path, strlen(path), LONGEST_SUFFIX);
    if (!probe) {
        cnn_complain_memory();
        return false;
    }
    const int descriptor = mkstemp(probe);
    if (descriptor == -1) {
        cnn_complain("cannot write '%s': %s", path, strerror(errno));
    } else {
        close(descriptor);
        unlink(probe);
    }
    free(probe);
    return descriptor != -1;
}

/* Down to the disk, so that a rename never leaves a name without its content. */
static bool write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    if (!file) {
        return false;
    }
    const bool written = fwrite(text, 1, length, file) == length && fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && written;
}

bool cnn_path_write(const char *path, const char *text, size_t length)
{
    char *temporary = join(path, strlen(path), ".new");
    if (!temporary) {
        cnn_complain_memory();
        return false;
    }
    const bool done = write_file(temporary, text, length) && rename(temporary, path) == 0;
    if (!done) {
        cnn_complain("cannot write '%s': %s", path, strerror(errno));
        remove(temporary);
    }
    free(temporary);
    return done;
}

bool cnn_path_make_folder(const char *path)
{
    char *part = join(path, strlen(path), "");
    if (!part) {
        cnn_complain_memory();
        return false;
    }
    bool made = true;
    for (char *at = part; made && *at; at++) {
        char *slash = strchr(at + 1, '/');
        if (slash) {
            *slash = '\0';
        }
        made = mkdir(part, 0777) == 0 || (errno == EEXIST && cnn_path_is_folder(part));
        if (!made) {
            cnn_complain("cannot make the folder '%s': %s", part, strerror(errno));
        }
        at = slash ? slash : at + strlen(at) - 1;
        if (slash) {
            *slash = '/';
        }
    }
    free(part);
    return made;
}

bool cnn_path_is_recipe(const char *path)
{
    /* A model file begins with its header's length in 8 bytes, of which the last are zero; text has no zero bytes. */
    enum { LENGTH_SIZE = 8 };
    unsigned char start[LENGTH_SIZE];
    if (cnn_path_has_suffix(path, RECIPE_SUFFIX)) {
        return true;
    }
    struct stat status; /* a pipe's first bytes would be gone */
    FILE *file = stat(path, &status) == 0 && S_ISREG(status.st_mode) ? fopen(path, "rb") : NULL;
    const size_t size = file ? fread(start, 1, sizeof start, file) : 0;
    if (file) {
        fclose(file);
    }
    return size > 0 && memchr(start, 0, size) == NULL;
}

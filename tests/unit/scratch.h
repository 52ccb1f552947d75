/* A temporary folder for a test: files are written into it, and all of it goes at the end. */
#ifndef CNN_TESTS_UNIT_SCRATCH_H
#define CNN_TESTS_UNIT_SCRATCH_H

#include "cnn.h"
#include "unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

static char scratch[64];

static void scratch_make(void)
{
    strcpy(scratch, "/tmp/cnn-data-XXXXXX");
    assert_non_null(mkdtemp(scratch));
}

/** The path of `name` in the folder; of the last four calls. */
static const char *scratch_path(const char *name)
{
    static char paths[4][1024];
    static int next;
    char *const path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static void scratch_folder(const char *name)
{
    assert_int_equal(mkdir(scratch_path(name), 0777), 0);
}

static void scratch_write(const char *name, const void *bytes, size_t size)
{
    FILE *const to = fopen(scratch_path(name), "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes, 1, size, to), size);
    assert_int_equal(fclose(to), 0);
}

static void scratch_write_gzip(const char *name, const void *bytes, size_t size)
{
    gzFile const to = gzopen(scratch_path(name), "wb9");
    assert_non_null(to);
    assert_int_equal(gzwrite(to, bytes, (unsigned)size), (int)size);
    assert_int_equal(gzclose(to), Z_OK);
}

static size_t scratch_read(const char *name, unsigned char *bytes, size_t room)
{
    FILE *const from = fopen(scratch_path(name), "rb");
    assert_non_null(from);
    const size_t size = fread(bytes, 1, room, from);
    fclose(from);
    assert_true(size < room);
    return size;
}

static void scratch_remove_tree(const char *folder)
{
    DIR *const open = opendir(folder);
    for (const struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        char path[2048];
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
            scratch_remove_tree(path);
        } else {
            unlink(path);
        }
    }
    if (open != NULL) {
        closedir(open);
    }
    rmdir(folder);
}

static int scratch_setup(void **state)
{
    (void)state;
    scratch_make();
    return 0;
}

static int scratch_teardown(void **state)
{
    (void)state;
    scratch_remove_tree(scratch);
    return 0;
}

/** Opens "FORMAT:the folder", which must succeed. */
static cnn_dataset *scratch_open(const char *format, cnn_split split, cnn_shape shape)
{
    cnn_error error = {0};
    char spec[128];
    snprintf(spec, sizeof spec, "%s:%s", format, scratch);
    cnn_dataset *const data = cnn_dataset_open(spec, split, shape, &error);
    if (data == NULL) {
        fail_msg("%s", error.message);
    }
    return data;
}

/** Opens "FORMAT:the folder", which must fail with `status` and a line that holds all of the words, a NULL-ended
 * list. */
static void scratch_refuse(const char *format, cnn_split split, cnn_shape shape, cnn_status status,
                           const char *const *words)
{
    cnn_error error = {0};
    char spec[128];
    snprintf(spec, sizeof spec, "%s:%s", format, scratch);
    cnn_dataset *const data = cnn_dataset_open(spec, split, shape, &error);
    assert_null(data);
    if (error.status != status) {
        fail_msg("status %d: %s", error.status, error.message);
    }
    assert_null(strchr(error.message, '\n'));
    for (int i = 0; words[i] != NULL; i++) {
        if (strstr(error.message, words[i]) == NULL) {
            fail_msg("\"%s\" lacks \"%s\"", error.message, words[i]);
        }
    }
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif

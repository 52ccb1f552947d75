/* Reading folders. A link that leads nowhere counts as a file, so that a picture's name is not dropped in silence. */
#include "data/list.h"

#include "base/memory.h"
#include "base/text.h"
#include "data/dataset.h"
#include "image/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** Folders within a class; deeper ones are likely a link that leads back. */
#define MOST_DEPTH 16
#define FIRST_CAPACITY 64

typedef enum entry_type { ENTRY_FILE, ENTRY_FOLDER, ENTRY_OTHER } entry_type;

/** Whether this is why a link's target cannot be looked at. */
static bool leads_nowhere(int reason)
{
    return reason == ENOENT || reason == ELOOP;
}

bool cnn_list_is_dangling(const char *path)
{
    struct stat about;
    return stat(path, &about) != 0 && leads_nowhere(errno);
}

static cnn_status find_type(const char *path, entry_type *type, cnn_error *error)
{
    struct stat about;
    if (stat(path, &about) == 0) {
        *type = S_ISREG(about.st_mode) ? ENTRY_FILE : S_ISDIR(about.st_mode) ? ENTRY_FOLDER : ENTRY_OTHER;
        return CNN_OK;
    }
    *type = ENTRY_FILE;
    return leads_nowhere(errno) ? CNN_OK
                                : cnn_fail(error, CNN_IO, "cannot look at '%s': %s", path, cnn_errno_text(errno));
}

/** Takes ownership of `item`, also on failure; a NULL `item` is memory that is out. */
static cnn_status add(cnn_list *list, char *item, cnn_error *error)
{
    if (item != NULL && list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? FIRST_CAPACITY : 2 * list->capacity;
        char **const items = cnn_resize(list->items, list->capacity, capacity, sizeof *items);
        if (items == NULL) {
            cnn_free(item);
            return cnn_fail_memory(error);
        }
        list->items = items;
        list->capacity = capacity;
    }
    if (item == NULL) {
        return cnn_fail_memory(error);
    }
    list->items[list->count++] = item;
    return CNN_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(cnn_list *list, size_t first)
{
    if (list->count > first) {
        qsort(list->items + first, list->count - first, sizeof *list->items, compare);
    }
}

/** Adds the paths of all entries that are not hidden. */
static cnn_status list_entries(const char *folder, cnn_list *list, cnn_error *error)
{
    cnn_status status = CNN_OK;
    DIR *const open = opendir(folder);
    if (open == NULL) {
        return cnn_fail(error, CNN_IO, "cannot open the folder '%s': %s", folder, cnn_errno_text(errno));
    }
    while (status == CNN_OK) {
        errno = 0;
        const struct dirent *const entry = readdir(open);
        if (entry == NULL) {
            if (errno != 0) {
                status = cnn_fail(error, CNN_IO, "cannot read the folder '%s': %s", folder, cnn_errno_text(errno));
            }
            break;
        }
        if (entry->d_name[0] != '.') {
            status = add(list, cnn_join_path(folder, entry->d_name), error);
        }
    }
    closedir(open);
    return status;
}

cnn_status cnn_list_folders(const char *folder, cnn_list *list, cnn_error *error)
{
    const size_t first = list->count;
    cnn_list entries = {0};
    cnn_status status = list_entries(folder, &entries, error);
    for (size_t i = 0; status == CNN_OK && i < entries.count; i++) {
        entry_type type = ENTRY_OTHER;
        status = find_type(entries.items[i], &type, error);
        if (type == ENTRY_FOLDER) {
            const char *const name = strrchr(entries.items[i], '/') + 1;
            status = add(list, cnn_copy_text(name, strlen(name)), error);
        }
    }
    cnn_list_clear(&entries);
    sort(list, first);
    return status;
}

static cnn_status add_pictures(const char *folder, int depth, cnn_list *list, cnn_error *error)
{
    cnn_list entries = {0};
    cnn_status status = list_entries(folder, &entries, error);
    if (depth > MOST_DEPTH) {
        status = cnn_fail(error, CNN_FORMAT, "%s: folders within folders, more than %d deep: does a link lead back?",
                          folder, MOST_DEPTH);
    }
    for (size_t i = 0; status == CNN_OK && i < entries.count; i++) {
        entry_type type = ENTRY_OTHER;
        status = find_type(entries.items[i], &type, error);
        if (type == ENTRY_FOLDER) {
            status = add_pictures(entries.items[i], depth + 1, list, error);
        } else if (type == ENTRY_FILE && cnn_image_has_suffix(entries.items[i])) {
            status = add(list, entries.items[i], error);
            entries.items[i] = NULL;
        }
    }
    cnn_list_clear(&entries);
    return status;
}

cnn_status cnn_list_pictures(const char *folder, cnn_list *list, cnn_error *error)
{
    const size_t first = list->count;
    const cnn_status status = add_pictures(folder, 0, list, error);
    sort(list, first);
    return status;
}

bool cnn_list_holds(const cnn_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], item) == 0) {
            return true;
        }
    }
    return false;
}

void cnn_list_clear(cnn_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        cnn_free(list->items[i]);
    }
    cnn_free(list->items);
    *list = (cnn_list){0};
}

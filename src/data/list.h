/* Lists of names and paths: what a folder of pictures holds. */
#ifndef CNN_DATA_LIST_H
#define CNN_DATA_LIST_H

#include "base/status.h"

/** Strings, each owned. Zero-initialized it is empty. */
typedef struct cnn_list {
    char **items;
    size_t count, capacity;
} cnn_list;

/** Adds the names of the folders in `folder` that are not hidden, sorted bytewise. */
cnn_status cnn_list_folders(const char *folder, cnn_list *list, cnn_error *error);

/** Adds the paths of the pictures (by their suffix) in `folder` and the folders below, sorted bytewise. */
cnn_status cnn_list_pictures(const char *folder, cnn_list *list, cnn_error *error);

/** Whether `path` is a link that leads nowhere. */
bool cnn_list_is_dangling(const char *path);
bool cnn_list_holds(const cnn_list *list, const char *item);
void cnn_list_clear(cnn_list *list);

#endif

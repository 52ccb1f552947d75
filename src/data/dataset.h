/* A data set in memory, and the formats it is read from. A format is one file and one line in the list. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "base/status.h"

/** The most classes of a data set. */
#define CNN_CLASSES 10000

struct cnn_dataset {
    const char *format; /* "mnist", ...; "memory" for cnn_dataset_new() */
    uint8_t *pixels;    /* [count][height][width][channels] */
    int *labels;        /* [count] */
    int count;
    cnn_shape shape;
    char **class_names; /* [class_count] */
    int class_count;
    int skipped;
    cnn_fit fit; /* of picture files */
};

typedef struct cnn_dataset_format {
    const char *name; /* what stands before ":" in a spec */
    const char *help; /* one line */
    /** Fills `data`, zeroed but for format and fit (freed by the caller on failure too) from the folder. */
    cnn_status (*open)(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape, cnn_error *error);
} cnn_dataset_format;

/** All formats, NULL-terminated. */
extern const cnn_dataset_format *const cnn_dataset_formats[];

/* What the formats share. */

/** Makes room in the zeroed `data` for `count` images, at least 1. `source` stands in messages. */
cnn_status cnn_dataset_reserve(cnn_dataset *data, uint64_t count, cnn_shape shape, const char *source,
                               cnn_error *error);
/** Copies class names, which must be UTF-8 without control characters, not empty and all different. */
cnn_status cnn_dataset_set_classes(cnn_dataset *data, const char *const *names, int count, const char *source,
                                   cnn_error *error);
/** "FOLDER/NAME", to be freed with cnn_free(); NULL when memory is out. */
char *cnn_join_path(const char *folder, const char *name);
bool cnn_is_folder(const char *path);
/** Whether there is something at `path`, or the system cannot tell: opening it then says why. */
bool cnn_is_there(const char *path);

/** What data a model was trained or tested on, independent of paths: "mnist, 60000 images, crc32 1a2b3c4d" (CRC-32 of
 * shape, pixels, labels and class names). To be freed with cnn_free(). */
char *cnn_dataset_origin(const cnn_dataset *data, cnn_error *error);

#endif

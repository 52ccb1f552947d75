/* A data set in memory, and the formats it is read from. A format is one file and one line in the list. */
#ifndef CNN_DATA_DATASET_H
#define CNN_DATA_DATASET_H

#include "base/status.h"

struct cnn_dataset {
    const char *format; /* "mnist", ...; "memory" for cnn_dataset_new() */
    uint8_t *pixels;    /* [count][height][width][channels] */
    int *labels;        /* [count] */
    int count;
    cnn_shape shape;
    char **class_names; /* [class_count] */
    int class_count;
    int skipped;
};

typedef struct cnn_dataset_format {
    const char *name; /* what stands before ":" in a spec */
    const char *help; /* one line */
    /** Fills the zeroed `data` (freed by the caller on failure too) from the folder. */
    cnn_status (*open)(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape, cnn_error *error);
} cnn_dataset_format;

/** All formats, NULL-terminated. */
extern const cnn_dataset_format *const cnn_dataset_formats[];

/** Where a training's data came from, independent of paths: "mnist, 60000 images, crc32 1a2b3c4d" (CRC-32 of shape,
 * pixels, labels and class names). To be freed with cnn_free(). */
char *cnn_dataset_origin(const cnn_dataset *data, cnn_error *error);

#endif

/* One block for many arrays: take them once from an empty arena to measure, then again from the block to place them.
 * The same code runs both times, so sizes and places cannot disagree. */
#ifndef CNN_BASE_ARENA_H
#define CNN_BASE_ARENA_H

#include "cnn.h"

typedef struct cnn_arena {
    unsigned char *base; /* NULL while measuring */
    size_t used;         /* SIZE_MAX once a sum has overflowed */
} cnn_arena;

/** Room for `count` elements of `size` bytes, aligned to CNN_ALIGNMENT; NULL while measuring. */
void *cnn_arena_take(cnn_arena *arena, size_t count, size_t size);

#endif

/* One block for many arrays: measuring and placing are the same walk. */
#include "base/arena.h"

#include "base/memory.h"

void *cnn_arena_take(cnn_arena *arena, size_t count, size_t size)
{
    const size_t start = arena->used;
    size_t bytes;
    size_t end;
    if (!cnn_multiply_size(count, size, &bytes) || !cnn_add_size(bytes, CNN_ALIGNMENT - 1, &bytes) ||
        !cnn_add_size(start, bytes & ~(size_t)(CNN_ALIGNMENT - 1), &end)) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    arena->used = end;
    return arena->base == NULL ? NULL : arena->base + start;
}

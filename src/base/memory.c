/* Checked sizes and the heap. Everything is aligned and zeroed: a network's arrays need the first, and the second makes
 * a run repeatable even where code reads what it should not. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool cnn_multiply_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

bool cnn_add_size(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) {
        return false;
    }
    *out = a + b;
    return true;
}

void *cnn_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!cnn_multiply_size(count, size, &bytes) || bytes > PTRDIFF_MAX ||
        (cnn_alloc_permitted != NULL && !cnn_alloc_permitted())) {
        return NULL;
    }
    bytes = bytes == 0 ? 1 : bytes;
    void *memory = NULL;
    if (posix_memalign(&memory, CNN_ALIGNMENT, bytes) != 0) {
        return NULL;
    }
    memset(memory, 0, bytes);
    return memory;
}

void *cnn_resize(void *memory, size_t old_count, size_t new_count, size_t size)
{
    void *grown = cnn_alloc(new_count, size);
    if (grown != NULL && memory != NULL) {
        memcpy(grown, memory, (old_count < new_count ? old_count : new_count) * size);
        free(memory);
    }
    return grown;
}

char *cnn_copy_text(const char *text, size_t length)
{
    size_t size;
    char *copy = cnn_add_size(length, 1, &size) ? cnn_alloc(size, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, length);
    }
    return copy;
}

void cnn_free(void *memory)
{
    free(memory);
}

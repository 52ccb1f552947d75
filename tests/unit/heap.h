/* Counts what anybody in the process allocates, OpenBLAS and the C library included: malloc() and the like, and mmap(),
 * are the program's own here, and go on to glibc's. To be included by one file of a test. What glibc allocates for
 * itself without these names (a thread's stack) is not seen. peak.h has it for tests of how much is allocated. */
#ifndef CNN_TESTS_HEAP_H
#define CNN_TESTS_HEAP_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long heap_count;
static atomic_long heap_blocks;           /* of them, without those by mmap(), held now */
static atomic_long heap_bytes, heap_peak; /* of these blocks, and at most so far */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

/** Takes note of a new block, or of none. */
static void *heap_note(void *memory)
{
    const long added = (long)malloc_usable_size(memory), now = atomic_fetch_add(&heap_bytes, added) + added;
    long peak = atomic_load(&heap_peak);
    atomic_fetch_add(&heap_count, 1);
    atomic_fetch_add(&heap_blocks, memory != NULL);
    while (now > peak && !atomic_compare_exchange_weak(&heap_peak, &peak, now)) {
    }
    return memory;
}

#define HEAP_SHOWN __attribute__((visibility("default"))) /* to the other libraries, which then call these */

HEAP_SHOWN void *malloc(size_t size)
{
    return heap_note(__libc_malloc(size));
}

HEAP_SHOWN void *calloc(size_t count, size_t size)
{
    return heap_note(__libc_calloc(count, size));
}

HEAP_SHOWN void *realloc(void *memory, size_t size)
{
    const long former = (long)malloc_usable_size(memory);
    void *const resized = heap_note(__libc_realloc(memory, size)); /* both are there while it is copied */
    if (memory != NULL && (resized != NULL || size == 0)) {
        atomic_fetch_sub(&heap_bytes, former);
        atomic_fetch_sub(&heap_blocks, 1);
    }
    return resized;
}

HEAP_SHOWN void free(void *memory)
{
    atomic_fetch_sub(&heap_bytes, (long)malloc_usable_size(memory));
    atomic_fetch_sub(&heap_blocks, memory != NULL);
    __libc_free(memory);
}

HEAP_SHOWN void *memalign(size_t alignment, size_t size)
{
    return heap_note(__libc_memalign(alignment, size));
}

HEAP_SHOWN void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

HEAP_SHOWN int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *const found = memalign(alignment, size);
    if (found == NULL) {
        return ENOMEM;
    }
    *memory = found;
    return 0;
}

HEAP_SHOWN void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    atomic_fetch_add(&heap_count, 1);
    const long found = syscall(SYS_mmap, address, size, protection, flags, descriptor, offset);
    return (void *)found; /* MAP_FAILED is -1, and errno is set */
}

#endif

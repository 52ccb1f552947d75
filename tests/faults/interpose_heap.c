/* The heap, wrapped: `malloc` is any request for memory or a thread by the program, the C library and the others, but
 * OpenBLAS, which ends the process where it gets none. What is asked for before main() does not count. */
#include "interpose.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uintptr_t blas_begin, blas_end;

static int find_blas(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "openblas") != NULL; i++) {
        const ElfW(Phdr) *const segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) {
            blas_begin = info->dlpi_addr + segment->p_vaddr;
            blas_end = blas_begin + segment->p_memsz;
        }
    }
    return 0;
}

__attribute__((constructor)) static void find(void)
{
    dl_iterate_phdr(find_blas, NULL);
}

static bool fails(void *caller)
{
    const uintptr_t place = (uintptr_t)caller;
    return interpose_concerns("malloc") && (place < blas_begin || place >= blas_end) &&
           interpose_fault("malloc", "", "").action == FAIL;
}

#define REFUSED (fails(__builtin_return_address(0)) ? (errno = ENOMEM, true) : false)

void *malloc(size_t size)
{
    NEXT(malloc)
    return REFUSED ? NULL : next(size);
}

void *calloc(size_t count, size_t size)
{
    NEXT(calloc)
    return REFUSED ? NULL : next(count, size);
}

void *realloc(void *memory, size_t size)
{
    NEXT(realloc)
    return REFUSED ? NULL : next(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    NEXT(posix_memalign)
    return REFUSED ? ENOMEM : next(memory, alignment, size);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
                   void *restrict context)
{
    NEXT(pthread_create)
    return REFUSED ? EAGAIN : next(thread, attributes, start, context);
}

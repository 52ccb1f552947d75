/* Makes chosen allocations of the library fail, and counts them all; linked into every unit test. */
#include "base/memory.h"

#include <stdatomic.h>

#define NEVER (-1)

static atomic_long remaining = NEVER; /* allocations that still succeed */
static atomic_bool persists;
static atomic_long count;

void cnn_alloc_fail_after(long after, bool persistent)
{
    atomic_store(&persists, persistent);
    atomic_store(&remaining, after < 0 ? NEVER : after);
}

long cnn_alloc_count(void)
{
    return atomic_load(&count);
}

bool cnn_alloc_permitted(void)
{
    atomic_fetch_add(&count, 1);
    long left = atomic_load(&remaining);
    while (left > 0 && !atomic_compare_exchange_weak(&remaining, &left, left - 1)) {
    }
    if (left == 0 && !atomic_load(&persists)) {
        atomic_store(&remaining, NEVER);
    }
    return left != 0;
}

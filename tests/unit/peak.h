/* How much memory a call takes at most, measured where heap.h can be had (CNN_COUNTS_HEAP, not under sanitizers); there
 * nothing is asserted otherwise. To be included by one file of a test. */
#ifndef CNN_TESTS_PEAK_H
#define CNN_TESTS_PEAK_H

#include "unit/unit.h"

#ifdef CNN_COUNTS_HEAP
#include "unit/heap.h"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

/** Begins a measurement; the bytes allocated by now. */
static long peak_begin(void)
{
#ifdef CNN_COUNTS_HEAP
    const long now = atomic_load(&heap_bytes);
    atomic_store(&heap_peak, now);
    return now;
#else
    return 0;
#endif
}

/** The most bytes allocated since peak_begin() gave `begin`, beyond it; 0 where it is not measured. */
static size_t peak_since(long begin)
{
#ifdef CNN_COUNTS_HEAP
    return (size_t)(atomic_load(&heap_peak) - begin);
#else
    (void)begin;
    return 0;
#endif
}

/** Since `begin` no more than `size` bytes, a file's, and `bound` have been taken. */
static void assert_peak(long begin, size_t size, size_t bound)
{
    const size_t peak = peak_since(begin);
    if (peak > size + bound) {
        fail_msg("%zu bytes of memory for a file of %zu: %zu are permitted", peak, size, size + bound);
    }
}

#endif

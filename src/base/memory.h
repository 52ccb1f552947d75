/* Checked sizes, and the one door to the heap: every allocation of the library goes through cnn_alloc or cnn_resize, so
 * that tests can make any of them fail. */
#ifndef CNN_BASE_MEMORY_H
#define CNN_BASE_MEMORY_H

#include "cnn.h"

#define CNN_ALIGNMENT 64

/** *out = a * b, a + b; false, and *out untouched, on overflow. */
bool cnn_multiply_size(size_t a, size_t b, size_t *out);
bool cnn_add_size(size_t a, size_t b, size_t *out);

/** `count` zeroed elements of `size` bytes, aligned to CNN_ALIGNMENT; NULL on overflow or when memory is out.
 * At least one byte is allocated. To be freed with cnn_free(). */
void *cnn_alloc(size_t count, size_t size);

/** Grows `memory` (from cnn_alloc, or NULL) of `old_count` elements to `new_count` ones, the new ones zeroed; NULL, and
 * `memory` still valid, on failure. */
void *cnn_resize(void *memory, size_t old_count, size_t new_count, size_t size);

/** A copy of the first `length` bytes of `text`, terminated. */
char *cnn_copy_text(const char *text, size_t length);

/** Tests only. The library asks this before each allocation where a program defines it, and none but the tests does
 * (tests/unit/fault.c): so the library itself needs no counter, which would be mutable global state. */
__attribute__((weak, visibility("hidden"))) bool cnn_alloc_permitted(void);

/** Tests only, in the same place: the allocation after `after` more ones fails, and all later ones too if `persistent`;
 * negative: none. */
void cnn_alloc_fail_after(long after, bool persistent);

/** Tests only, in the same place: the allocations asked for so far, by all threads. */
long cnn_alloc_count(void);

#endif

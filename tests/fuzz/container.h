/* Changing a model file or checkpoint so that its reader gets behind the checksum: see container.c. */
#ifndef CNN_TESTS_FUZZ_CONTAINER_H
#define CNN_TESTS_FUZZ_CONTAINER_H

#include "fuzz.h"

/** Changes a file of `size` bytes in place, to at most `most` bytes; its new size. */
size_t fuzz_container_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed);

/** libFuzzer's own: a change of any bytes. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

#endif

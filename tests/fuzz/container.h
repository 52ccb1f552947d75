/* Changing a model file or checkpoint so that its reader gets behind the checksum: see container.c. */
#ifndef CNN_TESTS_FUZZ_CONTAINER_H
#define CNN_TESTS_FUZZ_CONTAINER_H

#include "fuzz.h"
#include "net/modelfile.h"

#include <string.h>

/** Changes a file of `size` bytes in place, to at most `most` bytes; its new size. */
size_t fuzz_container_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed);

/** Where a file's header begins: behind its length. */
#define FUZZ_CONTAINER_HEADER 8

/** Makes the checksum right, where the header of `length` bytes has one. */
static inline void fuzz_container_seal(uint8_t *bytes, size_t size, size_t length)
{
    static const char key[] = CNN_MODELFILE_CRC_KEY;
    const size_t key_size = sizeof key - 1, end = FUZZ_CONTAINER_HEADER + length;
    for (size_t at = FUZZ_CONTAINER_HEADER; at + key_size + CNN_MODELFILE_CRC_DIGITS <= end; at++) {
        if (memcmp(bytes + at, key, key_size) == 0) {
            char crc[CNN_MODELFILE_CRC_DIGITS + 1];
            cnn_modelfile_crc(bytes, size, at + key_size, crc);
            memcpy(bytes + at + key_size, crc, CNN_MODELFILE_CRC_DIGITS);
            return;
        }
    }
}

/** libFuzzer's own: a change of any bytes. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

#endif

/* Writing seeds: see seeds.c. */
#ifndef CNN_TESTS_FUZZ_SEEDS_H
#define CNN_TESTS_FUZZ_SEEDS_H

#include "base/file.h"

/** Writes a seed of a target from its pieces; name and number make the file's name. */
void seeds_write(const char *target, const char *name, int number, const cnn_piece *pieces, int count);

void seeds_images(void);

#endif

/* Linked into the tests that are run once a level: before main(), where CNN_ISA names a level that this processor
 * lacks, tells so and ends as skipped. */
#include "base/isa.h"

#include <stdio.h>
#include <stdlib.h>

#define SKIPPED 77

__attribute__((constructor)) static void skip_unless_available(void)
{
    cnn_isa isa;
    cnn_error error;
    if (cnn_isa_choose(&isa, &error) != CNN_OK) {
        fprintf(stderr, "skipped: %s\n", error.message);
        exit(SKIPPED);
    }
}

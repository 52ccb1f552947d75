/* The tables of vector kernels, by level. */
#include "math/vector.h"

#define DECLARE(level, name) extern const cnn_vector_kernels cnn_vector_kernels_##level;
CNN_ISA_LIST(DECLARE)

const cnn_vector_kernels *cnn_vector_kernels_of(cnn_isa isa)
{
#define ENTRY(level, name) [CNN_ISA_##level] = &cnn_vector_kernels_##level,
    static const cnn_vector_kernels *const kernels[] = {CNN_ISA_LIST(ENTRY)};
    return kernels[isa];
}

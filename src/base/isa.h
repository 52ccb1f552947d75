/* Instruction set levels. The kernels, which are src/math's and src/layers', are compiled once for each: their names
 * end in the level's, and who uses them holds a table of one level. All levels give the same bits. */
#ifndef CNN_BASE_ISA_H
#define CNN_BASE_ISA_H

#include "base/status.h"

/** X(level, name): the levels that this build has, best last; CMakeLists.txt says which. `level` ends their symbols. */
#ifdef CNN_ISA_X86_64
#define CNN_ISA_LIST(X)                                                                                                \
    X(baseline, "baseline")                                                                                            \
    X(v3, "x86-64-v3")                                                                                                 \
    X(v4, "x86-64-v4")
#else
#define CNN_ISA_LIST(X) X(baseline, "baseline")
#endif

typedef enum cnn_isa {
#define CNN_ISA_ENTRY(level, name) CNN_ISA_##level,
    CNN_ISA_LIST(CNN_ISA_ENTRY)
#undef CNN_ISA_ENTRY
        CNN_ISA_COUNT
} cnn_isa;

/** CNN_VARIANT(name): a name that each level has of its own. Beside the declaration of a symbol that kernels share,
 * `#define cnn_x CNN_VARIANT(cnn_x)` gives each level its own cnn_x. Files compiled once see the baseline's. */
#ifndef CNN_ISA_LEVEL
#define CNN_ISA_LEVEL baseline
#endif
#define CNN_VARIANT_JOINED(name, level) name##_##level
#define CNN_VARIANT_EXPANDED(name, level) CNN_VARIANT_JOINED(name, level)
#define CNN_VARIANT(name) CNN_VARIANT_EXPANDED(name, CNN_ISA_LEVEL)

/** "x86-64-v3", as CNN_ISA has it. */
const char *cnn_isa_name(cnn_isa isa);

/** Whether this processor runs the level. */
bool cnn_isa_is_available(cnn_isa isa);

/** The best level that this processor runs, whatever the environment says. */
cnn_isa cnn_isa_best(void);

/** The level named `wanted`, or with NULL or "" the best, of those below CNN_ISA_COUNT for which available[level]. */
cnn_status cnn_isa_find(const char *wanted, const bool *available, cnn_isa *isa, cnn_error *error);

/** The level to compute with: what the environment's CNN_ISA names, or this processor's best. */
cnn_status cnn_isa_choose(cnn_isa *isa, cnn_error *error);

#endif

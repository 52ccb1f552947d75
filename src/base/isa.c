/* The choice of an instruction set level. Asking the processor is cheap, so nothing is remembered. */
#include "base/isa.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#ifdef CNN_ISA_X86_64
#include <cpuid.h>

/* The compilers' own question covers the registers that the operating system saves; but clang 14 does not know three of
 * the names, which are then asked of the processor itself. */
static bool has_v3(void)
{
    unsigned a, b, c = 0, d, extended = 0;
    __builtin_cpu_init();
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) && (c & bit_MOVBE) &&
           __get_cpuid(0x80000001, &a, &b, &extended, &d) && (extended & bit_LZCNT) && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

bool cnn_isa_is_available(cnn_isa isa)
{
    switch (isa) {
    case CNN_ISA_baseline:
        return true;
#ifdef CNN_ISA_X86_64
    case CNN_ISA_v3:
        return has_v3();
    case CNN_ISA_v4:
        return has_v4();
#endif
    default:
        return false;
    }
}

#define NAME(level, name) [CNN_ISA_##level] = (name),
static const char *const names[] = {CNN_ISA_LIST(NAME)};

const char *cnn_isa_name(cnn_isa isa)
{
    return names[isa];
}

static cnn_status fail_unknown(const char *wanted, cnn_error *error)
{
#define SPACED(level, name) " " name
    return cnn_fail(
        error, CNN_PLATFORM,
        "environment: CNN_ISA=%.64s is no level of this build: unset it, or use one of" CNN_ISA_LIST(SPACED), wanted);
}

static cnn_isa best_of(const bool *available)
{
    int best = CNN_ISA_COUNT - 1;
    while (!available[best]) { /* the baseline always is */
        best--;
    }
    return (cnn_isa)best;
}

cnn_status cnn_isa_find(const char *wanted, const bool *available, cnn_isa *isa, cnn_error *error)
{
    const cnn_isa best = best_of(available);
    if (wanted == NULL || *wanted == '\0') {
        *isa = best;
        return CNN_OK;
    }
    int found = 0;
    while (found < CNN_ISA_COUNT && strcmp(names[found], wanted) != 0) {
        found++;
    }
    if (found == CNN_ISA_COUNT) {
        return fail_unknown(wanted, error);
    }
    if (!available[found]) {
        return cnn_fail(error, CNN_PLATFORM,
                        "environment: CNN_ISA=%s needs instructions that this processor lacks: unset it, or use %s",
                        wanted, names[best]);
    }
    *isa = (cnn_isa)found;
    return CNN_OK;
}

static void ask_processor(bool *available)
{
    for (int i = 0; i < CNN_ISA_COUNT; i++) {
        available[i] = cnn_isa_is_available((cnn_isa)i);
    }
}

cnn_isa cnn_isa_best(void)
{
    bool available[CNN_ISA_COUNT];
    ask_processor(available);
    return best_of(available);
}

cnn_status cnn_isa_choose(cnn_isa *isa, cnn_error *error)
{
    bool available[CNN_ISA_COUNT];
    ask_processor(available);
    return cnn_isa_find(getenv("CNN_ISA"), available, isa, error);
}

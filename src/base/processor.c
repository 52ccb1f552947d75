/* How many processors this process may use. Containers and taskset restrict the affinity mask, which only an extension
 * of Linux can ask for; elsewhere all processors that are online count. */
#ifdef __linux__
#define _GNU_SOURCE /* NOLINT: the name is the system's */
#include <sched.h>
#endif

#include "cnn.h"

#include <unistd.h>

int cnn_processor_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        return CPU_COUNT(&set);
    }
#endif
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

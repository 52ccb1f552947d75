/* Faults on order: what the wrapped calls ask before they go on to the C library. */
#ifndef CNN_TESTS_INTERPOSE_H
#define CNN_TESTS_INTERPOSE_H

#include <dlfcn.h>
#include <stdbool.h>

/** What is to happen to a call. */
typedef enum action { GO_ON, FAIL, SHORT, END, KILL, HALF, KILL_AFTER } action;

typedef struct fault {
    action action;
    int error; /* of FAIL */
} fault;

/** Counts and logs a call of the kind `name` that concerns `path`, with what else the log shall have of it; kills the
 * process here where that is the order. */
fault interpose_fault(const char *name, const char *path, const char *detail);
/** The end of a call that was carried out. */
void interpose_done(fault done);
/** Whether calls of this kind are among those that shall fail. */
bool interpose_concerns(const char *name);

/** The next definition of `name`, the C library's or a sanitizer's, in a pointer of the function's own type. */
#define NEXT(name)                                                                                                     \
    static __typeof__(&name) next;                                                                                     \
    if (next == NULL) {                                                                                                \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                     \
    }

#endif

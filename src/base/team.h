/* A team of threads that runs the parts of a job: the caller is one of them. Which thread runs which part is left to
 * chance; what a part does must not depend on it. */
#ifndef CNN_BASE_TEAM_H
#define CNN_BASE_TEAM_H

#include "base/status.h"

typedef struct cnn_team cnn_team;

/** `thread` is 0 .. threads - 1 and unique among those running: it names scratch memory, nothing else. */
typedef void cnn_team_task(void *context, int part, int thread);

/** A team of `threads` (at least 1) including the caller; the others wait, first spinning, then asleep. */
cnn_team *cnn_team_new(int threads, cnn_error *error);
int cnn_team_threads(const cnn_team *team);
/** Runs task(context, 0 .. parts - 1, thread) and returns when all have ended. Not to be called from a task. */
void cnn_team_run(cnn_team *team, int parts, cnn_team_task *task, void *context);
void cnn_team_free(cnn_team *team);

#endif

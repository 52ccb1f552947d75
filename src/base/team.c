/* The thread team. One atomic word, the ticket, holds the job's number and how many of its parts nobody has taken yet:
 * taking a part is one compare-and-swap, and a thread that comes late to an old job fails it, so no thread has to be
 * waited for that has nothing to do. Waiting spins for some microseconds, as long as a pause between two jobs of a
 * training step usually lasts, then yields the processor (the batch loader may want it), then sleeps. */
#include "base/team.h"

#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#define MOST_THREADS 1024
#define SPINS 500
#define YIELDS 50

typedef struct worker {
    cnn_team *team;
    pthread_t id;
    int thread;
} worker;

struct cnn_team {
    int threads;
    int started;     /* workers that run */
    worker *workers; /* [threads - 1] */
    /* The job. Written only while no part is left, read before a ticket is taken: a taken ticket proves that what was
     * read belongs to it. They are atomic because a late thread may read them while they change. */
    _Atomic(cnn_team_task *) task;
    _Atomic(void *) context;
    atomic_int parts;
    _Alignas(64) atomic_ullong ticket; /* job << 32 | parts left */
    _Alignas(64) atomic_int unfinished;
    _Alignas(64) atomic_int sleepers; /* workers asleep, or about to be */
    atomic_bool caller_sleeps;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
};

static unsigned job_of(unsigned long long ticket)
{
    return (unsigned)(ticket >> 32);
}

static void pause_briefly(int round)
{
    if (round >= SPINS) {
        sched_yield();
        return;
    }
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("yield");
#endif
}

/** Takes and runs parts of the current job until none is left. */
static void take_parts(cnn_team *team, int thread)
{
    unsigned long long ticket = atomic_load(&team->ticket);
    while ((uint32_t)ticket != 0) {
        cnn_team_task *task = atomic_load_explicit(&team->task, memory_order_relaxed);
        void *context = atomic_load_explicit(&team->context, memory_order_relaxed);
        const int parts = atomic_load_explicit(&team->parts, memory_order_relaxed);
        if (!atomic_compare_exchange_weak(&team->ticket, &ticket, ticket - 1)) {
            continue;
        }
        task(context, parts - (int)(uint32_t)ticket, thread);
        if (atomic_fetch_sub(&team->unfinished, 1) == 1 && atomic_load(&team->caller_sleeps)) {
            pthread_mutex_lock(&team->mutex);
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->mutex);
        }
        ticket = atomic_load(&team->ticket);
    }
}

/** Returns when there is another job than `job`. */
static void await_job(cnn_team *team, unsigned job)
{
    for (int round = 0; round < SPINS + YIELDS; round++) {
        if (job_of(atomic_load(&team->ticket)) != job) {
            return;
        }
        pause_briefly(round);
    }
    pthread_mutex_lock(&team->mutex);
    /* Counted before the last look at the ticket, as the caller writes the ticket before it looks at the count: one of
     * the two sees the other. */
    atomic_fetch_add(&team->sleepers, 1);
    while (job_of(atomic_load(&team->ticket)) == job) {
        pthread_cond_wait(&team->work, &team->mutex);
    }
    atomic_fetch_sub(&team->sleepers, 1);
    pthread_mutex_unlock(&team->mutex);
}

static void *work(void *argument)
{
    const worker *self = argument;
    cnn_team *team = self->team;
    unsigned job = 0;
    for (;;) {
        await_job(team, job);
        job = job_of(atomic_load(&team->ticket));
        if (atomic_load(&team->stop)) {
            return NULL;
        }
        take_parts(team, self->thread);
    }
}

/** Publishes the next job, of `parts` parts. */
static void publish(cnn_team *team, int parts)
{
    const unsigned long long job = job_of(atomic_load(&team->ticket)) + 1u;
    atomic_store(&team->ticket, (job << 32) | (uint32_t)parts);
    if (atomic_load(&team->sleepers) > 0) {
        pthread_mutex_lock(&team->mutex);
        pthread_cond_broadcast(&team->work);
        pthread_mutex_unlock(&team->mutex);
    }
}

static void await_end(cnn_team *team)
{
    for (int round = 0; round < SPINS + YIELDS; round++) {
        if (atomic_load(&team->unfinished) == 0) {
            return;
        }
        pause_briefly(round);
    }
    pthread_mutex_lock(&team->mutex);
    atomic_store(&team->caller_sleeps, true);
    while (atomic_load(&team->unfinished) != 0) {
        pthread_cond_wait(&team->done, &team->mutex);
    }
    atomic_store(&team->caller_sleeps, false);
    pthread_mutex_unlock(&team->mutex);
}

void cnn_team_run(cnn_team *team, int parts, cnn_team_task *task, void *context)
{
    if (team->threads == 1 || parts <= 1) {
        for (int part = 0; part < parts; part++) {
            task(context, part, 0);
        }
        return;
    }
    atomic_store_explicit(&team->task, task, memory_order_relaxed);
    atomic_store_explicit(&team->context, context, memory_order_relaxed);
    atomic_store_explicit(&team->parts, parts, memory_order_relaxed);
    atomic_store_explicit(&team->unfinished, parts, memory_order_relaxed);
    publish(team, parts);
    take_parts(team, 0);
    await_end(team);
}

/** Starts the workers with all signals blocked, so that a handler runs in the program's own threads. */
static int start(cnn_team *team)
{
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    int failure = 0;
    for (int i = 0; failure == 0 && i < team->threads - 1; i++) {
        team->workers[i] = (worker){.team = team, .thread = i + 1};
        failure = pthread_create(&team->workers[i].id, NULL, work, &team->workers[i]);
        team->started += failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return failure;
}

cnn_team *cnn_team_new(int threads, cnn_error *error)
{
    if (threads < 1 || threads > MOST_THREADS) {
        cnn_fail(error, CNN_USAGE, "%d threads: must be 1 to %d", threads, MOST_THREADS);
        return NULL;
    }
    cnn_team *team = cnn_alloc(1, sizeof *team);
    worker *workers = cnn_alloc((size_t)threads - 1, sizeof *workers);
    if (team == NULL || workers == NULL) {
        cnn_free(team);
        cnn_free(workers);
        cnn_fail_memory(error);
        return NULL;
    }
    team->threads = threads;
    team->workers = workers;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->work, NULL);
    pthread_cond_init(&team->done, NULL);
    const int failure = start(team);
    if (failure != 0) {
        cnn_fail(error, CNN_PLATFORM, "cannot start thread %d of %d: %s; use fewer threads", team->started + 2, threads,
                 cnn_errno_text(failure));
        cnn_team_free(team);
        return NULL;
    }
    return team;
}

int cnn_team_threads(const cnn_team *team)
{
    return team->threads;
}

void cnn_team_free(cnn_team *team)
{
    if (team == NULL) {
        return;
    }
    atomic_store(&team->stop, true);
    publish(team, 0);
    for (int i = 0; i < team->started; i++) {
        pthread_join(team->workers[i].id, NULL);
    }
    pthread_cond_destroy(&team->work);
    pthread_cond_destroy(&team->done);
    pthread_mutex_destroy(&team->mutex);
    cnn_free(team->workers);
    cnn_free(team);
}

/* The team runs every part once, with thread numbers that never collide. */
#include "base/memory.h"
#include "base/team.h"
#include "unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { PARTS = 37, THREADS = 4 };

typedef struct job {
    atomic_int runs[PARTS];
    atomic_bool busy[THREADS];
    atomic_bool collision;
    int plain[PARTS]; /* written by parts, read by the caller: the race detector sees whether run() orders them */
    int number;
} job;

static void note(void *context, int part, int thread)
{
    job *j = context;
    if (atomic_exchange(&j->busy[thread], true)) {
        atomic_store(&j->collision, true);
    }
    atomic_fetch_add(&j->runs[part], 1);
    j->plain[part] = j->number;
    atomic_store(&j->busy[thread], false);
}

static void pause_milliseconds(long milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static void runs_every_part_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= THREADS; threads++) {
        cnn_team *team = cnn_team_new(threads, NULL);
        assert_int_equal(cnn_team_threads(team), threads);
        static job j;
        j = (job){0};
        const int jobs = 2000;
        for (int i = 1; i <= jobs; i++) {
            j.number = i;
            const int parts = 1 + i % PARTS;
            cnn_team_run(team, parts, note, &j);
            for (int part = 0; part < parts; part++) {
                assert_int_equal(j.plain[part], i);
            }
            if (i % 500 == 0) {
                pause_milliseconds(5); /* let the workers fall asleep */
            }
        }
        for (int part = 0; part < PARTS; part++) {
            int expected = 0;
            for (int i = 1; i <= jobs; i++) {
                expected += part < 1 + i % PARTS;
            }
            assert_int_equal(j.runs[part], expected);
        }
        assert_false(j.collision);
        cnn_team_run(team, 0, note, &j);
        cnn_team_free(team);
    }
}

static void slow_part(void *context, int part, int thread)
{
    (void)part, (void)thread;
    pause_milliseconds(20);
    atomic_fetch_add((atomic_int *)context, 1);
}

static void waits_for_the_slowest(void **state)
{
    (void)state;
    cnn_team *team = cnn_team_new(3, NULL);
    atomic_int ended = 0;
    cnn_team_run(team, 4, slow_part, &ended);
    assert_int_equal(ended, 4);
    cnn_team_free(team);
}

static void note_mask(void *context, int part, int thread)
{
    (void)part;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (thread != 0 && !sigismember(&mask, SIGINT)) {
        atomic_store((atomic_bool *)context, true);
    }
    pause_milliseconds(1);
}

static void leaves_signals_to_the_caller(void **state)
{
    (void)state;
    atomic_bool open = false;
    sigset_t mask;
    cnn_team *team = cnn_team_new(3, NULL);
    cnn_team_run(team, 20, note_mask, &open);
    assert_false(open);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
    cnn_team_free(team);
}

static void refuses(void **state)
{
    (void)state;
    cnn_error error;
    assert_null(cnn_team_new(0, &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_string_equal(error.message, "0 threads: must be 1 to 1024");
    assert_null(cnn_team_new(1025, &error));
    for (long after = 0; after < 2; after++) {
        cnn_alloc_fail_after(after, false);
        assert_null(cnn_team_new(2, &error));
        assert_int_equal(error.status, CNN_MEMORY);
    }
    cnn_alloc_fail_after(-1, false);
    cnn_team_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_part_once),
        cmocka_unit_test(waits_for_the_slowest),
        cmocka_unit_test(leaves_signals_to_the_caller),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

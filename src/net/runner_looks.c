/* Who looks on while a runner works: an observer, told what each thread begins with, and a tap, shown every output. */
#include "net/fuse.h"
#include "net/runner_memory.h"

void cnn_runner_observe(cnn_runner *runner, cnn_runner_observer *observer, void *context)
{
    runner->observer = observer;
    runner->observer_context = context;
}

void cnn_runner_note(const cnn_runner *runner, int thread, int node, cnn_work work)
{
    if (runner->observer != NULL) {
        runner->observer(runner->observer_context, thread, node, work);
    }
}

void cnn_runner_tap(cnn_runner *runner, cnn_runner_tap_function *tap, void *context)
{
    runner->tap = tap;
    runner->tap_context = context;
}

/** The node whose output it is that node `index` writes: its own, or that of the rectifier that it applies. */
static int owner(const cnn_runner *runner, int index)
{
    int node = index;
    while (runner->program.rectifies[index] &&
           cnn_program_rectifying(&runner->program, runner->network, node) != index) {
        node++;
    }
    return node;
}

void cnn_runner_show(const cnn_runner *runner, int node, int lane, int n, const cnn_real *values)
{
    if (runner->tap != NULL) {
        runner->tap(runner->tap_context, owner(runner, node), lane, n, values);
    }
}

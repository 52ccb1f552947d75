/* The one executor, for training and for inference: memory for a batch, and the passes of a network over it.
 *
 * At creation each pass is written out as operations, and these are grouped into stages. Within a stage a part runs its
 * operations one after the other without meeting the others; between stages all parts have ended. Consecutive layers
 * whose parts are lanes share a stage, so a lane's activations stay in its thread's cache. */
#ifndef CNN_NET_RUNNER_H
#define CNN_NET_RUNNER_H

#include "base/team.h"
#include "net/network.h"

/** A loss over one lane: reads logits [n][classes], writes their gradient. Called once a lane of a training step. */
typedef struct cnn_loss_call {
    int lane, first, n; /* images first .. first + n - 1 of the batch */
    int batch;
    int classes;
    const cnn_real *logits;
    cnn_real *gradient; /* may be `logits` */
} cnn_loss_call;
typedef void cnn_loss_function(void *context, const cnn_loss_call *call);

typedef struct cnn_runner_options {
    int batch;               /* the most images of a call */
    cnn_team *team;          /* not owned */
    cnn_loss_function *loss; /* NULL: inference */
    void *loss_context;
    uint64_t seed; /* of dropout; training only */
} cnn_runner_options;

typedef struct cnn_runner cnn_runner;

/** What a thread does for a node, or with node -1 for the whole network. */
typedef enum cnn_work {
    CNN_WORK_INPUT,   /* the caller fills in the inputs */
    CNN_WORK_PREPARE, /* what layers make of the parameters once */
    CNN_WORK_FORWARD_SUMS,
    CNN_WORK_FORWARD,
    CNN_WORK_LOSS,
    CNN_WORK_REPEAT, /* forward once more, for what is not kept until backward */
    CNN_WORK_BACKWARD_SUMS,
    CNN_WORK_BACKWARD,       /* all of a layer's backward, or all but dx where the next one is noted too */
    CNN_WORK_BACKWARD_INPUT, /* dx alone, of kinds with backward_input() */
    CNN_WORK_UPDATE,         /* the caller updates the parameters */
    CNN_WORK_NONE            /* nothing, or nothing of these */
} cnn_work;
#define CNN_WORK_COUNT CNN_WORK_NONE

/** Called by thread `thread` of the team as it begins with another pass, until its next call. */
typedef void cnn_runner_observer(void *context, int thread, int node, cnn_work work);

cnn_runner *cnn_runner_new(const cnn_network *network, const cnn_runner_options *options, cnn_error *error);
void cnn_runner_free(cnn_runner *runner);
/** The bytes a runner takes, all included. */
size_t cnn_runner_size(const cnn_runner *runner);

/** Lanes a batch is cut into, and where lane `lane` of n images begins (lane == lanes: where the last ends). They
 * follow from the runner's batch alone. */
int cnn_runner_lanes(const cnn_runner *runner);
int cnn_runner_lane_first(const cnn_runner *runner, int n, int lane);

/** From now on every pass is noted with `observer`, for measuring; NULL: with nobody, as at the beginning. Not to be
 * called during a pass. */
void cnn_runner_observe(cnn_runner *runner, cnn_runner_observer *observer, void *context);
/** Notes what the caller does between the runner's passes: CNN_WORK_INPUT, CNN_WORK_UPDATE, then CNN_WORK_NONE. */
void cnn_runner_note(const cnn_runner *runner, int thread, int node, cnn_work work);

/** Called with what node `node` has computed for the n images of `lane`, values [n][output], while it is in memory: in
 * a forward pass once a node and lane, by any of the threads. Where the layer before applies a rectifier, the node is
 * the rectifier. */
typedef void cnn_runner_tap_function(void *context, int node, int lane, int n, const cnn_real *values);

/** From now on every output is shown to `tap`; NULL: to nobody, as at the beginning. Not to be called during a pass. */
void cnn_runner_tap(cnn_runner *runner, cnn_runner_tap_function *tap, void *context);

/** Where the caller puts image `index` of the next batch, [h][w][c]. */
cnn_real *cnn_runner_input(cnn_runner *runner, int index);

/** What layers make of the parameters once and then use for every image, in inference. To be called before
 * cnn_runner_forward(), and again when parameters have changed; training does it by itself. */
void cnn_runner_prepare(cnn_runner *runner, cnn_real *parameters);

/** Inference over the first n inputs. */
void cnn_runner_forward(cnn_runner *runner, cnn_real *parameters, int n);
/** Image `index`'s logits [classes] after cnn_runner_forward(). */
const cnn_real *cnn_runner_output(const cnn_runner *runner, int index);

/** Forward, loss and backward over the first n inputs; `image` counts the images trained before, and names dropout's
 * random numbers. States within `parameters` (running statistics) are updated. */
void cnn_runner_train(cnn_runner *runner, cnn_real *parameters, int n, uint64_t image);

/** The gradient of parameters [first, first + count) of one tensor, summed over the lanes in their order, in `room`
 * [count] or in the runner's own memory. Any thread may ask for any range after cnn_runner_train(). */
const cnn_real *cnn_runner_gradient(const cnn_runner *runner, int slot, size_t first, size_t count, cnn_real *room);

#endif

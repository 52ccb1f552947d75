/* Maxout, the largest of `pieces` channels, which the layer before computes: an activation that learns its own
 * shape, convex and in pieces. Goodfellow et al., "Maxout networks", arXiv 1302.4389. Output channel c is the
 * largest of the channels c * pieces .. c * pieces + pieces - 1, so arrays are read straight through. Training keeps
 * which it was, one byte; of equal numbers the first counts. NaN counts as larger than any number, so that a
 * diverged training is seen in its loss. */
#include "layers/planning.h"

#include <string.h>

#define PIECES 256 /* that a byte can name */

typedef struct maxout_options {
    int pieces;
} maxout_options;

static const cnn_option maxout_table[] = {{"pieces", CNN_OPTION_INTEGER, offsetof(maxout_options, pieces), 2, PIECES,
                                           "2", NULL, "channels of which the largest stays", false},
                                          {0}};

static cnn_status maxout_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    const int pieces = ((const maxout_options *)options)->pieces;
    const cnn_shape input = plan->input, output = {input.height, input.width, input.channels / pieces};
    (void)state;
    if (input.channels % pieces != 0) {
        return cnn_fail(error, CNN_USAGE, "pieces=%d does not divide %d channels", pieces, input.channels);
    }
    plan->activation = (cnn_activation){.is = true, .suits = CNN_INITIALIZE_HE_NORMAL};
    plan->saved_size = cnn_shape_size(output);
    return cnn_plan_output(plan, output, error);
}

/* Positions as int until a block is done, so that compilers make vectors of it: maxpool.c. */
#define BLOCK 64

/** y[i] = the largest of x[i][pieces], which[i] = the first place where it was, for `count` outputs, at most BLOCK */
static CNN_INLINE void largest(const cnn_real *restrict x, int pieces, size_t count, cnn_real *restrict y,
                               unsigned char *restrict which)
{
    cnn_real best[BLOCK];
    int where[BLOCK];
    for (size_t i = 0; i < count; i++) {
        best[i] = x[i * (size_t)pieces];
        where[i] = 0;
    }
    for (int piece = 1; piece < pieces; piece++) {
        for (size_t i = 0; i < count; i++) {
            const cnn_real value = x[i * (size_t)pieces + (size_t)piece], old = best[i];
            const int larger = (value > old) | (value != value), old_where = where[i];
            where[i] = larger ? piece : old_where;
            best[i] = larger ? value : old;
        }
    }
    memcpy(y, best, count * sizeof *y);
    if (which) {
        for (size_t i = 0; i < count; i++) {
            which[i] = (unsigned char)where[i];
        }
    }
}

/** largest() over all outputs; two pieces, the usual number, are compiled on their own. */
static void maxout_forward(const cnn_layer_call *call)
{
    const int pieces = ((const maxout_options *)call->options)->pieces;
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->output);
    unsigned char *saved = call->training ? call->saved : NULL;
    for (size_t i = 0; i < count; i += BLOCK) {
        const cnn_real *x = call->x + i * (size_t)pieces;
        const size_t block = count - i < BLOCK ? count - i : BLOCK;
        if (pieces == 2) {
            largest(x, 2, block, call->y + i, saved ? saved + i : NULL);
        } else {
            largest(x, pieces, block, call->y + i, saved ? saved + i : NULL);
        }
    }
}

/** dx[i][piece] = dy[i] where that piece was the largest, else 0 */
static void maxout_backward(const cnn_layer_call *call)
{
    const size_t pieces = (size_t)((const maxout_options *)call->options)->pieces;
    const size_t count = (size_t)call->n * cnn_shape_size(call->plan->output);
    const unsigned char *saved = call->saved;
    if (!call->dx) {
        return;
    }
    memset(call->dx, 0, count * pieces * sizeof *call->dx);
    for (size_t i = 0; i < count; i++) {
        call->dx[i * pieces + saved[i]] = call->dy[i];
    }
}

const cnn_layer_kind CNN_LAYER(maxout) = {
    .name = "maxout",
    .help = "the largest of each few channels",
    .options = maxout_table,
    .options_size = sizeof(maxout_options),
    .plan = maxout_plan,
    .forward = maxout_forward,
    .backward = maxout_backward,
};

/* Maximum pooling. Training keeps where each maximum was as its position in the window, one byte; of equal numbers the
 * first counts. NaN counts as larger than any number, so that a diverged training is seen in its loss. */
#include "layers/pool.h"

#include <string.h>

#define POSITIONS 256 /* that a byte can name */

/* Numbers of one image that are worth sharing out among threads. */
#define ALONE_LEAST 32768
#define ALONE_PARTS 4

static cnn_status maxpool_plan(cnn_layer_plan *plan, const void *options, void *state, cnn_error *error)
{
    cnn_windows *windows = state;
    const cnn_status status = cnn_pool_plan(plan, options, windows, error);
    if (status != CNN_OK) {
        return status;
    }
    if (windows->size[0] * windows->size[1] > POSITIONS) {
        return cnn_fail(error, CNN_USAGE, "window %dx%d has more than %d pixels", windows->size[0], windows->size[1],
                        POSITIONS);
    }
    plan->saved_size = cnn_shape_size(plan->output);
    plan->alone_parts = cnn_shape_size(plan->input) >= ALONE_LEAST ? ALONE_PARTS : 0;
    return CNN_OK;
}

/** What a window reads and writes: of the image x, from its corner on, where a row further down is `row` numbers on and
 * a pixel to the right `channels`; of the outputs its pixel. positions is NULL in inference. */
typedef struct window_at {
    const cnn_real *x;
    ptrdiff_t corner, row;
    int channels;
    cnn_real *y;
    unsigned char *positions;
} window_at;

/** Whether b takes the place of the maximum a. */
static inline bool is_larger(cnn_real b, cnn_real a)
{
    return b > a || b != b;
}

/* Both forms below run a block of channels to its end before the next, with positions as int, so that compilers make
 * vectors of it: mixing bytes and floats in one loop is up to 20 times slower with gcc 12. */
#define WIDE 64
#define BLOCK 16

/** One window over `count` channels, at most WIDE, from channel c on: y = the maximum, positions = where it was. */
static inline void pool_wide(const window_at *at, const cnn_pool_window *window, int size_w, int c, int count)
{
    cnn_real best[WIDE];
    int where[WIDE];
    const ptrdiff_t origin = at->corner + c;
    const ptrdiff_t first = window->rows.first * at->row + (ptrdiff_t)window->columns.first * at->channels;
    memcpy(best, at->x + (origin + first), (size_t)count * sizeof *best);
    for (int i = 0; i < count; i++) {
        where[i] = window->rows.first * size_w + window->columns.first;
    }
    for (int ky = window->rows.first; ky < window->rows.end; ky++) {
        for (int kx = window->columns.first; kx < window->columns.end; kx++) {
            const cnn_real *restrict from = at->x + (origin + ky * at->row + (ptrdiff_t)kx * at->channels);
            const int position = ky * size_w + kx;
            for (int i = 0; i < count; i++) {
                const cnn_real value = from[i], old = best[i];
                const int larger = (value > old) | (value != value), old_where = where[i];
                where[i] = larger ? position : old_where;
                best[i] = larger ? value : old;
            }
        }
    }
    memcpy(at->y + c, best, (size_t)count * sizeof *best);
    if (at->positions) {
        for (int i = 0; i < count; i++) {
            at->positions[c + i] = (unsigned char)where[i];
        }
    }
}

/** A whole window of 2x2 over `count` channels, at most BLOCK, from channel c on. */
static inline void pool_2x2(const window_at *at, int c, int count)
{
    const cnn_real *restrict top = at->x + at->corner + c, *restrict bottom = top + at->row;
    cnn_real *restrict y = at->y + c;
    int where[BLOCK];
    for (int i = 0; i < count; i++) {
        const cnn_real p0 = top[i], p1 = top[i + at->channels], p2 = bottom[i], p3 = bottom[i + at->channels];
        const cnn_real upper = is_larger(p1, p0) ? p1 : p0, lower = is_larger(p3, p2) ? p3 : p2;
        const int upper_where = is_larger(p1, p0) ? 1 : 0, lower_where = is_larger(p3, p2) ? 3 : 2;
        where[i] = is_larger(lower, upper) ? lower_where : upper_where;
        y[i] = is_larger(lower, upper) ? lower : upper;
    }
    if (at->positions) {
        for (int i = 0; i < count; i++) {
            at->positions[c + i] = (unsigned char)where[i];
        }
    }
}

/** All channels of a window of 2x2: whole blocks, the last of which overlaps the one before. */
static inline void pool_2x2_blocks(const window_at *at)
{
    int c = 0;
    for (; c < at->channels - BLOCK; c += BLOCK) {
        pool_2x2(at, c, BLOCK);
    }
    if (at->channels >= BLOCK) {
        pool_2x2(at, at->channels - BLOCK, BLOCK);
    } else {
        pool_2x2(at, 0, at->channels);
    }
}

/** Rows `rows` of y [out_h][out_w][c] and of its positions, from one image of x [h][w][c]; `at` has its first ones. */
static void pool_rows(const cnn_windows *windows, const cnn_layer_plan *plan, cnn_span rows, window_at at)
{
    const bool is_2x2 = windows->size[0] == 2 && windows->size[1] == 2 && cnn_pool_is_apart(windows, plan->input);
    const size_t row = (size_t)plan->output.width * (size_t)at.channels;
    for (int oy = rows.first; oy < rows.end; oy++) {
        cnn_real *y = at.y + (size_t)oy * row;
        unsigned char *positions = at.positions ? at.positions + (size_t)oy * row : NULL;
        for (int ox = 0; ox < plan->output.width; ox++) {
            const cnn_pool_window window = cnn_pool_window_at(windows, plan->input, oy, ox);
            const size_t pixel = (size_t)ox * (size_t)at.channels;
            const window_at one = {.x = at.x,
                                   .corner = window.corner,
                                   .row = at.row,
                                   .channels = at.channels,
                                   .y = y + pixel,
                                   .positions = positions ? positions + pixel : NULL};
            if (is_2x2) {
                pool_2x2_blocks(&one);
                continue;
            }
            for (int c = 0; c < at.channels; c += WIDE) {
                pool_wide(&one, &window, windows->size[1], c, at.channels - c < WIDE ? at.channels - c : WIDE);
            }
        }
    }
}

/** Alone, each part has a share of the rows. */
static void maxpool_forward(const cnn_layer_call *call)
{
    const cnn_layer_plan *plan = call->plan;
    const size_t input = cnn_shape_size(plan->input), output = cnn_shape_size(plan->output);
    const int height = plan->output.height;
    const cnn_span rows = {height * call->part / call->parts, height * (call->part + 1) / call->parts};
    for (size_t i = 0; i < (size_t)call->n; i++) {
        unsigned char *saved = call->saved;
        pool_rows(call->state, plan, rows,
                  (window_at){.x = call->x + i * input,
                              .row = (ptrdiff_t)plan->input.width * plan->input.channels,
                              .channels = plan->input.channels,
                              .y = call->y + i * output,
                              .positions = call->training ? saved + i * output : NULL});
    }
}

/** One image's dx, zero before: each maximum's gradient is added to where it came from. Choosing between dy and 0 for
 * all pixels of a window, as vectors, is no faster, and gcc 12.2 miscompiles it in double (-O3, AVX2). */
static void scatter_image(const cnn_windows *windows, const cnn_layer_plan *plan, const cnn_real *restrict dy,
                          const unsigned char *restrict positions, cnn_real *restrict dx)
{
    const int channels = plan->input.channels, size_w = windows->size[1];
    ptrdiff_t offsets[POSITIONS];
    for (int at = 0; at < windows->size[0] * size_w; at++) {
        offsets[at] = ((ptrdiff_t)(at / size_w) * plan->input.width + at % size_w) * channels;
    }
    for (int oy = 0; oy < plan->output.height; oy++) {
        for (int ox = 0; ox < plan->output.width; ox++, dy += channels, positions += channels) {
            const ptrdiff_t corner = cnn_pool_window_at(windows, plan->input, oy, ox).corner;
            for (int c = 0; c < channels; c++) {
                dx[corner + offsets[positions[c]] + c] += dy[c];
            }
        }
    }
}

static void maxpool_backward(const cnn_layer_call *call)
{
    const cnn_layer_plan *plan = call->plan;
    const size_t input = cnn_shape_size(plan->input), output = cnn_shape_size(plan->output);
    if (!call->dx) {
        return;
    }
    for (size_t i = 0; i < (size_t)call->n; i++) {
        memset(call->dx + i * input, 0, input * sizeof *call->dx); /* now, so that it is still in the cache */
        scatter_image(call->state, plan, call->dy + i * output, (const unsigned char *)call->saved + i * output,
                      call->dx + i * input);
    }
}

const cnn_layer_kind CNN_LAYER(maxpool) = {
    .name = "maxpool",
    .help = "the largest number of each window",
    .options = cnn_pool_table,
    .options_size = sizeof(cnn_pool_options),
    .state_size = sizeof(cnn_windows),
    .plan = maxpool_plan,
    .forward = maxpool_forward,
    .backward = maxpool_backward,
};

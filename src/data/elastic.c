/* Elastic distortions (Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to
 * visual document analysis"): each pixel moves a random way, and a Gaussian over the image makes neighbours move alike.
 * There, alpha multiplies smoothed numbers of -1 .. 1; here it is what comes out, in pixels, so that sigma does not
 * change it: their 34 at sigma 4 is 1.4 here. Outside the image nothing moves, so that it stays in its frame.
 *
 * The Gaussian is separable, and ends at three sigma. A quarter of the time that full random words would take goes by
 * using each byte of them: smoothing adds up hundreds, and the sum is as good as normal. */
#include "data/elastic.h"

#include <math.h>
#include <string.h>

/** The variance of a byte, (256^2 - 1) / 12. */
#define BYTE_VARIANCE 5461.25

/** Where everything is in the room; field, rows and row are [..][width]. */
typedef struct workspace {
    int reach;   /* taps to either side */
    float *rows; /* [reach + height + reach] smoothed along the rows, zero above and below */
    float *row;  /* [reach + width + reach] one row of noise, zero on either side */
    float *taps; /* [reach + 1] from the middle outwards */
    size_t size; /* of all */
} workspace;

static workspace lay_out(const cnn_elastic *elastic, cnn_shape shape, float *room)
{
    workspace work = {.reach = (int)ceil(3 * elastic->sigma)};
    const size_t width = (size_t)shape.width, height = (size_t)shape.height, margins = 2 * (size_t)work.reach;
    const size_t rows = 2 * height * width, row = rows + (height + margins) * width, taps = row + width + margins;
    work.size = taps + (size_t)work.reach + 1;
    if (room != NULL) {
        work.rows = room + rows;
        work.row = room + row;
        work.taps = room + taps;
    }
    return work;
}

size_t cnn_elastic_room(const cnn_elastic *elastic, cnn_shape shape)
{
    return lay_out(elastic, shape, NULL).size;
}

/** Fills the taps with a Gaussian of such a height that noise which goes through it along both axes has the deviation
 * alpha: each axis multiplies the deviation by the root of the sum of the taps' squares. */
static void make_taps(const cnn_elastic *elastic, const workspace *work)
{
    double squares = 0;
    for (int k = 0; k <= work->reach; k++) {
        const double tap = exp(-k * k / (2 * elastic->sigma * elastic->sigma));
        work->taps[k] = (float)tap;
        squares += (k > 0 ? 2 : 1) * tap * tap;
    }
    const double height = sqrt(elastic->alpha / (sqrt(BYTE_VARIANCE) * squares));
    for (int k = 0; k <= work->reach; k++) {
        work->taps[k] = (float)(height * (double)work->taps[k]);
    }
}

/** out[i] = sum over k of taps[|k|] * in[i + k * step] */
static void smooth(const workspace *work, const float *restrict in, size_t step, size_t count, float *restrict out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = work->taps[0] * in[i];
    }
    for (int k = 1; k <= work->reach; k++) {
        const float tap = work->taps[k];
        const float *before = in - (size_t)k * step, *after = in + (size_t)k * step;
        for (size_t i = 0; i < count; i++) {
            out[i] += tap * (before[i] + after[i]);
        }
    }
}

static void draw_row(cnn_random *random, size_t count, float *out)
{
    uint32_t word = 0;
    for (size_t i = 0; i < count; i++) {
        word = i % 4 == 0 ? cnn_random_word(random) : word >> 8;
        out[i] = (float)(word & 255) - 127.5f;
    }
}

void cnn_elastic_draw(const cnn_elastic *elastic, cnn_shape shape, cnn_random *random, float *room)
{
    const workspace work = lay_out(elastic, shape, room);
    const size_t width = (size_t)shape.width, height = (size_t)shape.height, reach = (size_t)work.reach;
    float *const rows = work.rows + reach * width;
    memset(work.rows, 0, (size_t)(work.taps - work.rows) * sizeof *room); /* NOLINT: there is room */
    make_taps(elastic, &work);
    for (int axis = 0; axis < 2; axis++) {
        for (size_t y = 0; y < height; y++) {
            draw_row(random, width, work.row + reach);
            smooth(&work, work.row + reach, 1, width, rows + y * width);
        }
        for (size_t y = 0; y < height; y++) {
            smooth(&work, rows + y * width, width, width, room + ((size_t)axis * height + y) * width);
        }
    }
}

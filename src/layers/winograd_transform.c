/* Winograd's transforms with the points 0, +-a, +-b and infinity, a = 1 / sqrt(2) and b = sqrt(2): of all the pairs
 * tried, none beats them noticeably, and against the usual +-1, +-2 they halve the rounding error (4e-7 of 64 channels'
 * sums).
 *
 * All matrices but B are made of powers of the points: a tile's values, or the adjoint. Everything is done in blocks of
 * channels, as many as a vector has, whose 6x6 intermediate stays in the first-level cache. */
#include "layers/winograd_transform.h"

#include <stdint.h>
#include <string.h>

/* A block is one register of the instruction set compiled for. Longer ones, which compilers cut up, they copy through
 * memory in pieces that the processor cannot forward to the loads that follow: twice the time on AVX2. */
#if defined __AVX512F__
#define BLOCK_BYTES 64
#elif defined __AVX__
#define BLOCK_BYTES 32
#else
#define BLOCK_BYTES 16
#endif
#define BLOCK (BLOCK_BYTES / sizeof(cnn_real)) /* channels */
#define POINTS CNN_WINOGRAD_POINTS
#define PLANES CNN_WINOGRAD_PLANES

/* Points in their order: 0, a, -a, b, -b, infinity. a^2 b^2 = 1. */
#define POINT_A ((cnn_real)0.70710678118654752440)
#define POINT_B ((cnn_real)1.41421356237309504880)
#define SQUARE_A ((cnn_real)0.5)
#define SQUARE_B ((cnn_real)2)

/** A block's numbers at one position. Plain loops over arrays are made vectors of as well, but travel through
 * memory between any two of them: the transforms then take twice the time. */
typedef cnn_real vector __attribute__((vector_size(BLOCK_BYTES)));
/** One in an array of numbers. gcc makes halves of a memcpy() on AVX2, and the load of the whole that follows waits. */
typedef vector loose __attribute__((aligned(sizeof(cnn_real)), may_alias));
/** What comparing two of them gives: all bits of a number set where true. */
#ifdef CNN_REAL_IS_DOUBLE
typedef int64_t mask __attribute__((vector_size(BLOCK_BYTES)));
#else
typedef int32_t mask __attribute__((vector_size(BLOCK_BYTES)));
#endif

/** What the values at +-a and at +-b are multiplied by. Weights and outputs share each
 * point's 1 / product of (point - other points), in a way that leaves the outputs, which are many, simple factors. */
typedef struct scale {
    cnn_real a, b;
} scale;

/** By the size of a tile: 3 and 5 are weights, 4 and 2 their outputs. */
static CNN_INLINE scale scale_of(int size)
{
    const cnn_real third = (cnn_real)(1 / 3.0), half = (cnn_real)0.5;
    switch (size) {
    case 2:
        return (scale){1, -1};
    case 3:
        return (scale){-2 * third, -third};
    case 4:
        return (scale){1, -half};
    default:
        return (scale){-2 * third, -half * third};
    }
}

/** The block that begins after `done` channels: the last one overlaps the one before, which costs less than a shorter
 * one. */
static CNN_INLINE size_t block_at(size_t done, size_t channels)
{
    return done > 0 && done + BLOCK > channels ? channels - BLOCK : done;
}

/** `count` numbers, zeros after them. */
static CNN_INLINE void load(vector *to, const cnn_real *from, size_t count)
{
    if (count == BLOCK) {
        *to = *(const loose *)from;
        return;
    }
    *to = (vector){0};
    memcpy(to, from, count * sizeof *from);
}

static CNN_INLINE void store(cnn_real *to, const vector *from, size_t count)
{
    if (count == BLOCK) {
        *(loose *)to = *from;
        return;
    }
    memcpy(to, from, count * sizeof *to);
}

/** out[POINTS] = B^T in, `in` having its positions `step` apart. */
static CNN_INLINE void spread_line(const vector *in, size_t step, vector *out)
{
    const cnn_real sum = SQUARE_A + SQUARE_B;
    const vector d0 = in[0], d1 = in[step], d2 = in[2 * step], d3 = in[3 * step], d4 = in[4 * step], d5 = in[5 * step];
    const vector even_a = d4 - SQUARE_B * d2, odd_a = POINT_A * d3 - POINT_B * d1;
    const vector even_b = d4 - SQUARE_A * d2, odd_b = POINT_B * d3 - POINT_A * d1;
    out[0] = d0 - sum * d2 + d4;
    out[1] = even_a + odd_a;
    out[2] = even_a - odd_a;
    out[3] = even_b + odd_b;
    out[4] = even_b - odd_b;
    out[5] = d1 - sum * d3 + d5;
}

/** out[POINTS] = the scaled values of the polynomial with `size` coefficients. */
static CNN_INLINE void evaluate_line(int size, scale s, const vector *in, size_t step, vector *out)
{
    const cnn_real a = s.a * POINT_A, a2 = s.a * SQUARE_A, a3 = a * SQUARE_A, a4 = a2 * SQUARE_A;
    const cnn_real b = s.b * POINT_B, b2 = s.b * SQUARE_B, b3 = b * SQUARE_B, b4 = b2 * SQUARE_B;
    vector even_a = s.a * in[0], odd_a = a * in[step], even_b = s.b * in[0], odd_b = b * in[step];
    if (size > 2) {
        even_a += a2 * in[2 * step];
        even_b += b2 * in[2 * step];
    }
    if (size > 3) {
        odd_a += a3 * in[3 * step];
        odd_b += b3 * in[3 * step];
    }
    if (size > 4) {
        even_a += a4 * in[4 * step];
        even_b += b4 * in[4 * step];
    }
    out[0] = in[0];
    out[1] = even_a + odd_a;
    out[2] = even_a - odd_a;
    out[3] = even_b + odd_b;
    out[4] = even_b - odd_b;
    out[5] = in[(size_t)(size - 1) * step];
}

/** out[size]: the adjoint of evaluate_line. */
static CNN_INLINE void collect_line(int size, scale s, const vector *in, size_t step, vector *out)
{
    const cnn_real a = s.a * POINT_A, a2 = s.a * SQUARE_A, a3 = a * SQUARE_A, a4 = a2 * SQUARE_A;
    const cnn_real b = s.b * POINT_B, b2 = s.b * SQUARE_B, b3 = b * SQUARE_B, b4 = b2 * SQUARE_B;
    const vector even_a = in[step] + in[2 * step], odd_a = in[step] - in[2 * step];
    const vector even_b = in[3 * step] + in[4 * step], odd_b = in[3 * step] - in[4 * step];
    out[0] = in[0] + (s.a * even_a + s.b * even_b);
    out[1] = a * odd_a + b * odd_b;
    if (size > 2) {
        out[2] = a2 * even_a + b2 * even_b;
    }
    if (size > 3) {
        out[3] = a3 * odd_a + b3 * odd_b;
    }
    if (size > 4) {
        out[4] = a4 * even_a + b4 * even_b;
    }
    out[size - 1] += in[5 * step];
}

static CNN_INLINE void spread_block(const cnn_real *const *tile, size_t c, size_t count, cnn_real *planes,
                                    size_t stride)
{
    vector line[POINTS], middle[PLANES];
    for (int i = 0; i < POINTS; i++) {
        for (int j = 0; j < POINTS; j++) {
            load(&line[j], tile[POINTS * i + j] + c, count);
        }
        spread_line(line, 1, &middle[(size_t)(POINTS * i)]);
    }
    for (int j = 0; j < POINTS; j++) {
        spread_line(middle + j, POINTS, line);
        for (int i = 0; i < POINTS; i++) {
            store(planes + (size_t)(POINTS * i + j) * stride + c, &line[i], count);
        }
    }
}

static CNN_INLINE void evaluate_block(int size, const cnn_real *const *tile, size_t c, size_t count, cnn_real *planes,
                                      size_t stride)
{
    const scale s = scale_of(size);
    vector line[POINTS], middle[PLANES];
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
            load(&line[j], tile[size * i + j] + c, count);
        }
        evaluate_line(size, s, line, 1, &middle[(size_t)(POINTS * i)]);
    }
    for (int j = 0; j < POINTS; j++) {
        evaluate_line(size, s, middle + j, POINTS, line);
        for (int i = 0; i < POINTS; i++) {
            store(planes + (size_t)(POINTS * i + j) * stride + c, &line[i], count);
        }
    }
}

/** The finish of `count` channels from `at` on: what is added, and which of the numbers below 0 become 0, as bits. */
typedef struct block_finish {
    size_t at, count;
    vector add;
    mask rectified;
} block_finish;

static CNN_INLINE block_finish finish_of(const cnn_winograd_finish *finish, size_t at, size_t count)
{
    block_finish block = {.at = at, .count = count, .rectified = (mask){0} - (finish->rectify ? 1 : 0)};
    if (finish->offset) {
        load(&block.add, finish->offset + at, count);
    }
    return block;
}

static CNN_INLINE void finish_block(const block_finish *finish, vector *x)
{
    *x += finish->add;
    *x = (vector)((mask)*x & ~((*x < 0) & finish->rectified));
}

static CNN_INLINE void collect_block(int size, const cnn_real *planes, size_t stride, block_finish finish,
                                     cnn_real *const *tile)
{
    const scale s = scale_of(size);
    vector line[POINTS], middle[PLANES];
    for (int i = 0; i < POINTS; i++) {
        for (int j = 0; j < POINTS; j++) {
            load(&line[j], planes + (size_t)(POINTS * i + j) * stride + finish.at, finish.count);
        }
        collect_line(size, s, line, 1, &middle[(size_t)(POINTS * i)]);
    }
    for (int j = 0; j < size; j++) {
        collect_line(size, s, middle + j, POINTS, line);
        for (int i = 0; i < size; i++) {
            finish_block(&finish, &line[i]);
            store(tile[size * i + j] + finish.at, &line[i], finish.count);
        }
    }
}

void cnn_winograd_spread(const cnn_real *const tile[PLANES], size_t channels, cnn_real *planes, size_t stride)
{
    if (channels < BLOCK) {
        spread_block(tile, 0, channels, planes, stride);
        return;
    }
    for (size_t done = 0; done < channels; done += BLOCK) {
        spread_block(tile, block_at(done, channels), BLOCK, planes, stride);
    }
}

static CNN_INLINE void evaluate(int size, const cnn_real *const *tile, size_t channels, cnn_real *planes, size_t stride)
{
    if (channels < BLOCK) {
        evaluate_block(size, tile, 0, channels, planes, stride);
        return;
    }
    for (size_t done = 0; done < channels; done += BLOCK) {
        evaluate_block(size, tile, block_at(done, channels), BLOCK, planes, stride);
    }
}

static CNN_INLINE void collect(int size, const cnn_real *planes, size_t stride, size_t channels,
                               const cnn_winograd_finish *finish, cnn_real *const *tile)
{
    if (channels < BLOCK) {
        collect_block(size, planes, stride, finish_of(finish, 0, channels), tile);
        return;
    }
    for (size_t done = 0; done < channels; done += BLOCK) {
        collect_block(size, planes, stride, finish_of(finish, block_at(done, channels), BLOCK), tile);
    }
}

void cnn_winograd_evaluate(int size, const cnn_real *const *tile, size_t channels, cnn_real *planes, size_t stride)
{
    switch (size) {
    case 2:
        evaluate(2, tile, channels, planes, stride);
        break;
    case 3:
        evaluate(3, tile, channels, planes, stride);
        break;
    case 4:
        evaluate(4, tile, channels, planes, stride);
        break;
    default:
        evaluate(5, tile, channels, planes, stride);
    }
}

void cnn_winograd_collect(int size, const cnn_real *planes, size_t stride, size_t channels, cnn_winograd_finish finish,
                          cnn_real *const *tile)
{
    switch (size) {
    case 2:
        collect(2, planes, stride, channels, &finish, tile);
        break;
    case 3:
        collect(3, planes, stride, channels, &finish, tile);
        break;
    case 4:
        collect(4, planes, stride, channels, &finish, tile);
        break;
    default:
        collect(5, planes, stride, channels, &finish, tile);
    }
}

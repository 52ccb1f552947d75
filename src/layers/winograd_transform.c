/* Winograd's transforms with the points 0, +-a, +-b and infinity, a = 1 / sqrt(2) and b = sqrt(2): of all the pairs
 * tried, none beats them noticeably, and against the usual +-1, +-2 they halve the rounding error (4e-7 of 64 channels'
 * sums).
 *
 * All matrices but B are made of powers of the points: a tile's values, or the adjoint. Everything is done in blocks of
 * channels, as many as a vector has, whose 6x6 intermediate stays in the first-level cache. */
#include "layers/winograd_transform.h"

#include <string.h>

/* Channels of a block: one AVX-512 register of floats. */
#define BLOCK 16
#define POINTS CNN_WINOGRAD_POINTS

/* Points in their order: 0, a, -a, b, -b, infinity. a^2 b^2 = 1. */
#define POINT_A ((cnn_real)0.70710678118654752440)
#define POINT_B ((cnn_real)1.41421356237309504880)
#define SQUARE_A ((cnn_real)0.5)
#define SQUARE_B ((cnn_real)2)

typedef cnn_real block[BLOCK];

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

/** Where the block after `done` channels begins: the last one overlaps the one before, which costs less than a shorter
 * one. */
static CNN_INLINE size_t block_at(size_t done, size_t channels)
{
    return done > 0 && done + BLOCK > channels ? channels - BLOCK : done;
}

static CNN_INLINE void load(cnn_real *restrict to, const cnn_real *restrict from, size_t count)
{
    if (count == BLOCK) {
        memcpy(to, from, sizeof(block));
    } else {
        memset(to, 0, sizeof(block));
        memcpy(to, from, count * sizeof *to);
    }
}

static CNN_INLINE void store(cnn_real *restrict to, const cnn_real *restrict from, size_t count)
{
    if (count == BLOCK) {
        memcpy(to, from, sizeof(block));
    } else {
        memcpy(to, from, count * sizeof *to);
    }
}

static CNN_INLINE void add_block(cnn_real *restrict to, const cnn_real *restrict from)
{
    for (int c = 0; c < BLOCK; c++) {
        to[c] += from[c];
    }
}

/** out = B^T in, `in` having its positions `step` blocks apart. */
static CNN_INLINE void spread_line(const block *restrict in, size_t step, block *restrict out)
{
    const cnn_real sum = SQUARE_A + SQUARE_B;
    for (int c = 0; c < BLOCK; c++) {
        const cnn_real d0 = in[0][c], d1 = in[step][c], d2 = in[2 * step][c];
        const cnn_real d3 = in[3 * step][c], d4 = in[4 * step][c], d5 = in[5 * step][c];
        const cnn_real even_a = d4 - SQUARE_B * d2, odd_a = POINT_A * d3 - POINT_B * d1;
        const cnn_real even_b = d4 - SQUARE_A * d2, odd_b = POINT_B * d3 - POINT_A * d1;
        out[0][c] = d0 - sum * d2 + d4;
        out[1][c] = even_a + odd_a;
        out[2][c] = even_a - odd_a;
        out[3][c] = even_b + odd_b;
        out[4][c] = even_b - odd_b;
        out[5][c] = d1 - sum * d3 + d5;
    }
}

/** out = the scaled values of the polynomial with `size` coefficients. */
static CNN_INLINE void evaluate_line(int size, scale s, const block *restrict in, size_t step, block *restrict out)
{
    const cnn_real a = s.a * POINT_A, a2 = s.a * SQUARE_A, a3 = a * SQUARE_A, a4 = a2 * SQUARE_A;
    const cnn_real b = s.b * POINT_B, b2 = s.b * SQUARE_B, b3 = b * SQUARE_B, b4 = b2 * SQUARE_B;
    for (int c = 0; c < BLOCK; c++) {
        const cnn_real x0 = in[0][c], x1 = in[step][c];
        cnn_real even_a = s.a * x0, odd_a = a * x1, even_b = s.b * x0, odd_b = b * x1;
        if (size > 2) {
            const cnn_real x2 = in[2 * step][c];
            even_a += a2 * x2;
            even_b += b2 * x2;
        }
        if (size > 3) {
            const cnn_real x3 = in[3 * step][c];
            odd_a += a3 * x3;
            odd_b += b3 * x3;
        }
        if (size > 4) {
            const cnn_real x4 = in[4 * step][c];
            even_a += a4 * x4;
            even_b += b4 * x4;
        }
        out[0][c] = x0;
        out[1][c] = even_a + odd_a;
        out[2][c] = even_a - odd_a;
        out[3][c] = even_b + odd_b;
        out[4][c] = even_b - odd_b;
        out[5][c] = in[(size_t)(size - 1) * step][c];
    }
}

/** The adjoint of evaluate_line. */
static CNN_INLINE void collect_line(int size, scale s, const block *restrict in, size_t step, block *restrict out)
{
    const cnn_real a = s.a * POINT_A, a2 = s.a * SQUARE_A, a3 = a * SQUARE_A, a4 = a2 * SQUARE_A;
    const cnn_real b = s.b * POINT_B, b2 = s.b * SQUARE_B, b3 = b * SQUARE_B, b4 = b2 * SQUARE_B;
    for (int c = 0; c < BLOCK; c++) {
        const cnn_real even_a = in[step][c] + in[2 * step][c], odd_a = in[step][c] - in[2 * step][c];
        const cnn_real even_b = in[3 * step][c] + in[4 * step][c], odd_b = in[3 * step][c] - in[4 * step][c];
        const cnn_real last = in[5 * step][c];
        out[0][c] = in[0][c] + (s.a * even_a + s.b * even_b);
        out[1][c] = a * odd_a + b * odd_b + (size == 2 ? last : 0);
        if (size > 2) {
            out[2][c] = a2 * even_a + b2 * even_b + (size == 3 ? last : 0);
        }
        if (size > 3) {
            out[3][c] = a3 * odd_a + b3 * odd_b + (size == 4 ? last : 0);
        }
        if (size > 4) {
            out[4][c] = a4 * even_a + b4 * even_b + last;
        }
    }
}

CNN_HOT void cnn_winograd_spread(const cnn_real *const tile[CNN_WINOGRAD_PLANES], size_t channels, cnn_real *planes,
                                 size_t stride)
{
    const size_t count = channels < BLOCK ? channels : BLOCK;
    for (size_t done = 0; done < channels; done += BLOCK) {
        const size_t c = block_at(done, channels);
        block line[POINTS], middle[CNN_WINOGRAD_PLANES];
        for (int i = 0; i < POINTS; i++) {
            for (int j = 0; j < POINTS; j++) {
                load(line[j], tile[POINTS * i + j] + c, count);
            }
            spread_line(line, 1, &middle[(size_t)(POINTS * i)]);
        }
        for (int j = 0; j < POINTS; j++) {
            spread_line(middle + j, POINTS, line);
            for (int i = 0; i < POINTS; i++) {
                store(planes + (size_t)(POINTS * i + j) * stride + c, line[i], count);
            }
        }
    }
}

static CNN_INLINE void evaluate(int size, const cnn_real *const *tile, size_t channels, cnn_real *planes, size_t stride)
{
    const scale s = scale_of(size);
    const size_t count = channels < BLOCK ? channels : BLOCK;
    for (size_t done = 0; done < channels; done += BLOCK) {
        const size_t c = block_at(done, channels);
        block line[POINTS], middle[CNN_WINOGRAD_PLANES];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                load(line[j], tile[size * i + j] + c, count);
            }
            evaluate_line(size, s, line, 1, &middle[(size_t)(POINTS * i)]);
        }
        for (int j = 0; j < POINTS; j++) {
            evaluate_line(size, s, middle + j, POINTS, line);
            for (int i = 0; i < POINTS; i++) {
                store(planes + (size_t)(POINTS * i + j) * stride + c, line[i], count);
            }
        }
    }
}

static CNN_INLINE void collect(int size, const cnn_real *planes, size_t stride, size_t channels, const cnn_real *offset,
                               cnn_real *const *tile)
{
    const scale s = scale_of(size);
    const size_t count = channels < BLOCK ? channels : BLOCK;
    for (size_t done = 0; done < channels; done += BLOCK) {
        const size_t c = block_at(done, channels);
        block line[POINTS], middle[CNN_WINOGRAD_PLANES], add = {0};
        if (offset) {
            load(add, offset + c, count);
        }
        for (int i = 0; i < POINTS; i++) {
            for (int j = 0; j < POINTS; j++) {
                load(line[j], planes + (size_t)(POINTS * i + j) * stride + c, count);
            }
            collect_line(size, s, line, 1, &middle[(size_t)(POINTS * i)]);
        }
        for (int j = 0; j < size; j++) {
            collect_line(size, s, middle + j, POINTS, line);
            for (int i = 0; i < size; i++) {
                add_block(line[i], add);
                store(tile[size * i + j] + c, line[i], count);
            }
        }
    }
}

CNN_HOT void cnn_winograd_evaluate(int size, const cnn_real *const *tile, size_t channels, cnn_real *planes,
                                   size_t stride)
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

CNN_HOT void cnn_winograd_collect(int size, const cnn_real *planes, size_t stride, size_t channels,
                                  const cnn_real *offset, cnn_real *const *tile)
{
    switch (size) {
    case 2:
        collect(2, planes, stride, channels, offset, tile);
        break;
    case 3:
        collect(3, planes, stride, channels, offset, tile);
        break;
    case 4:
        collect(4, planes, stride, channels, offset, tile);
        break;
    default:
        collect(5, planes, stride, channels, offset, tile);
    }
}

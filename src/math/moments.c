/* What a network's arrays are like: sums and counts in double, for each instruction set level. Every column, or every
 * sixteenth number, has a sum of its own, and these are added in their order, so all levels give the same bits. */
#include "math/vector.h"

/** Columns whose sums stay in registers. */
#define CHUNK 16

/** cnn_vector_moments() of `count` columns, at most CHUNK, which are `stride` apart. */
static CNN_INLINE void add_chunk(const cnn_real *x, const size_t sizes[3], const cnn_real bounds[2],
                                 cnn_moments *moments, unsigned char *live)
{
    const size_t rows = sizes[0], stride = sizes[1], count = sizes[2];
    const cnn_real low = bounds[0], high = bounds[1];
    double sum[CHUNK] = {0}, squares[CHUNK] = {0}, zeros[CHUNK] = {0}, saturated[CHUNK] = {0};
    for (size_t r = 0; r < rows; r++, x += stride) {
        for (size_t c = 0; c < count; c++) {
            const double value = (double)x[c];
            sum[c] += value;
            squares[c] += value * value;
            zeros[c] += x[c] == 0 ? 1 : 0;
            saturated[c] += x[c] <= low ? 1 : x[c] >= high ? 1 : 0;
        }
    }
    for (size_t c = 0; c < count; c++) {
        moments->sum += sum[c];
        moments->squares += squares[c];
        moments->zeros += zeros[c];
        moments->saturated += saturated[c];
        live[c] |= zeros[c] < (double)rows;
    }
}

void cnn_vector_moments(const cnn_real *x, size_t rows, size_t columns, const cnn_real bounds[2], cnn_moments *moments,
                        unsigned char *live)
{
    size_t c = 0;
    *moments = (cnn_moments){0};
    for (; c + CHUNK <= columns; c += CHUNK) {
        add_chunk(x + c, (const size_t[]){rows, columns, CHUNK}, bounds, moments, live + c);
    }
    if (c < columns) {
        add_chunk(x + c, (const size_t[]){rows, columns, columns - c}, bounds, moments, live + c);
    }
}

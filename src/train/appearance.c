/* First sight: four figures of a picture's pixels, each of which has a range among the training images. A network's
 * outputs alone tell little of what is foreign to it where it is not sure of its own images either: see calibrate.c.
 *
 * With mean m and variance v of the pixels, and the differences d of neighbours to the right and below, the figures are
 * m / 255 (brightness), log(v + 1) (contrast), log((mean d^2 + 1) / (v + 1)) (roughness: noise has much, and a plain
 * area), and log((mean |d| + 0.1) / sqrt(mean d^2 + 0.1)) (evenness: drawings have few differences, and large ones).
 * Sums are of integers, and exact. */
#include "train/appearance.h"

#include <math.h>
#include <stdlib.h>

/** Of the training images so many are beyond either end of a figure's range. */
#define BEYOND 5e-4

typedef struct sums {
    uint64_t values, squares;        /* of the pixels */
    uint64_t differences, distances; /* of neighbours: squared, absolute */
} sums;

/** Adds a row of `count` pixels: at most 4096 * 3 of 255^2 fit 32 bits, which lets the loops become vectors. */
static void add_pixels(sums *total, const uint8_t *row, size_t count)
{
    uint32_t values = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        values += row[i];
        squares += (uint32_t)(row[i] * row[i]);
    }
    total->values += values;
    total->squares += squares;
}

/** Adds the differences of `count` pixels at `a` to those at `b`. */
static void add_differences(sums *total, const uint8_t *a, const uint8_t *b, size_t count)
{
    uint32_t squares = 0, distances = 0;
    for (size_t i = 0; i < count; i++) {
        const int difference = a[i] - b[i];
        squares += (uint32_t)(difference * difference);
        distances += (uint32_t)(difference < 0 ? -difference : difference);
    }
    total->differences += squares;
    total->distances += distances;
}

void cnn_appearance_measure(const uint8_t *pixels, cnn_shape shape, double figures[CNN_APPEARANCE_COUNT])
{
    const size_t channels = (size_t)shape.channels, height = (size_t)shape.height;
    const size_t row = (size_t)shape.width * channels;
    const double count = (double)(height * row);
    const double pairs = fmax((double)(height * (row - channels) + (height - 1) * row), 1);
    sums total = {0};
    for (size_t y = 0; y < height; y++) {
        const uint8_t *first = pixels + y * row;
        add_pixels(&total, first, row);
        add_differences(&total, first + channels, first, row - channels);
        if (y + 1 < height) {
            add_differences(&total, first + row, first, row);
        }
    }
    const double mean = (double)total.values / count, variance = (double)total.squares / count - mean * mean;
    const double square = (double)total.differences / pairs, distance = (double)total.distances / pairs;
    figures[0] = mean / 255;
    figures[1] = log1p(fmax(variance, 0));
    figures[2] = log1p(square) - figures[1];
    figures[3] = log((distance + 0.1) / sqrt(square + 0.1));
}

double cnn_appearance_margin(const double figures[CNN_APPEARANCE_COUNT], const double ranges[CNN_APPEARANCE_COUNT][2])
{
    double margin = INFINITY;
    for (int f = 0; f < CNN_APPEARANCE_COUNT; f++) {
        margin = fmin(margin, fmin(figures[f] - ranges[f][0], ranges[f][1] - figures[f]));
    }
    return margin;
}

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void cnn_sort_numbers(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, by_size);
}

bool cnn_appearance_fit(double *figures, int count, double ranges[CNN_APPEARANCE_COUNT][2])
{
    const int rank = (int)(BEYOND * (count + 1.0));
    for (int f = 0; f < CNN_APPEARANCE_COUNT && rank > 0; f++) {
        double *own = figures + (size_t)f * (size_t)count;
        cnn_sort_numbers(own, (size_t)count);
        ranges[f][0] = own[rank - 1];
        ranges[f][1] = own[count - rank];
    }
    return rank > 0;
}

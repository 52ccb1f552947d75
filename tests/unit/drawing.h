/* Digits drawn as photographs would show them, for the tests: strokes on a canvas, light, noise, a picture file. */
#ifndef CNN_TESTS_UNIT_DRAWING_H
#define CNN_TESTS_UNIT_DRAWING_H

#include "unit/picture.h"

#include <math.h>
#include <stdint.h>

enum { DRAWING_SIDE = 300 };

static file picture;
static double canvas[DRAWING_SIDE * DRAWING_SIDE]; /* reflectance, 0 to 1 */
static uint8_t bytes[DRAWING_SIDE * DRAWING_SIDE];
static int canvas_width, canvas_height;

/** Strokes as chains of points in a unit square; a negative x begins another. */
typedef struct point {
    double x, y;
} point;
static const point seven[] = {{0.1, 0}, {0.9, 0}, {0.4, 1}};
static const point five[] = {{0.2, 0},    {0.15, 0.45}, {0.6, 0.4}, {0.85, 0.65}, {0.7, 0.95},
                             {0.15, 0.9}, {-1, 0},      {0.35, 0},  {0.85, -0.05}};
#define COUNT(points) ((int)(sizeof(points) / sizeof(points)[0]))

/** Where and how a digit is drawn. */
typedef struct pen {
    double left, top, size, width; /* of the stroke, in pixels */
    double ink;
} pen;

static const pen usual = {100, 50, 90, 12, 0.2};

static void begin(int width, int height, double paper)
{
    canvas_width = width;
    canvas_height = height;
    for (int i = 0; i < width * height; i++) {
        canvas[i] = paper;
    }
}

static double distance(double x, double y, point a, point b)
{
    const double across = b.x - a.x, down = b.y - a.y;
    double along = ((x - a.x) * across + (y - a.y) * down) / (across * across + down * down);
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    return hypot(x - a.x - along * across, y - a.y - along * down);
}

static void draw(const point *points, int count, pen with)
{
    for (int y = 0; y < canvas_height; y++) {
        for (int x = 0; x < canvas_width; x++) {
            double nearest = 1e9;
            for (int i = 0; i + 1 < count; i++) {
                const point a = {with.left + with.size * points[i].x, with.top + with.size * points[i].y};
                const point b = {with.left + with.size * points[i + 1].x, with.top + with.size * points[i + 1].y};
                nearest = points[i].x < 0 || points[i + 1].x < 0 ? nearest : fmin(nearest, distance(x, y, a, b));
            }
            double *const at = &canvas[y * canvas_width + x];
            *at += (with.ink - *at) * fmax(0, fmin(1, with.width / 2 - nearest + 0.5));
        }
    }
}

static void fill(int left, int top, int right, int bottom, double value)
{
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            canvas[y * canvas_width + x] = value;
        }
    }
}

/** Light that falls off to the lower right, by half, and is weaker behind the edge of a shadow. */
static void light(double shadow)
{
    for (int y = 0; y < canvas_height; y++) {
        for (int x = 0; x < canvas_width; x++) {
            const double across = (double)x / canvas_width, down = (double)y / canvas_height;
            const double behind = 1 / (1 + exp(-(across + 0.4 * down - 0.75) / 0.01));
            canvas[y * canvas_width + x] *= (1 - 0.25 * across - 0.25 * down) * (1 - shadow * behind);
        }
    }
}

/** The picture file of the canvas, with noise of so many grey levels each way. */
static void develop(int noise)
{
    uint32_t seed = 1;
    for (int i = 0; i < canvas_width * canvas_height; i++) {
        seed = seed * 1664525u + 1013904223u;
        const double grey = 255 * canvas[i] + noise * ((seed >> 8) / 8388608.0 - 1);
        bytes[i] = (uint8_t)fmax(0, fmin(255, grey + 0.5));
    }
    make_png(&picture, canvas_width, canvas_height, 1, bytes);
}

#endif

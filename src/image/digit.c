/* From a picture to the ink of the digit in it. The picture is reduced where it is large. Ink is dark or light,
 * whichever makes the more conspicuous figure; what touches the border is cleared away first. */
#include "image/digit.h"

#include "base/memory.h"
#include "image/convert.h"
#include "image/figure.h"
#include "image/place.h"

#include <math.h>

/** The longest side of the picture that is searched. */
#define SIDE 256
/** How often the border is cleared: what drowned in the contrast of a page's edge may reach the border itself. */
#define CLEARINGS 8
/** What lies inside is the digit if it is as conspicuous as this share of what touched the border. */
#define LEFT 0.05

/** All that is needed for a picture, [height][width] each. */
typedef struct bench {
    cnn_picture picture; /* upright */
    cnn_plane contrast, ink;
    float *ground;
    uint8_t *weights;
    cnn_figure_room figure;
    uint8_t *kept; /* the figure's pixels */
} bench;

static void release(bench *b)
{
    cnn_free(b->picture.pixels);
    cnn_free(b->contrast.values);
    cnn_free(b->figure.queue);
}

static cnn_status reserve(bench *b, int width, int height, cnn_error *error)
{
    const size_t count = (size_t)width * (size_t)height;
    b->picture = (cnn_picture){cnn_alloc(count, 4), width, height, 1, width};
    b->contrast = b->ink = (cnn_plane){cnn_alloc(count, 3 * sizeof(float)), width, height};
    b->figure.queue = cnn_alloc(count, sizeof(int));
    if (b->picture.pixels == NULL || b->contrast.values == NULL || b->figure.queue == NULL) {
        return cnn_fail_memory(error);
    }
    b->ink.values += count;
    b->ground = b->ink.values + count;
    b->weights = b->picture.pixels + count;
    b->figure.marks = b->weights + count;
    b->kept = b->figure.marks + count;
    return CNN_OK;
}

/** The picture at the size that is searched, as it is stored; picture->pixels is to be freed. */
static cnn_status reduce(const cnn_picture *picture, cnn_picture *out, cnn_error *error)
{
    const int longer = picture->width > picture->height ? picture->width : picture->height;
    *out = *picture;
    if (longer > SIDE) {
        out->width = (int)(((int64_t)picture->width * SIDE + longer / 2) / longer);
        out->height = (int)(((int64_t)picture->height * SIDE + longer / 2) / longer);
        out->width = out->width < 1 ? 1 : out->width;
        out->height = out->height < 1 ? 1 : out->height;
    }
    out->stride = out->width;
    out->pixels = cnn_alloc((size_t)out->height, (size_t)out->width);
    if (out->pixels == NULL) {
        return cnn_fail_memory(error);
    }
    if (longer > SIDE) {
        return cnn_stb_resize(picture, out, error);
    }
    cnn_orient(picture, 1, 1, out->pixels);
    return CNN_OK;
}

/* ---- finding */

/** How dark the ink is: the mean contrast of the darker half of what is kept. */
static float full_ink(const cnn_plane *contrast, const uint8_t *kept)
{
    const size_t count = (size_t)contrast->width * (size_t)contrast->height;
    float least = 0;
    double mean = 0;
    for (int round = 0; round < 2; round++) {
        double sum = 0, pixels = 0;
        for (size_t i = 0; i < count; i++) {
            const bool counts = kept[i] && contrast->values[i] >= least;
            sum += counts ? (double)contrast->values[i] : 0;
            pixels += counts;
        }
        mean = sum / pixels;
        least = (float)mean;
    }
    return (float)mean;
}

/** Keeps what lies `steps` pixels around the digit, too, where its ink fades; other parts' pixels, from `threshold` on,
 * are not taken. */
static void widen(const cnn_plane *contrast, float threshold, int steps, uint8_t *kept)
{
    const int width = contrast->width, height = contrast->height;
    for (int step = 1; step <= steps; step++) {
        for (int i = 0; i < width * height; i++) {
            const int x = i % width, y = i / width;
            if (kept[i] || contrast->values[i] >= threshold) {
                continue;
            }
            const bool beside = (x > 0 && kept[i - 1] && kept[i - 1] <= step) ||
                                (x + 1 < width && kept[i + 1] && kept[i + 1] <= step) ||
                                (y > 0 && kept[i - width] && kept[i - width] <= step) ||
                                (y + 1 < height && kept[i + width] && kept[i + width] <= step);
            kept[i] = beside ? (uint8_t)(step + 1) : 0;
        }
    }
}

/** Finds the figure of dark ink (sign -1) or light (1): its pixels in b->kept, its contrast in b->contrast. Returns the
 * threshold, 0 where there is none. What touches the border goes first, and with it what has drowned the digit; unless
 * little is left, as of a digit that is cut tightly. */
static float find_figure(bench *b, int sign, float *noise)
{
    const size_t count = (size_t)b->picture.width * (size_t)b->picture.height;
    double cleared = 0, last = 1;
    *noise = cnn_ink_contrast(&b->picture, b->ground, sign, b->contrast.values);
    float threshold = cnn_ink_threshold(b->contrast.values, count, *noise);
    for (int i = 0; i < CLEARINGS && last > 0 && threshold > 0; i++) {
        last = cnn_figure_clear_border(&b->contrast, threshold, &b->figure);
        cleared += last;
        threshold = last > 0 ? cnn_ink_threshold(b->contrast.values, count, *noise) : threshold;
    }
    if (threshold > 0 && cnn_figure_find(&b->contrast, threshold, &b->figure, b->kept) > LEFT * cleared) {
        return threshold;
    }
    *noise = cnn_ink_contrast(&b->picture, b->ground, sign, b->contrast.values);
    threshold = cnn_ink_threshold(b->contrast.values, count, *noise);
    return threshold > 0 && cnn_figure_find(&b->contrast, threshold, &b->figure, b->kept) > 0 ? threshold : 0;
}

/** The ink of the figure in b->kept, 0 to 1, into b->ink. */
static void take_ink(bench *b, float threshold, float noise)
{
    const size_t count = (size_t)b->picture.width * (size_t)b->picture.height;
    const int longer = b->picture.width > b->picture.height ? b->picture.width : b->picture.height;
    const float full = full_ink(&b->contrast, b->kept), faint = noise < threshold / 4 ? 0 : noise / 2;
    widen(&b->contrast, threshold, 2 + longer / 100, b->kept);
    for (size_t i = 0; i < count; i++) {
        const float ink = b->kept[i] ? (b->contrast.values[i] - faint) / (full - faint) : 0;
        b->ink.values[i] = ink < 0 ? 0 : ink > 1 ? 1 : ink;
    }
}

/** The digit's ink, 0 to 1, into b->ink: of dark ink or light, whichever differs more from its ground. False where
 * there is none. */
static bool find(bench *b)
{
    const size_t count = (size_t)b->picture.width * (size_t)b->picture.height;
    double most = 0;
    cnn_ink_ground(&b->picture, b->weights, b->ground);
    for (int sign = -1; sign <= 1; sign += 2) {
        float noise;
        const float threshold = find_figure(b, sign, &noise);
        double weight = 0;
        for (size_t i = 0; i < count; i++) {
            /* NOLINTNEXTLINE: reserve() has made room for both */
            weight += threshold > 0 && b->kept[i] ? fabs(b->picture.pixels[i] - (double)b->ground[i]) : 0;
        }
        if (weight > most) {
            most = weight;
            take_ink(b, threshold, noise);
        }
    }
    return most > 0;
}

cnn_status cnn_digit_fit(const cnn_picture *picture, int orientation, cnn_shape shape, bool *found, uint8_t *out,
                         cnn_error *error)
{
    cnn_picture small = {0};
    bench b = {0};
    cnn_status status = reduce(picture, &small, error);
    if (status == CNN_OK) {
        const bool turned = orientation >= 5;
        status = reserve(&b, turned ? small.height : small.width, turned ? small.width : small.height, error);
    }
    if (status == CNN_OK) {
        cnn_orient(&small, orientation, 1, b.picture.pixels);
        *found = find(&b);
        status = *found ? cnn_ink_place(&b.ink, b.contrast.values, shape, out, error) : CNN_OK;
    }
    release(&b);
    cnn_free(small.pixels);
    return status;
}

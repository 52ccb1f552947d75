/* Augmentation. What happens to an image is drawn first, in a fixed order; then one pass moves the pixels (whole rows
 * where they only shift or flip, bilinear sampling where they do more), one maps their values, and the last ones write
 * over some.
 *
 * - Alternating flip (Jordan 2024, arXiv 2404.00498): an image is flipped or not at random in the first epoch, and from
 *   then on in every other epoch, so that any two epochs in a row show both sides of all images.
 * - Cutout (DeVries and Taylor 2017, arXiv 1708.04552) sets a square to zero.
 * - Random erasing (Zhong et al. 2017, arXiv 1708.04896) fills a rectangle of 2% to 40% of the image, its height 0.3 to
 *   1 / 0.3 times its width, with noise. Ratios are drawn as likely wide as tall, that is their logarithms uniformly,
 *   and a side longer than the image's is cut to it instead of drawn again. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

#define ERASE_LEAST 0.02
#define ERASE_MOST 0.4
#define ERASE_RATIO 0.3

/** What was drawn for one image. */
typedef struct choice {
    bool flip;
    double angle, size; /* radians; 1 is the image's own size */
    double lean;        /* pixels to the right for each row upwards */
    int across, down;   /* shift in pixels, to the right and down */
    const float *field; /* [2][height][width] each pixel's own shift besides, NULL: none */
    double brightness, contrast;
    int cutout_x, cutout_y; /* centre */
    bool erase;
    int erase_x, erase_y, erase_width, erase_height; /* left, top */
} choice;

/** Uniform in -reach .. reach. */
static double draw_around(cnn_random *random, double reach)
{
    return reach * (2 * cnn_random_uniform(random) - 1);
}

static int draw_shift(cnn_random *random, int most)
{
    return (int)cnn_random_below(random, 2 * (uint32_t)most + 1) - most;
}

static bool draw_flip(const cnn_augmentation *a, cnn_showing showing, cnn_random *random)
{
    if (a->flip && a->alternate) {
        cnn_random first = cnn_random_at(showing.seed, CNN_RANDOM_FLIP, 0, (uint64_t)showing.index);
        return (cnn_random_below(&first, 2) == 1) != (showing.epoch % 2 == 1);
    }
    return a->flip && cnn_random_below(random, 2) == 1;
}

/** What moves pixels. */
static void draw_motion(const cnn_augmentation *a, cnn_random *random, choice *drawn)
{
    const double pi = 3.14159265358979323846;
    if (a->rotate > 0) {
        drawn->angle = draw_around(random, a->rotate) * pi / 180;
    }
    if (a->scale > 0) {
        drawn->size = 1 + draw_around(random, a->scale);
    }
    if (a->shear > 0) {
        drawn->lean = tan(draw_around(random, a->shear) * pi / 180);
    }
    if (a->shift > 0) {
        drawn->across = draw_shift(random, a->shift);
        drawn->down = draw_shift(random, a->shift);
    }
}

/** A side of the rectangle to erase: at least 1, at most the image's. */
static int side_of(double length, int most)
{
    const int side = (int)(length + 0.5);
    return side < 1 ? 1 : side < most ? side : most;
}

static void draw_erasing(const cnn_augmentation *a, cnn_shape shape, cnn_random *random, choice *drawn)
{
    drawn->erase = cnn_random_uniform(random) < a->erase;
    const double share = ERASE_LEAST + (ERASE_MOST - ERASE_LEAST) * cnn_random_uniform(random);
    const double area = share * shape.height * shape.width, ratio = exp(draw_around(random, log(ERASE_RATIO)));
    drawn->erase_height = side_of(sqrt(area * ratio), shape.height);
    drawn->erase_width = side_of(sqrt(area / ratio), shape.width);
    drawn->erase_x = (int)cnn_random_below(random, (uint32_t)(shape.width - drawn->erase_width) + 1);
    drawn->erase_y = (int)cnn_random_below(random, (uint32_t)(shape.height - drawn->erase_height) + 1);
}

static choice draw(const cnn_augmentation *a, cnn_shape shape, cnn_showing showing, cnn_random *random)
{
    choice drawn = {.size = 1, .contrast = 1};
    drawn.flip = draw_flip(a, showing, random);
    draw_motion(a, random, &drawn);
    if (a->brightness > 0) {
        drawn.brightness = draw_around(random, a->brightness);
    }
    if (a->contrast > 0) {
        drawn.contrast = 1 + draw_around(random, a->contrast);
    }
    if (a->cutout > 0) {
        drawn.cutout_x = (int)cnn_random_below(random, (uint32_t)shape.width);
        drawn.cutout_y = (int)cnn_random_below(random, (uint32_t)shape.height);
    }
    if (a->erase > 0) {
        draw_erasing(a, shape, random, &drawn);
    }
    return drawn;
}

/** Where pixel `at` of 0 .. count - 1 comes from when it may lie outside: -1 is nowhere. */
static int fold(int at, int count, bool reflect)
{
    if (at >= 0 && at < count) {
        return at;
    }
    if (!reflect) {
        return -1;
    }
    if (count == 1) {
        return 0;
    }
    const int period = 2 * (count - 1);
    at %= period;
    at = at < 0 ? at + period : at;
    return at < count ? at : period - at;
}

/** One row of a shifted image: out[x] = in[x - across], with in mirrored first if it is flipped. */
static void shift_row(const choice *drawn, bool reflect, cnn_shape shape, const uint8_t *in, uint8_t *out)
{
    const int width = shape.width, across = drawn->across;
    const size_t pixel = (size_t)shape.channels;
    const int first = across > 0 ? (across < width ? across : width) : 0;         /* inside from here */
    const int last = across < 0 ? (-across < width ? width + across : 0) : width; /* to here */
    for (int x = 0; x < width; x++) {
        if (x == first && first < last && !drawn->flip) {
            memcpy(out + (size_t)x * pixel, in + (size_t)(x - across) * pixel, (size_t)(last - first) * pixel);
            x = last;
            if (x == width) {
                break;
            }
        }
        int from = fold(x - across, width, reflect);
        if (from < 0) {
            memset(out + (size_t)x * pixel, 0, pixel);
            continue;
        }
        from = drawn->flip ? width - 1 - from : from;
        for (size_t c = 0; c < pixel; c++) {
            out[(size_t)x * pixel + c] = in[(size_t)from * pixel + c];
        }
    }
}

static void shift(const choice *drawn, bool reflect, cnn_shape shape, const uint8_t *in, uint8_t *out)
{
    const size_t row = (size_t)shape.width * (size_t)shape.channels;
    for (int y = 0; y < shape.height; y++) {
        const int from = fold(y - drawn->down, shape.height, reflect);
        if (from < 0) {
            memset(out + (size_t)y * row, 0, row);
        } else {
            shift_row(drawn, reflect, shape, in + (size_t)from * row, out + (size_t)y * row);
        }
    }
}

/** The largest integer not above x; floor() is a call on the baseline x86-64. */
static int round_down(double x)
{
    const int truncated = (int)x;
    return truncated - (x < truncated);
}

/** The value between the four pixels around (x, y) into out[channels]. */
static void sample(double x, double y, bool reflect, cnn_shape shape, const uint8_t *in, uint8_t *out)
{
    const int left = round_down(x), top = round_down(y);
    const float right_share = (float)(x - left), bottom_share = (float)(y - top);
    const float across[2] = {1 - right_share, right_share}, down[2] = {1 - bottom_share, bottom_share};
    float sums[3] = {0};
    for (int j = 0; j < 2; j++) {
        const int row = fold(top + j, shape.height, reflect);
        for (int i = 0; row >= 0 && i < 2; i++) {
            const int column = fold(left + i, shape.width, reflect);
            if (column < 0) {
                continue;
            }
            const uint8_t *const pixel = in + ((ptrdiff_t)row * shape.width + column) * shape.channels;
            for (int c = 0; c < shape.channels; c++) {
                sums[c] += across[i] * down[j] * (float)pixel[c];
            }
        }
    }
    for (int c = 0; c < shape.channels; c++) {
        out[c] = (uint8_t)(sums[c] + 0.5f);
    }
}

/** Each pixel looks back to where it comes from: its own shift and the image's, then scale, rotation, shear and flip,
 * all undone about the centre. */
static void warp(const choice *drawn, bool reflect, cnn_shape shape, const uint8_t *in, uint8_t *out)
{
    const double centre_x = (shape.width - 1) / 2.0, centre_y = (shape.height - 1) / 2.0;
    const double cosine = cos(drawn->angle) / drawn->size, sine = sin(drawn->angle) / drawn->size;
    const float *across = drawn->field, *down = across ? across + (size_t)shape.height * (size_t)shape.width : NULL;
    for (int y = 0; y < shape.height; y++) {
        for (int x = 0; x < shape.width; x++) {
            double u = x - drawn->across - centre_x, v = y - drawn->down - centre_y;
            if (across) {
                u -= (double)*across++;
                v -= (double)*down++;
            }
            const double from_y = centre_y - sine * u + cosine * v;
            const double turned = cosine * u + sine * v + drawn->lean * (from_y - centre_y);
            sample(centre_x + (drawn->flip ? -turned : turned), from_y, reflect, shape, in, out);
            out += shape.channels;
        }
    }
}

/** value -> mean + contrast * (value - mean) + brightness, kept within 0 .. 255. */
static void adjust(const choice *drawn, size_t size, uint8_t *pixels)
{
    uint8_t table[256];
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += pixels[i];
    }
    const double mean = (double)sum / (double)size;
    for (int value = 0; value < 256; value++) {
        const double changed = mean + drawn->contrast * (value - mean) + 255 * drawn->brightness;
        table[value] = (uint8_t)(changed < 0 ? 0 : changed > 255 ? 255 : changed + 0.5);
    }
    for (size_t i = 0; i < size; i++) {
        pixels[i] = table[pixels[i]];
    }
}

static void cut_out(const choice *drawn, int side, cnn_shape shape, uint8_t *pixels)
{
    const int x = drawn->cutout_x - side / 2, y = drawn->cutout_y - side / 2;
    const int left = x < 0 ? 0 : x, right = side < shape.width - x ? x + side : shape.width;
    const int top = y < 0 ? 0 : y, bottom = side < shape.height - y ? y + side : shape.height;
    for (int row = top; row < bottom; row++) {
        memset(pixels + ((ptrdiff_t)row * shape.width + left) * shape.channels, 0,
               (size_t)(right - left) * (size_t)shape.channels);
    }
}

static void erase(const choice *drawn, cnn_shape shape, cnn_random *random, uint8_t *pixels)
{
    const size_t pixel = (size_t)shape.channels, count = (size_t)drawn->erase_width * pixel;
    for (int row = drawn->erase_y; row < drawn->erase_y + drawn->erase_height; row++) {
        uint8_t *const out = pixels + ((size_t)row * (size_t)shape.width + (size_t)drawn->erase_x) * pixel;
        uint32_t word = 0;
        for (size_t i = 0; i < count; i++) {
            word = i % 4 == 0 ? cnn_random_word(random) : word >> 8;
            out[i] = (uint8_t)word;
        }
    }
}

/** Whether pixels may come from between others. */
static bool warps(const cnn_augmentation *a)
{
    return a->rotate > 0 || a->scale > 0 || a->shear > 0 || a->elastic.alpha > 0;
}

size_t cnn_augment_room(const cnn_augmentation *augmentation, cnn_shape shape)
{
    return augmentation->elastic.alpha > 0 ? cnn_elastic_room(&augmentation->elastic, shape) : 0;
}

void cnn_augment(const cnn_augmentation *augmentation, cnn_shape shape, cnn_showing showing, float *room,
                 const uint8_t *in, uint8_t *out)
{
    const cnn_augmentation *a = augmentation;
    cnn_random random =
        cnn_random_at(showing.seed, CNN_RANDOM_AUGMENT, (uint32_t)showing.epoch, (uint64_t)showing.index);
    choice drawn = draw(a, shape, showing, &random);
    if (a->elastic.alpha > 0) {
        cnn_elastic_draw(&a->elastic, shape, &random, room);
        drawn.field = room;
    }
    if (warps(a)) {
        warp(&drawn, a->reflect, shape, in, out);
    } else {
        shift(&drawn, a->reflect, shape, in, out);
    }
    if (a->brightness > 0 || a->contrast > 0) {
        adjust(&drawn, (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels, out);
    }
    if (a->cutout > 0) {
        cut_out(&drawn, a->cutout, shape, out);
    }
    if (drawn.erase) {
        erase(&drawn, shape, &random, out);
    }
}

void cnn_move_pixels(const cnn_move *move, cnn_shape shape, const uint8_t *in, uint8_t *out)
{
    const choice chosen = {.flip = move->flip, .across = move->across, .down = move->down};
    shift(&chosen, true, shape, in, out);
}

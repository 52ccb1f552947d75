/* Charts as pixels, two a unit. Lines and letters are strokes of a round pen: a pixel is covered as far as its centre
 * lies within the pen's half width, plus half a pixel. A line is first gathered in a mask, where the most coverage
 * counts, and then laid on the picture at once: so its joints are no darker than the rest. */
#include "base/memory.h"
#include "image/png_write.h"
#include "report/canvas.h"
#include "report/font.h"

#include <math.h>
#include <string.h>

#define SCALE 2
/** The least length of a dash or a gap, so that a pattern always comes to an end. */
#define LEAST_DASH 0.5

/** Pixels that have been touched: from (left, top) to before (right, bottom). */
typedef struct box {
    int left, top, right, bottom;
} box;

struct cnn_canvas {
    cnn_picture picture;
    uint8_t *mask; /* [height][width] coverage by the line under way */
    box touched;   /* of the mask; the rest is zero */
    double half;   /* half the pen's width */
};

static const box nothing = {1 << 30, 1 << 30, 0, 0};

static void release(cnn_canvas *canvas)
{
    if (canvas != NULL) {
        cnn_free(canvas->picture.pixels);
        cnn_free(canvas->mask);
        cnn_free(canvas);
    }
}

static cnn_canvas *open(int width, int height)
{
    cnn_canvas *const canvas = cnn_alloc(1, sizeof *canvas);
    if (canvas == NULL) {
        return NULL;
    }
    const cnn_picture picture = {NULL, SCALE * width, SCALE * height, 3, 3 * SCALE * width};
    canvas->picture = picture;
    canvas->touched = nothing;
    canvas->picture.pixels = cnn_alloc((size_t)picture.height, (size_t)picture.stride);
    canvas->mask = cnn_alloc((size_t)picture.height, (size_t)picture.width);
    if (canvas->picture.pixels == NULL || canvas->mask == NULL) {
        release(canvas);
        return NULL;
    }
    memset(canvas->picture.pixels, 0xff, (size_t)picture.height * (size_t)picture.stride);
    return canvas;
}

/* ---- the mask */

/** The whole part of `value`, within 0 .. limit. */
static int within(double value, int limit)
{
    return value < 0 ? 0 : value > limit ? limit : (int)value;
}

/** The distance of a point from the line between two others. */
static double distance(cnn_point point, cnn_point from, cnn_point to)
{
    const double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
    double along = length > 0 ? ((point.x - from.x) * dx + (point.y - from.y) * dy) / length : 0;
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    const double x = point.x - from.x - along * dx, y = point.y - from.y - along * dy;
    return sqrt(x * x + y * y);
}

/** The part of 0 .. 1 of a straight piece that lies between `low` and `high`, of its coordinate from `from` to `to`. */
static void clip(double from, double to, double low, double high, double part[2])
{
    const double first = (low - from) / (to - from), second = (high - from) / (to - from);
    part[0] = fmin(fmax(fmin(first, second), 0), 1);
    part[1] = fmin(fmax(fmax(first, second), 0), 1);
}

/** Adds one row of a straight piece to the mask: only those pixels are looked at that have it within reach. */
static void cover_row(cnn_canvas *canvas, cnn_point from, cnn_point to, int y)
{
    const double edge = canvas->half + 1;
    double part[2] = {0, 1};
    if (fabs(to.y - from.y) > edge) {
        clip(from.y, to.y, y + 0.5 - edge, y + 0.5 + edge, part);
    }
    const double first = from.x + part[0] * (to.x - from.x), second = from.x + part[1] * (to.x - from.x);
    const int left = within(fmin(first, second) - edge, canvas->picture.width);
    const int right = within(fmax(first, second) + edge + 1, canvas->picture.width);
    uint8_t *const row = canvas->mask + (ptrdiff_t)y * canvas->picture.width;
    for (int x = left; x < right; x++) {
        const double inside = canvas->half + 0.5 - distance((cnn_point){x + 0.5, y + 0.5}, from, to);
        const int coverage = inside <= 0 ? 0 : inside >= 1 ? 255 : (int)(inside * 255 + 0.5);
        row[x] = coverage > row[x] ? (uint8_t)coverage : row[x];
    }
    box *const all = &canvas->touched;
    all->left = left < all->left ? left : all->left;
    all->right = right > all->right ? right : all->right;
}

/** Adds a straight piece, in pixels, to the mask. */
static void cover(cnn_canvas *canvas, cnn_point from, cnn_point to)
{
    const double edge = canvas->half + 1;
    const int top = within(fmin(from.y, to.y) - edge, canvas->picture.height);
    const int bottom = within(fmax(from.y, to.y) + edge + 1, canvas->picture.height);
    for (int y = top; y < bottom; y++) {
        cover_row(canvas, from, to, y);
    }
    box *const all = &canvas->touched;
    all->top = top < all->top ? top : all->top;
    all->bottom = bottom > all->bottom ? bottom : all->bottom;
}

/** Lays the mask on the picture and clears it: pixel = (coverage colour + (255 - coverage) pixel) / 255. */
static void lay(cnn_canvas *canvas, uint32_t colour)
{
    const box area = canvas->touched;
    for (int y = area.top; y < area.bottom; y++) {
        uint8_t *const row = canvas->mask + (ptrdiff_t)y * canvas->picture.width;
        for (int x = area.left; x < area.right; x++) {
            uint8_t *const pixel = canvas->picture.pixels + (ptrdiff_t)y * canvas->picture.stride + 3 * (ptrdiff_t)x;
            for (int c = 0; row[x] > 0 && c < 3; c++) {
                const int wanted = (int)(colour >> (16 - 8 * c) & 0xff);
                pixel[c] = (uint8_t)((row[x] * wanted + (255 - row[x]) * pixel[c] + 127) / 255);
            }
            row[x] = 0;
        }
    }
    canvas->touched = nothing;
}

/* ---- lines */

static cnn_point scaled(cnn_point point)
{
    return (cnn_point){SCALE * point.x, SCALE * point.y};
}

/** Where in a dash pattern a line is. */
typedef struct dash {
    const cnn_stroke *stroke;
    int index;   /* even: drawn */
    double left; /* of this length */
} dash;

static void next_dash(dash *at)
{
    const int next = at->index + 1;
    at->index = next < CNN_DASHES && at->stroke->dashes[next] > 0 ? next : 0;
    at->left = fmax(at->stroke->dashes[at->index], LEAST_DASH);
}

/** Adds the dashes on a straight piece, in units, to the mask. */
static void cover_dashes(cnn_canvas *canvas, cnn_point from, cnn_point to, dash *at)
{
    const double length = hypot(to.x - from.x, to.y - from.y);
    for (double done = 0; done < length;) {
        const double step = fmin(at->left, length - done);
        const double begin = done / length, end = (done + step) / length;
        if (at->index % 2 == 0) {
            cover(canvas, scaled((cnn_point){from.x + begin * (to.x - from.x), from.y + begin * (to.y - from.y)}),
                  scaled((cnn_point){from.x + end * (to.x - from.x), from.y + end * (to.y - from.y)}));
        }
        done = at->left < length - done ? done + step : length;
        at->left -= step;
        if (at->left <= 0) {
            next_dash(at);
        }
    }
}

static void draw_line(cnn_canvas *canvas, const cnn_point *points, size_t count, const cnn_stroke *stroke)
{
    dash at = {stroke, 0, fmax(stroke->dashes[0], LEAST_DASH)};
    canvas->half = SCALE * stroke->width / 2;
    if (count == 1) {
        cover(canvas, scaled(points[0]), scaled(points[0]));
    }
    for (size_t i = 1; i < count; i++) {
        if (stroke->dashes[0] > 0) {
            cover_dashes(canvas, points[i - 1], points[i], &at);
        } else {
            cover(canvas, scaled(points[i - 1]), scaled(points[i]));
        }
    }
    lay(canvas, stroke->colour);
}

/* ---- text */

/** A label under way. */
typedef struct writing {
    cnn_canvas *canvas;
    const cnn_label *label;
    double along; /* of the baseline, in units */
} writing;

/** From a character's place to pixels. */
static cnn_point place(const writing *at, cnn_point point)
{
    const double x = at->along + at->label->size * point.x, y = at->label->size * point.y;
    const cnn_point origin = at->label->at;
    return scaled(at->label->upwards ? (cnn_point){origin.x + y, origin.y - x}
                                     : (cnn_point){origin.x + x, origin.y + y});
}

static void write_stroke(void *context, cnn_point from, cnn_point to)
{
    const writing *const at = context;
    cover(at->canvas, place(at, from), place(at, to));
}

static void write_text(writing *at, const char *text, size_t length)
{
    double width;
    for (size_t i = 0, bytes; i < length; i += bytes) {
        bytes = cnn_font_character(text + i, length - i, &width);
        cnn_font_draw(text + i, write_stroke, at);
        at->along += at->label->size * width;
    }
}

static void draw_label(cnn_canvas *canvas, const cnn_label *label)
{
    static const double before[] = {0, 0.5, 1}; /* of the width, by anchor */
    const size_t more = label->cut ? strlen(CNN_FONT_ELLIPSIS) : 0;
    const double width =
        cnn_font_width(label->text, label->length, label->size) + cnn_font_width(CNN_FONT_ELLIPSIS, more, label->size);
    writing at = {canvas, label, -width * before[label->anchor]};
    canvas->half = SCALE * label->size * (label->bold ? CNN_FONT_PEN_BOLD : CNN_FONT_PEN) / 2;
    write_text(&at, label->text, label->length);
    write_text(&at, CNN_FONT_ELLIPSIS, more);
    lay(canvas, label->colour);
}

static cnn_status finish(cnn_canvas *canvas, unsigned char **bytes, size_t *size, cnn_error *error)
{
    return cnn_png_encode(&canvas->picture, bytes, size, error);
}

const cnn_canvas_kind cnn_canvas_png = {".png", open, draw_line, draw_label, finish, release};

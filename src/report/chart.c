/* Charts of curves: one layout for all kinds of files. From outside to inside: title, legend at the right, labels of
 * the axes, numbers at the ticks, and what is left is the plot. */
#include "base/file.h"
#include "base/memory.h"
#include "report/axis.h"
#include "report/canvas.h"
#include "report/font.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define WIDTH 960
#define HEIGHT 600
#define MOST_CURVES 200

/* Sizes of text. */
#define TITLE_SIZE 18
#define LABEL_SIZE 14
#define TICK_SIZE 12
#define NAME_SIZE 13
/** How much wider a viewer's bold letters may be than ours. */
#define BOLD_WIDTH 1.2

/* Distances. */
#define EDGE 20
#define GAP 8
#define TICK_LENGTH 5
#define NAME_HEIGHT 21
#define NAME_WIDTH 300 /* what `cnn compare` calls a curve: "input.scale=standardize-pixels lr=0.003" */
#define SAMPLE 34      /* of a curve in the legend */
#define LEGEND_GAP 24
#define LINE_HEIGHT 1.5 /* of a size of text */
#define MIDDLE 0.35     /* from the baseline to a text's middle, of its size */

#define X_MARGIN 0.02
#define Y_MARGIN 0.05
#define X_TICKS 10
#define Y_TICKS 8

/* Colours: grey for all but the curves. */
#define TEXT_COLOUR 0x222222u
#define AXIS_COLOUR 0x444444u
#define GRID_COLOUR 0xddddddu
#define FINE_COLOUR 0xf0f0f0u

#define CURVE_WIDTH 2
#define DOT_WIDTH 6

/** Colours that people with any kind of colour vision can tell apart, but for the palest: M. Okabe and K. Ito, "Color
 * universal design", 2008; see also B. Wong, "Points of view: Color blindness", Nature Methods 8, 441 (2011). */
static const uint32_t palette[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000};
#define COLOURS ((int)(sizeof palette / sizeof palette[0]))

/** What tells curves of one colour apart. */
static const double dashes[][CNN_DASHES] = {{0}, {7, 6}, {0.5, 5}, {10, 5, 0.5, 5}};
#define DASHES ((int)(sizeof dashes / sizeof dashes[0]))

/** A chart under way. */
typedef struct plot {
    const cnn_chart *chart;
    const cnn_canvas_kind *kind;
    cnn_canvas *canvas;
    int height;
    double left, right, top, bottom; /* of the rectangle that the curves are in */
    cnn_axis x, y;
    bool empty; /* no point can be drawn */
    cnn_tick x_ticks[CNN_AXIS_TICKS], y_ticks[CNN_AXIS_TICKS];
    int x_count, y_count;
    cnn_point *points; /* room for the longest curve */
} plot;

static bool is_said(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- layout */

static double legend_width(const cnn_chart *chart, int *names)
{
    double width = 0;
    *names = 0;
    for (int i = 0; i < chart->curve_count; i++) {
        const char *const name = chart->curves[i].name;
        if (is_said(name)) {
            width = fmax(width, fmin(cnn_font_width(name, strlen(name), NAME_SIZE), NAME_WIDTH));
            ++*names;
        }
    }
    return *names > 0 ? LEGEND_GAP + SAMPLE + GAP + width : 0;
}

static void measure_axes(plot *on)
{
    const cnn_chart *const chart = on->chart;
    on->x = cnn_axis_new(false);
    on->y = cnn_axis_new(chart->log_y);
    for (int i = 0; i < chart->curve_count; i++) {
        const cnn_curve *const curve = &chart->curves[i];
        for (int j = 0; j < curve->count; j++) {
            if (cnn_axis_shows(&on->x, curve->x[j]) && cnn_axis_shows(&on->y, curve->y[j])) {
                cnn_axis_add(&on->x, curve->x[j]);
                cnn_axis_add(&on->y, curve->y[j]);
            }
        }
    }
    on->empty = on->x.low > on->x.high;
    on->y.whole = false; /* a loss of 0 and of 1 asks for numbers between them, an epoch does not */
    cnn_axis_settle(&on->x, X_MARGIN);
    cnn_axis_settle(&on->y, Y_MARGIN);
}

static double widest(const cnn_tick *ticks, int count)
{
    double width = 0;
    for (int i = 0; i < count; i++) {
        width = fmax(width, cnn_font_width(ticks[i].label, strlen(ticks[i].label), TICK_SIZE));
    }
    return width;
}

static void lay_out(plot *on)
{
    const cnn_chart *const chart = on->chart;
    int names;
    measure_axes(on);
    on->right = WIDTH - EDGE - legend_width(chart, &names);
    on->top = EDGE + (is_said(chart->title) ? LINE_HEIGHT * TITLE_SIZE + GAP : 0);
    const int listed = (int)on->top + names * NAME_HEIGHT + EDGE;
    on->height = listed > HEIGHT ? listed : HEIGHT;
    on->bottom = on->height - EDGE - LINE_HEIGHT * TICK_SIZE - (is_said(chart->x_label) ? LINE_HEIGHT * LABEL_SIZE : 0);
    on->y_count = cnn_axis_ticks(&on->y, Y_TICKS, on->y_ticks);
    on->left = EDGE + (is_said(chart->y_label) ? LINE_HEIGHT * LABEL_SIZE : 0) + widest(on->y_ticks, on->y_count) +
               TICK_LENGTH + GAP;
    for (int most = X_TICKS; most >= 2; most--) {
        on->x_count = cnn_axis_ticks(&on->x, most, on->x_ticks);
        if (on->x_count * (widest(on->x_ticks, on->x_count) + 2 * TICK_SIZE) <= on->right - on->left) {
            break;
        }
    }
}

static double x_at(const plot *on, double place)
{
    return on->left + place * (on->right - on->left);
}

static double y_at(const plot *on, double place)
{
    return on->bottom - place * (on->bottom - on->top);
}

/* ---- drawing */

/** The middle of a pixel, where a thin line is sharp. */
static double sharp(double at)
{
    return floor(at) + 0.5;
}

static void draw_straight(const plot *on, cnn_point from, cnn_point to, uint32_t colour)
{
    on->kind->line(on->canvas, (cnn_point[]){from, to}, 2, &(cnn_stroke){colour, 1, {0}});
}

/** Writes `text`, cut where it is wider than `room`. */
static void draw_text(const plot *on, const char *text, double room, cnn_label label)
{
    const size_t length = strlen(text);
    const double size = label.size * (label.bold ? BOLD_WIDTH : 1);
    const double dots = cnn_font_width(CNN_FONT_ELLIPSIS, strlen(CNN_FONT_ELLIPSIS), size);
    label.text = text;
    label.length = length;
    label.cut = cnn_font_width(text, length, size) > room;
    if (label.cut) {
        double width, sum = dots;
        label.length = 0;
        for (size_t at = 0; at < length; label.length = at) {
            at += cnn_font_character(text + at, length - at, &width);
            sum += size * width;
            if (sum > room) {
                break;
            }
        }
    }
    on->kind->label(on->canvas, &label);
}

/** Lines of the grid: the fine ones first, for the others to lie above. */
static void draw_grid(const plot *on)
{
    for (int fine = 1; fine >= 0; fine--) {
        for (int i = 0; i < on->y_count; i++) {
            const double y = sharp(y_at(on, on->y_ticks[i].place));
            if (is_said(on->y_ticks[i].label) == !fine) {
                draw_straight(on, (cnn_point){on->left, y}, (cnn_point){on->right, y},
                              fine ? FINE_COLOUR : GRID_COLOUR);
            }
        }
    }
    for (int i = 0; i < on->x_count; i++) {
        const double x = sharp(x_at(on, on->x_ticks[i].place));
        draw_straight(on, (cnn_point){x, on->top}, (cnn_point){x, on->bottom}, GRID_COLOUR);
    }
}

static void draw_axes(const plot *on)
{
    const double x = sharp(on->left), y = sharp(on->bottom), middle = MIDDLE * TICK_SIZE;
    cnn_label label = {.size = TICK_SIZE, .colour = AXIS_COLOUR, .anchor = CNN_ANCHOR_MIDDLE};
    draw_straight(on, (cnn_point){x, on->top}, (cnn_point){x, y}, AXIS_COLOUR);
    draw_straight(on, (cnn_point){x, y}, (cnn_point){on->right, y}, AXIS_COLOUR);
    for (int i = 0; i < on->x_count; i++) {
        const double at = sharp(x_at(on, on->x_ticks[i].place));
        draw_straight(on, (cnn_point){at, y}, (cnn_point){at, y + TICK_LENGTH}, AXIS_COLOUR);
        label.at = (cnn_point){at, y + TICK_LENGTH + LINE_HEIGHT * TICK_SIZE - middle};
        draw_text(on, on->x_ticks[i].label, WIDTH, label);
    }
    label.anchor = CNN_ANCHOR_END;
    for (int i = 0; i < on->y_count; i++) {
        const double at = sharp(y_at(on, on->y_ticks[i].place));
        if (is_said(on->y_ticks[i].label)) {
            draw_straight(on, (cnn_point){x - TICK_LENGTH, at}, (cnn_point){x, at}, AXIS_COLOUR);
            label.at = (cnn_point){x - TICK_LENGTH - GAP / 2.0, at + middle};
            draw_text(on, on->y_ticks[i].label, WIDTH, label);
        }
    }
}

static void draw_titles(const plot *on)
{
    const cnn_chart *const chart = on->chart;
    cnn_label label = {.size = LABEL_SIZE, .colour = TEXT_COLOUR, .anchor = CNN_ANCHOR_MIDDLE};
    label.at = (cnn_point){(on->left + on->right) / 2, on->height - EDGE};
    draw_text(on, is_said(chart->x_label) ? chart->x_label : "", on->right - on->left, label);
    label.at = (cnn_point){EDGE + LABEL_SIZE * (1 - MIDDLE), (on->top + on->bottom) / 2};
    label.upwards = true;
    draw_text(on, is_said(chart->y_label) ? chart->y_label : "", on->bottom - on->top, label);
    label = (cnn_label){.size = TITLE_SIZE, .colour = TEXT_COLOUR, .bold = true};
    label.at = (cnn_point){sharp(on->left), EDGE + TITLE_SIZE};
    draw_text(on, is_said(chart->title) ? chart->title : "", WIDTH - EDGE - on->left, label);
}

static cnn_stroke stroke_of(int curve)
{
    cnn_stroke stroke = {palette[curve % COLOURS], CURVE_WIDTH, {0}};
    memcpy(stroke.dashes, dashes[curve / COLOURS % DASHES], sizeof stroke.dashes);
    return stroke;
}

static void draw_legend(const plot *on)
{
    const double left = on->right + LEGEND_GAP, right = left + SAMPLE;
    double y = on->top + NAME_HEIGHT / 2.0;
    for (int i = 0; i < on->chart->curve_count; i++) {
        const char *const name = on->chart->curves[i].name;
        const cnn_stroke stroke = stroke_of(i);
        if (is_said(name)) {
            on->kind->line(on->canvas, (cnn_point[]){{left, y}, {right, y}}, 2, &stroke);
            draw_text(
                on, name, NAME_WIDTH,
                (cnn_label){.size = NAME_SIZE, .at = {right + GAP, y + MIDDLE * NAME_SIZE}, .colour = TEXT_COLOUR});
            y += NAME_HEIGHT;
        }
    }
}

/** Draws the points gathered since a gap: a line, or a dot where there is but one. */
static void draw_run(const plot *on, size_t count, cnn_stroke stroke)
{
    if (count == 1) {
        stroke.width = DOT_WIDTH;
    }
    if (count > 0) {
        on->kind->line(on->canvas, on->points, count, &stroke);
    }
}

static void draw_curve(const plot *on, int index)
{
    const cnn_curve *const curve = &on->chart->curves[index];
    const cnn_stroke stroke = stroke_of(index);
    size_t count = 0;
    for (int i = 0; i < curve->count; i++) {
        if (cnn_axis_shows(&on->x, curve->x[i]) && cnn_axis_shows(&on->y, curve->y[i])) {
            on->points[count++] = (cnn_point){x_at(on, cnn_axis_place(&on->x, curve->x[i])),
                                              y_at(on, cnn_axis_place(&on->y, curve->y[i]))};
        } else {
            draw_run(on, count, stroke);
            count = 0;
        }
    }
    draw_run(on, count, stroke);
}

static void draw(const plot *on)
{
    draw_grid(on);
    draw_axes(on);
    for (int i = on->chart->curve_count - 1; i >= 0; i--) { /* the first curve lies above the others */
        draw_curve(on, i);
    }
    draw_titles(on);
    draw_legend(on);
    if (on->empty) {
        draw_text(on, "no data", WIDTH,
                  (cnn_label){.size = LABEL_SIZE,
                              .at = {(on->left + on->right) / 2, (on->top + on->bottom) / 2},
                              .anchor = CNN_ANCHOR_MIDDLE,
                              .colour = AXIS_COLOUR});
    }
}

/* ---- writing */

static const cnn_canvas_kind *find_kind(const char *path)
{
    static const cnn_canvas_kind *const kinds[] = {&cnn_canvas_svg, &cnn_canvas_png};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t end = strlen(kinds[i]->suffix);
        if (length > end && strcasecmp(path + length - end, kinds[i]->suffix) == 0) {
            return kinds[i];
        }
    }
    return NULL;
}

static cnn_status check(const cnn_chart *chart, size_t *longest, cnn_error *error)
{
    if (chart->curve_count < 0 || chart->curve_count > MOST_CURVES ||
        (chart->curve_count > 0 && chart->curves == NULL)) {
        return cnn_fail(error, CNN_USAGE, "a chart has from 0 to %d curves, not %d", MOST_CURVES, chart->curve_count);
    }
    for (int i = 0; i < chart->curve_count; i++) {
        const cnn_curve *const curve = &chart->curves[i];
        if (curve->count < 0 || (curve->count > 0 && (curve->x == NULL || curve->y == NULL))) {
            return cnn_fail(error, CNN_USAGE, "curve %d of a chart has no points for its count of %d", i, curve->count);
        }
        *longest = (size_t)curve->count > *longest ? (size_t)curve->count : *longest;
    }
    return CNN_OK;
}

cnn_status cnn_chart_write(const cnn_chart *chart, const char *path, cnn_error *error)
{
    plot on = {.chart = chart, .kind = find_kind(path)};
    unsigned char *bytes = NULL;
    size_t size = 0, longest = 0;
    if (on.kind == NULL) {
        return cnn_fail(error, CNN_USAGE, "'%s': a chart's file ends in .svg or .png", path);
    }
    cnn_status status = check(chart, &longest, error);
    if (status != CNN_OK) {
        return status;
    }
    lay_out(&on);
    on.points = cnn_alloc(longest, sizeof *on.points);
    on.canvas = on.points == NULL ? NULL : on.kind->open(WIDTH, on.height);
    if (on.canvas == NULL) {
        status = cnn_fail_memory(error);
    } else {
        draw(&on);
        status = on.kind->finish(on.canvas, &bytes, &size, error);
    }
    if (status == CNN_OK) {
        status = cnn_file_write(path, &(cnn_piece){bytes, size}, 1, error);
    }
    cnn_free(bytes);
    on.kind->free(on.canvas);
    cnn_free(on.points);
    return status;
}

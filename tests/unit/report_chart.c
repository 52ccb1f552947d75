/* Charts, as SVG read as text, and as PNG read by the project's own decoder: both must show the same. */
#include "base/memory.h"
#include "cnn.h"
#include "image/image.h"
#include "unit/scratch.h"
#include "unit/unit.h"

#include <locale.h>
#include <math.h>

enum { WIDTH = 960, HEIGHT = 600, SCALE = 2, ROOM = 1 << 22 };

static char svg[ROOM];
static uint8_t pixels[HEIGHT * SCALE][WIDTH * SCALE][3];

static void write_chart(const cnn_chart *chart, const char *name)
{
    cnn_error error = {0};
    if (cnn_chart_write(chart, scratch_path(name), &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
}

/** Writes and reads the chart as SVG. */
static void draw_svg(const cnn_chart *chart)
{
    write_chart(chart, "chart.svg");
    svg[scratch_read("chart.svg", (unsigned char *)svg, sizeof svg)] = '\0';
    assert_memory_equal(svg, "<svg ", 5);
    assert_string_equal(svg + strlen(svg) - 7, "</svg>\n");
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
}

/** Writes and reads the chart as PNG. */
static void draw_png(const cnn_chart *chart)
{
    cnn_error error = {0};
    write_chart(chart, "chart.png");
    const cnn_shape shape = {HEIGHT * SCALE, WIDTH * SCALE, 3};
    if (cnn_image_fit_file(scratch_path("chart.png"), (cnn_image_form){.shape = shape}, pixels[0][0], &error) !=
        CNN_OK) {
        fail_msg("%s", error.message);
    }
}

static int count(const char *words)
{
    int found = 0;
    for (const char *at = svg; (at = strstr(at, words)) != NULL; at++) {
        found++;
    }
    return found;
}

static void assert_holds(const char *words)
{
    if (strstr(svg, words) == NULL) {
        fail_msg("the chart lacks %s", words);
    }
}

static void assert_colour(double x, double y, unsigned colour)
{
    const uint8_t *const pixel = pixels[(int)(SCALE * y)][(int)(SCALE * x)];
    const unsigned found = (unsigned)pixel[0] << 16 | (unsigned)pixel[1] << 8 | pixel[2];
    if (found != colour) {
        fail_msg("the pixel at %g, %g is %06x, not %06x", x, y, found, colour);
    }
}

/** The points of line `index` of those in `colour` ("#0072b2"), at most `most`; returns their number. */
static int read_line(const char *colour, int index, double (*points)[2], int most)
{
    char stroke[64];
    snprintf(stroke, sizeof stroke, "stroke=\"%s\" stroke-width=\"2\"", colour);
    for (const char *begin = svg; (begin = strstr(begin, "<polyline points=\"")) != NULL; begin++) {
        const char *const end = strchr(begin, '\n'), *const found = strstr(begin, stroke);
        if (found != NULL && found < end && index-- == 0) {
            int length = 0, used = 0;
            const char *at = strchr(begin, '"') + 1;
            while (length < most && sscanf(at, "%lf,%lf%n", &points[length][0], &points[length][1], &used) == 2) {
                at += used;
                length++;
            }
            return length;
        }
    }
    return 0;
}

/* ---- the curves */

static const double xs[] = {1, 2, 3, 4, 5, 6}, falling[] = {6, 4, 3, 2, 1.5, 1}, holes[] = {1, 2, NAN, 3, INFINITY, 4};

static void curves_pass_through_their_points(void **state)
{
    (void)state;
    const cnn_curve curves[] = {{"training", xs, falling, 6}, {"validation", xs, holes, 6}};
    const cnn_chart chart = {"Loss", "epoch", "nats", false, curves, 2};
    double points[8][2];
    draw_svg(&chart);
    draw_png(&chart);
    assert_int_equal(read_line("#0072b2", 0, points, 8), 6);
    for (int i = 0; i < 6; i++) {
        assert_colour(points[i][0], points[i][1], 0x0072b2);
        const double middle = (points[0][1] * (falling[i] - 1) + points[5][1] * (6 - falling[i])) / 5;
        assert_true(fabs(points[i][1] - middle) < 0.02);
        assert_true(fabs(points[i][0] - (points[0][0] + (points[5][0] - points[0][0]) * i / 5)) < 0.02);
    }
    assert_true(points[5][0] - points[0][0] > WIDTH / 2 && points[5][1] - points[0][1] > HEIGHT / 2);
    /* The second is a line of two points, and two dots of their own. */
    assert_int_equal(read_line("#d55e00", 0, points, 8), 2);
    assert_int_equal(count("<circle"), 2);
    assert_int_equal(count("fill=\"#d55e00\"/>"), 2);
}

static void lines_stay_on_paper_that_is_white(void **state)
{
    (void)state;
    const cnn_chart chart = {"Loss", "epoch", "nats", false, &(cnn_curve){"training", xs, falling, 6}, 1};
    draw_png(&chart);
    long marked = 0;
    for (int y = 0; y < HEIGHT * SCALE; y++) {
        for (int x = 0; x < WIDTH * SCALE; x++) {
            const uint8_t *const pixel = pixels[y][x];
            const bool white = pixel[0] == 255 && pixel[1] == 255 && pixel[2] == 255;
            const bool edge = x < 20 || y < 20 || x >= WIDTH * SCALE - 20 || y >= HEIGHT * SCALE - 20;
            assert_true(white || !edge);
            marked += !white;
        }
    }
    assert_true(marked > 20000 && marked < 200000);
}

static void twenty_curves_differ(void **state)
{
    (void)state;
    static double lines[20][2];
    static char names[20][32];
    cnn_curve curves[20];
    for (int i = 0; i < 20; i++) {
        lines[i][0] = lines[i][1] = i;
        snprintf(names[i], sizeof names[i], "curve %d.", i);
        curves[i] = (cnn_curve){names[i], xs, lines[i], 2};
    }
    const cnn_chart chart = {"All", NULL, NULL, false, curves, 20};
    draw_svg(&chart);
    for (int i = 0; i < 20; i++) {
        assert_holds(names[i]);
    }
    /* Each is drawn twice, with its sample in the legend. */
    assert_int_equal(count("stroke-width=\"2\""), 40);
    assert_int_equal(count("#000000\" stroke-width=\"2\""), 4);
    assert_int_equal(count("stroke-dasharray=\"7 6\""), 14);
    assert_int_equal(count("stroke-dasharray=\"0.5 5\""), 12);
}

static void many_curves_make_the_picture_higher(void **state)
{
    (void)state;
    const double level[] = {1, 1};
    cnn_curve curves[200];
    for (int i = 0; i < 200; i++) {
        curves[i] = (cnn_curve){"the same", xs, level, 2};
    }
    const cnn_chart chart = {NULL, NULL, NULL, false, curves, 200};
    draw_svg(&chart);
    assert_int_equal(count("the same"), 200);
    assert_holds("viewBox=\"0 0 960 4240\"");
    write_chart(&chart, "chart.png");
    assert_int_equal(
        cnn_image_fit_file(scratch_path("chart.png"), (cnn_image_form){.shape = {424, 96, 3}}, pixels[0][0], NULL),
        CNN_OK);
}

/* ---- text */

static void names_are_escaped_and_cut(void **state)
{
    (void)state;
    const cnn_curve curves[] = {
        {"a <b> & \"c\" \xc3\xa4", xs, falling, 6},
        {"bad \xff\x01\xef\xbf\xbf!", xs, falling, 6},
        {"a name that goes on and on and never comes to its end", xs, falling, 6},
    };
    const cnn_chart chart = {"1 < 2", "x & y", "\n", false, curves, 3};
    draw_svg(&chart);
    assert_holds(">a &lt;b&gt; &amp; \"c\" \xc3\xa4</text>");
    assert_holds(">bad ??"
                 "?!</text>");
    assert_holds(">a name that goes on and o");
    assert_holds("...</text>");
    assert_holds(">1 &lt; 2</text>");
    assert_holds(">x &amp; y</text>");
    assert_holds("rotate(-90 ");
    draw_png(&chart);
}

static void ticks_are_labelled(void **state)
{
    (void)state;
    const double small[] = {0.02, 0.03, 0.05, 0.5, 1, 2};
    const cnn_curve curve = {"training", xs, falling, 6}, wide = {"training", xs, small, 6};
    cnn_chart chart = {NULL, NULL, NULL, false, &curve, 1};
    draw_svg(&chart);
    const char *const numbers[] = {"1", "2", "3", "4", "5", "6"};
    for (int i = 0; i < 6; i++) {
        char label[32];
        snprintf(label, sizeof label, ">%s</text>", numbers[i]);
        assert_int_equal(count(label), 2);
    }
    chart.curves = &wide;
    chart.log_y = true;
    draw_svg(&chart);
    const char *const labels[] = {">0.02</text>", ">0.05</text>", ">0.1</text>", ">0.2</text>", ">0.5</text>"};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(count(labels[i]), 1);
    }
    double points[8][2];
    assert_int_equal(read_line("#0072b2", 0, points, 8), 6);
    /* From 0.05 to 0.5 is as far as from 0.2 to 2, and 0.5, 1, 2 are equally far apart. */
    assert_true(fabs(points[3][1] - 2 * points[4][1] + points[5][1]) < 0.03);
}

static void a_log_axis_leaves_out_what_is_not_positive(void **state)
{
    (void)state;
    const double values[] = {1, 10, 0, 100, -5, 10};
    const cnn_chart chart = {NULL, NULL, NULL, true, &(cnn_curve){NULL, xs, values, 6}, 1};
    double points[8][2];
    draw_svg(&chart);
    assert_int_equal(read_line("#0072b2", 0, points, 8), 2);
    assert_int_equal(count("<circle"), 2);
}

/* ---- corner cases */

static void charts_without_points_say_so(void **state)
{
    (void)state;
    const double none[] = {NAN, NAN};
    const cnn_curve curves[] = {{"empty", NULL, NULL, 0}, {"none", xs, none, 2}, {"", NULL, NULL, 0}};
    const cnn_chart charts[] = {{0}, {"", "", "", true, NULL, 0}, {"t", "x", "y", false, curves, 3}};
    for (int i = 0; i < 3; i++) {
        draw_svg(&charts[i]);
        assert_holds(">no data</text>");
        assert_int_equal(count("<circle"), 0);
        draw_png(&charts[i]);
    }
    assert_int_equal(count(">none</text>"), 1);
}

static void strange_values_are_drawn(void **state)
{
    (void)state;
    const double values[][6] = {
        {5, 5, 5, 5, 5, 5},      {0, 0, 0, 0, 0, 0},       {1e-12, 1, 1e12, -1e12, 3, 4}, {1e300, -1e300, 1, 2, 3, 4},
        {5e-324, 0, 0, 0, 0, 0}, {-1, -2, -3, -4, -5, -6}, {1e-300, 1e300, 1, 1, 1, 1e9}, {1e308, 1, 2, 3, 4, -1e308}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (int log = 0; log < 2; log++) {
            const cnn_curve curves[] = {{"as y", xs, values[i], 6}, {"as x", values[i], xs, 6}};
            const cnn_chart chart = {"strange", "x", "y", log != 0, curves, 2};
            draw_svg(&chart);
            assert_true(count("#0072b2") + count("#d55e00") > 2); /* their samples, and a line at least */
            write_chart(&chart, "chart.png");
        }
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    const cnn_curve bad[] = {{"a", xs, NULL, 1}, {"b", NULL, xs, 1}, {"c", xs, xs, -1}};
    const cnn_chart charts[] = {{.curves = &bad[0], .curve_count = 1}, {.curves = &bad[1], .curve_count = 1},
                                {.curves = &bad[2], .curve_count = 1}, {.curves = NULL, .curve_count = 1},
                                {.curves = bad, .curve_count = -1},    {.curves = bad, .curve_count = 201}};
    cnn_error error;
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++) {
        assert_int_equal(cnn_chart_write(&charts[i], scratch_path("refused.svg"), &error), CNN_USAGE);
        assert_int_equal(error.status, CNN_USAGE);
    }
    const char *const names[] = {"chart", "chart.jpg", ".png", "svg", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(cnn_chart_write(&(cnn_chart){0}, names[i], &error), CNN_USAGE);
        assert_non_null(strstr(error.message, ".svg or .png"));
    }
    assert_int_equal(access(scratch_path("refused.svg"), F_OK), -1);
    write_chart(&(cnn_chart){0}, "Upper.SVG");
}

/* ---- files */

static void the_same_chart_gives_the_same_bytes(void **state)
{
    (void)state;
    static unsigned char first[ROOM], second[ROOM];
    const cnn_chart chart = {"Loss", "epoch", "nats", false, &(cnn_curve){"training", xs, falling, 6}, 1};
    for (int kind = 0; kind < 2; kind++) {
        const char *const name = kind == 0 ? "chart.svg" : "chart.png";
        write_chart(&chart, name);
        const size_t size = scratch_read(name, first, sizeof first);
        setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one: with a decimal comma */
        write_chart(&chart, name);
        setlocale(LC_ALL, "C");
        assert_int_equal(scratch_read(name, second, sizeof second), size);
        assert_memory_equal(first, second, size);
    }
}

static void a_file_stays_where_a_new_one_cannot_be_written(void **state)
{
    (void)state;
    static char path[4][64];
    cnn_error error = {0};
    scratch_folder("folder.svg");
    snprintf(path[0], sizeof path[0], "%s", scratch_path("folder.svg"));
    snprintf(path[1], sizeof path[1], "%s", scratch_path("missing/chart.png"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cnn_chart_write(&(cnn_chart){0}, path[i], &error), CNN_IO);
        assert_non_null(strstr(error.message, path[i]));
    }
}

static void no_memory_is_said_so_and_nothing_leaks(void **state)
{
    (void)state;
    static const char old[] = "the old file";
    unsigned char now[64];
    const cnn_chart chart = {"Loss", "epoch", "nats", false, &(cnn_curve){"training", xs, holes, 6}, 1};
    for (int kind = 0; kind < 2; kind++) {
        const char *const name = kind == 0 ? "memory.svg" : "memory.png";
        cnn_status status = CNN_MEMORY;
        long allocation = 0;
        for (; status != CNN_OK; allocation++) {
            cnn_error error = {0};
            scratch_write(name, old, sizeof old);
            cnn_alloc_fail_after(allocation, false);
            status = cnn_chart_write(&chart, scratch_path(name), &error);
            cnn_alloc_fail_after(-1, false);
            if (status != CNN_OK) {
                assert_int_equal(status, CNN_MEMORY);
                assert_int_equal(error.status, CNN_MEMORY);
                assert_int_equal(scratch_read(name, now, sizeof now), sizeof old);
                assert_memory_equal(now, old, sizeof old);
            }
        }
        assert_true(allocation > 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_pass_through_their_points),
        cmocka_unit_test(lines_stay_on_paper_that_is_white),
        cmocka_unit_test(twenty_curves_differ),
        cmocka_unit_test(many_curves_make_the_picture_higher),
        cmocka_unit_test(names_are_escaped_and_cut),
        cmocka_unit_test(ticks_are_labelled),
        cmocka_unit_test(a_log_axis_leaves_out_what_is_not_positive),
        cmocka_unit_test(charts_without_points_say_so),
        cmocka_unit_test(strange_values_are_drawn),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(the_same_chart_gives_the_same_bytes),
        cmocka_unit_test(a_file_stays_where_a_new_one_cannot_be_written),
        cmocka_unit_test(no_memory_is_said_so_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}

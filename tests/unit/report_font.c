/* The pen's alphabet: every character has strokes, and they stay in its place. */
#include "report/font.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

/** What has been drawn. */
typedef struct ink {
    int strokes;
    double left, right, top, bottom;
    double length;
} ink;

static void gather(void *context, cnn_point from, cnn_point to)
{
    ink *const all = context;
    all->strokes++;
    all->left = fmin(all->left, fmin(from.x, to.x));
    all->right = fmax(all->right, fmax(from.x, to.x));
    all->top = fmin(all->top, fmin(from.y, to.y));
    all->bottom = fmax(all->bottom, fmax(from.y, to.y));
    all->length += hypot(to.x - from.x, to.y - from.y);
}

static ink drawn(const char *text)
{
    ink all = {0, 9, -9, 9, -9, 0};
    cnn_font_draw(text, gather, &all);
    return all;
}

static void characters_stay_in_their_place(void **state)
{
    (void)state;
    assert_int_equal(drawn(" ").strokes, 0);
    for (char text[2] = "!"; text[0] <= '~'; text[0]++) {
        double width;
        const ink all = drawn(text);
        assert_int_equal(cnn_font_character(text, 1, &width), 1);
        if (all.strokes == 0 || all.left < 0.05 || all.right > width - 0.05 || all.top < -0.8 || all.bottom > 0.25 ||
            all.length < 0.02) {
            fail_msg("%c: %d strokes from %g, %g to %g, %g, width %g", text[0], all.strokes, all.left, all.top,
                     all.right, all.bottom, width);
        }
    }
}

static void letters_have_their_heights(void **state)
{
    (void)state;
    for (const char *text = "ABCDEFGHIKLMNOPRSTUVWXYZ0123456789"; *text != '\0'; text++) {
        const ink all = drawn(text);
        assert_true(fabs(all.top + 0.7) < 1e-6 && fabs(all.bottom) < 1e-6);
    }
    for (const char *text = "acemnorsuvwxz"; *text != '\0'; text++) {
        const ink all = drawn(text);
        assert_true(fabs(all.top + 0.5) < 1e-6 && fabs(all.bottom) < 1e-6);
    }
}

/** A quarter of an ellipse is one, and its chords stay close: an O is as long as its ellipse, to a part in 100. */
static void curves_are_round(void **state)
{
    (void)state;
    const double pi = 3.14159265358979, a = 23 / 80.0, b = 14 / 40.0;
    const double around = pi * (3 * (a + b) - sqrt((3 * a + b) * (a + 3 * b))); /* Ramanujan 1914 */
    assert_true(fabs(drawn("O").length / around - 1) < 0.01);
}

static void figures_are_of_one_width(void **state)
{
    (void)state;
    for (const char *text = "123456789"; *text != '\0'; text++) {
        assert_true(cnn_font_width(text, 1, 10) == cnn_font_width("0", 1, 10));
    }
    assert_true(fabs(cnn_font_width("10", 2, 20) - 4 * cnn_font_width("0", 1, 10)) < 1e-12);
    assert_true(cnn_font_width("iii", 3, 10) < cnn_font_width("mmm", 3, 10));
    assert_true(cnn_font_width("", 0, 10) == 0);
}

static void other_characters_are_a_question_mark(void **state)
{
    (void)state;
    const double question = drawn("?").length;
    const char *const others[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f", "\t", "\xff", "\x80"};
    const size_t bytes[] = {2, 3, 4, 1, 1, 1, 1};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        double width = 0;
        assert_true(drawn(others[i]).length == question);
        assert_int_equal(cnn_font_character(others[i], strlen(others[i]), &width), bytes[i]);
        assert_true(width > 0.3 && width <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_stay_in_their_place),
        cmocka_unit_test(letters_have_their_heights),
        cmocka_unit_test(curves_are_round),
        cmocka_unit_test(figures_are_of_one_width),
        cmocka_unit_test(other_characters_are_a_question_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

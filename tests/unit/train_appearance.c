/* First sight: the figures against plain loops, their ranges, and what lies outside. */
#include "base/random.h"
#include "train/appearance.h"
#include "unit/unit.h"

#include <math.h>

enum { LARGEST = 9 * 7 * 3 };

/** The figures as their formulas say them, in double. */
static void measure_plainly(const uint8_t *pixels, cnn_shape s, double figures[CNN_APPEARANCE_COUNT])
{
    double sum = 0, squares = 0, differences = 0, distances = 0, count = 0, pairs = 0;
    for (int y = 0; y < s.height; y++) {
        for (int x = 0; x < s.width; x++) {
            for (int c = 0; c < s.channels; c++, count++) {
                const int right = s.channels, below = s.width * s.channels, at = y * below + x * right + c;
                const int steps[] = {x + 1 < s.width ? right : 0, y + 1 < s.height ? below : 0};
                sum += pixels[at];
                for (int k = 0; k < 2; k++) {
                    const double d = pixels[at + steps[k]] - pixels[at];
                    differences += d * d;
                    distances += fabs(d);
                    pairs += steps[k] > 0;
                }
            }
        }
    }
    for (int i = 0; i < (int)count; i++) {
        squares += (pixels[i] - sum / count) * (pixels[i] - sum / count);
    }
    pairs = pairs > 0 ? pairs : 1;
    figures[0] = sum / count / 255;
    figures[1] = log1p(squares / count);
    figures[2] = log((differences / pairs + 1) / (squares / count + 1));
    figures[3] = log((distances / pairs + 0.1) / sqrt(differences / pairs + 0.1));
}

static void figures_are_what_their_formulas_say(void **state)
{
    (void)state;
    static const cnn_shape shapes[] = {{9, 7, 3}, {9, 7, 1}, {1, 7, 3}, {9, 1, 1}, {1, 1, 3}, {1, 1, 1}};
    cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int range = 1; range <= 256; range += 85) {
            uint8_t pixels[LARGEST];
            double found[CNN_APPEARANCE_COUNT], expected[CNN_APPEARANCE_COUNT];
            for (int i = 0; i < LARGEST; i++) {
                pixels[i] = (uint8_t)(255 - (int)cnn_random_below(&random, (uint32_t)range));
            }
            cnn_appearance_measure(pixels, shapes[s], found);
            measure_plainly(pixels, shapes[s], expected);
            for (int f = 0; f < CNN_APPEARANCE_COUNT; f++) {
                assert_true(fabs(found[f] - expected[f]) < 1e-6);
            }
        }
    }
}

static void ranges_leave_few_outside(void **state)
{
    (void)state;
    enum { COUNT = 4100 };
    static double figures[CNN_APPEARANCE_COUNT * COUNT];
    for (int i = 0; i < CNN_APPEARANCE_COUNT * COUNT; i++) {
        figures[i] = (i / COUNT + 1) * (i * 7 % COUNT); /* 0 .. COUNT - 1 in another order, times 1 .. 4 */
    }
    double ranges[CNN_APPEARANCE_COUNT][2];
    assert_true(cnn_appearance_fit(figures, COUNT, ranges));
    for (int f = 0; f < CNN_APPEARANCE_COUNT; f++) {
        assert_true(ranges[f][0] == f + 1); /* the second of either end */
        assert_true(ranges[f][1] == (f + 1) * (COUNT - 2));
    }
    assert_true(cnn_appearance_fit(figures, 1999, ranges));
    assert_false(cnn_appearance_fit(figures, 1998, ranges));
    assert_false(cnn_appearance_fit(figures, 0, ranges));
}

static void any_figure_can_be_outside(void **state)
{
    (void)state;
    static const double ranges[CNN_APPEARANCE_COUNT][2] = {{0, 4}, {1, 5}, {2, 6}, {3, 7}};
    assert_true(cnn_appearance_margin((const double[]){1, 3, 4, 5}, ranges) == 1);
    assert_true(cnn_appearance_margin((const double[]){4, 1, 4, 5}, ranges) == 0);
    for (int f = 0; f < CNN_APPEARANCE_COUNT; f++) {
        double figures[] = {1, 3, 4, 5};
        figures[f] = ranges[f][0] - 0.5;
        assert_true(cnn_appearance_margin(figures, ranges) == -0.5);
        figures[f] = ranges[f][1] + 0.25;
        assert_true(cnn_appearance_margin(figures, ranges) == -0.25);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_what_their_formulas_say),
        cmocka_unit_test(ranges_leave_few_outside),
        cmocka_unit_test(any_figure_can_be_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

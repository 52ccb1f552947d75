/* Digits found in pictures: drawn here, as photographs would show them, and placed as MNIST's are. */
#include "base/memory.h"
#include "image/image.h"
#include "unit/drawing.h"
#include "unit/unit.h"

enum { SIDE = 28, SIZE = SIDE * SIDE };

static void fit(cnn_fit how, int height, int width, uint8_t *out)
{
    cnn_error error = {0};
    const cnn_image_form form = {{height, width, 1}, how};
    if (cnn_image_fit(picture.bytes, picture.size, "picture", form, out, &error) != CNN_OK) {
        fail_msg("%s", error.message);
    }
}

static void fit_digit(uint8_t *out)
{
    fit(CNN_FIT_DIGIT, SIDE, SIDE, out);
}

/** The mean difference of two images where one is shifted by so much, outside of which there is nothing. */
static double shifted_difference(const uint8_t *a, const uint8_t *b, int across, int down)
{
    double sum = 0;
    for (int y = 1; y < SIDE - 1; y++) {
        for (int x = 1; x < SIDE - 1; x++) {
            sum += abs(a[y * SIDE + x] - b[(y + down) * SIDE + x + across]);
        }
    }
    return sum / SIZE;
}

/** The same wherever they fit best: a centre of mass between two pixels may be rounded either way. */
static double difference(const uint8_t *a, const uint8_t *b)
{
    double least = 255;
    for (int i = 0; i < 9; i++) {
        least = fmin(least, shifted_difference(a, b, i % 3 - 1, i / 3 - 1));
    }
    return least;
}

/** The digit as it comes out of a clean drawing, white on black. */
static void expect_clean(const point *points, int count, pen with, uint8_t *out)
{
    begin(260, 180, 0);
    with.ink = 1;
    draw(points, count, with);
    develop(0);
    fit_digit(out);
}

/** That an image is like MNIST's: its box is 20 long, its centre of mass at 14, 14, and white on black. */
static void assert_placed(const uint8_t *image, int side, int width, int height)
{
    double sum = 0, across = 0, down = 0;
    int left = width, right = 0, top = height, bottom = 0, most = 0;
    for (int i = 0; i < width * height; i++) {
        const int x = i % width, y = i / width;
        sum += image[i];
        across += image[i] * x;
        down += image[i] * y;
        most = image[i] > most ? image[i] : most;
        if (image[i] > 0) {
            left = x < left ? x : left;
            right = x + 1 > right ? x + 1 : right;
            top = y < top ? y : top;
            bottom = y + 1;
        }
    }
    const int longer = right - left > bottom - top ? right - left : bottom - top;
    assert_in_range(longer, side - 1, side);
    assert_true(fabs(across / sum - width / 2.0) <= 0.5 && fabs(down / sum - height / 2.0) <= 0.5);
    assert_in_range(most, 240, 255);
}

/* ---- what is found */

static void a_digit_is_placed_as_in_mnist_wherever_it_is(void **state)
{
    (void)state;
    static const pen pens[] = {{30, 30, 60, 8, 0.1}, {150, 100, 70, 14, 0.3}, {60, 20, 140, 30, 0.2}};
    uint8_t out[SIZE];
    for (size_t i = 0; i < sizeof pens / sizeof pens[0]; i++) {
        begin(260, 180, 0.9);
        draw(five, COUNT(five), pens[i]);
        develop(0);
        fit_digit(out);
        assert_placed(out, 20, SIDE, SIDE);
    }
}

static void dark_and_light_digits_come_out_alike(void **state)
{
    (void)state;
    uint8_t clean[SIZE], dark[SIZE], light_one[SIZE];
    expect_clean(seven, COUNT(seven), usual, clean);
    begin(260, 180, 0.9);
    draw(seven, COUNT(seven), usual);
    develop(4);
    fit_digit(dark);
    begin(260, 180, 0.2);
    pen chalk = usual;
    chalk.ink = 0.9;
    draw(seven, COUNT(seven), chalk);
    develop(4);
    fit_digit(light_one);
    assert_true(difference(clean, dark) < 3);
    assert_true(difference(clean, light_one) < 3);
}

static void uneven_light_and_shadows_change_little(void **state)
{
    (void)state;
    uint8_t clean[SIZE], out[SIZE];
    expect_clean(five, COUNT(five), usual, clean);
    static const double most[] = {2, 3, 15}; /* the deeper shadow's edge goes through the digit, and is rounded */
    for (int i = 0; i < 3; i++) {
        begin(260, 180, 0.9);
        draw(five, COUNT(five), usual);
        light(0.2 * i);
        develop(6);
        fit_digit(out);
        assert_placed(out, 20, SIDE, SIDE);
        assert_true(difference(clean, out) < most[i]);
    }
}

static void page_edges_and_specks_are_left_out(void **state)
{
    (void)state;
    uint8_t clean[SIZE], out[SIZE];
    expect_clean(five, COUNT(five), usual, clean);
    begin(260, 180, 0.9);
    draw(five, COUNT(five), usual);
    fill(0, 0, 260, 12, 0.05);
    fill(235, 0, 260, 180, 0.3);
    fill(94, 100, 97, 103, 0.2);
    fill(40, 150, 46, 156, 0.2);
    develop(4);
    fit_digit(out);
    assert_true(difference(clean, out) < 3);
}

/** The bar of the 5 is apart: with a gap it is kept, and what lies far away is not. */
static void parts_of_the_digit_are_kept_and_neighbours_not(void **state)
{
    (void)state;
    static const point apart[] = {{0.2, 0.1},  {0.15, 0.45}, {0.6, 0.4}, {0.85, 0.65}, {0.7, 0.95},
                                  {0.15, 0.9}, {-1, 0},      {0.4, 0},   {0.85, -0.05}};
    uint8_t whole[SIZE], out[SIZE];
    const pen left = {100, 60, 60, 6, 0.2}, far = {225, 60, 25, 6, 0.2};
    begin(260, 180, 0.9);
    draw(apart, COUNT(apart), left);
    develop(0);
    fit_digit(whole);
    assert_placed(whole, 20, SIDE, SIDE);
    fill(110, 40, 180, 62, 0.9); /* without the bar */
    develop(0);
    fit_digit(out);
    assert_true(difference(whole, out) > 5);
    begin(260, 180, 0.9);
    draw(apart, COUNT(apart), left);
    draw(seven, COUNT(seven), far);
    develop(0);
    fit_digit(out);
    assert_true(difference(whole, out) < 1);
}

static void a_tightly_cut_digit_is_found(void **state)
{
    (void)state;
    uint8_t clean[SIZE], out[SIZE];
    expect_clean(seven, COUNT(seven), (pen){100, 50, 90, 8, 0}, clean);
    begin(80, 98, 0.95);
    draw(seven, COUNT(seven), (pen){-5, 4, 90, 8, 0.1});
    develop(0);
    fit_digit(out);
    assert_true(difference(clean, out) < 8);
}

static void thin_strokes_become_as_wide_as_those_of_mnist(void **state)
{
    (void)state;
    uint8_t out[SIZE];
    begin(260, 180, 0.9);
    draw(seven, COUNT(seven), (pen){70, 20, 130, 2.5, 0.2});
    develop(4);
    fit_digit(out);
    assert_placed(out, 20, SIDE, SIDE);
    double sum = 0;
    for (int i = 0; i < SIZE; i++) {
        sum += out[i] / 255.0;
    }
    assert_true(sum > 60 && sum < 95); /* of a 7 in a box of 20, 35 long: 2 pixels wide, not 0.4 */
}

/* ---- what stays as it is */

static void images_of_mnist_stay_as_they_are(void **state)
{
    (void)state;
    static const char *const names[] = {"2", "4", "7"};
    uint8_t before[SIZE], after[SIZE];
    for (int i = 0; i < 3; i++) {
        char path[1024];
        snprintf(path, sizeof path, CNN_TESTS "/../data/samples/digit-%s.png", names[i]);
        assert_int_equal(cnn_image_fit_file(path, (cnn_image_form){{SIDE, SIDE, 1}, CNN_FIT_CROP}, before, NULL), 0);
        assert_int_equal(cnn_image_fit_file(path, (cnn_image_form){{SIDE, SIDE, 1}, CNN_FIT_DIGIT}, after, NULL), 0);
        for (int at = 0; at < SIZE; at++) {
            assert_in_range(abs(before[at] - after[at]), 0, 16);
        }
    }
}

static void the_sample_photographs_hold_digits(void **state)
{
    (void)state;
    static const char *const names[] = {"3", "5"};
    uint8_t out[SIZE];
    for (int i = 0; i < 2; i++) {
        char path[1024];
        snprintf(path, sizeof path, CNN_TESTS "/../data/samples/photo-%s.png", names[i]);
        assert_int_equal(cnn_image_fit_file(path, (cnn_image_form){{SIDE, SIDE, 1}, CNN_FIT_DIGIT}, out, NULL), 0);
        assert_placed(out, 20, SIDE, SIDE);
        assert_true(out[14 * SIDE + 4] == 0 && out[0] == 0 && out[SIZE - 1] == 0);
    }
}

static void without_a_digit_a_picture_is_scaled_and_cut(void **state)
{
    (void)state;
    uint8_t plain[SIZE], out[SIZE];
    for (int noise = 0; noise <= 12; noise += 6) {
        begin(200, 150, 0.7);
        light(0);
        develop(noise);
        fit(CNN_FIT_CROP, SIDE, SIDE, plain);
        fit_digit(out);
        assert_memory_equal(out, plain, SIZE);
    }
}

/* ---- sizes and ways up */

/** The 7, and something at its foot that no mirror image has, in blocks of 8 pixels. */
static const char *const blocks[] = {"..........", "..........", "..XXXXXX..", "..XXXXXX..",
                                     "......XX..", ".....XX...", ".....XX...", "....XX....",
                                     "....XX.X..", "..........", "..........", ".........."};

/** The upright picture's block that row y, column x of one stored with this orientation shows. */
static int block_at(int orientation, int y, int x)
{
    const int columns = 10, rows = COUNT(blocks);
    int down = orientation >= 5 ? x : y, across = orientation >= 5 ? y : x;
    static const bool from_right[] = {false, true, true, false, false, true, true, false};
    static const bool from_bottom[] = {false, false, true, true, false, false, true, true};
    across = from_right[orientation - 1] ? columns - 1 - across : across;
    down = from_bottom[orientation - 1] ? rows - 1 - down : down;
    return blocks[down][across] == 'X' ? 40 : 210;
}

static void pictures_are_turned_upright_before(void **state)
{
    (void)state;
    uint8_t upright[SIZE], out[SIZE];
    for (int orientation = 1; orientation <= 8; orientation++) {
        const int columns = orientation >= 5 ? COUNT(blocks) : 10, rows = orientation >= 5 ? 10 : COUNT(blocks);
        uint8_t values[COUNT(blocks) * 10];
        for (int i = 0; i < columns * rows; i++) {
            values[i] = (uint8_t)block_at(orientation, i / columns, i % columns);
        }
        make_jpeg(&picture, columns, rows, 1, values);
        add_orientation(&picture, orientation, 1);
        fit_digit(orientation == 1 ? upright : out);
        if (orientation > 1) {
            assert_memory_equal(out, upright, SIZE);
        }
    }
    assert_placed(upright, 20, SIDE, SIDE);
}

static void images_of_other_sizes_have_the_same_proportions(void **state)
{
    (void)state;
    static uint8_t out[80 * 80];
    begin(260, 180, 0.9);
    draw(seven, COUNT(seven), usual);
    develop(0);
    fit(CNN_FIT_DIGIT, 80, 80, out);
    assert_placed(out, 57, 80, 80);
    fit(CNN_FIT_DIGIT, 28, 60, out);
    assert_placed(out, 20, 60, 28);
    fit(CNN_FIT_DIGIT, 60, 28, out);
    assert_placed(out, 20, 28, 60);
    fit(CNN_FIT_DIGIT, 1, 1, out);
    fit(CNN_FIT_DIGIT, 2, 9, out);
}

static void pictures_of_any_proportions_and_content_are_fitted(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 1}, {1, 3}, {300, 1}, {1, 300}, {300, 2}, {3, 3}, {257, 90}, {60, 300}};
    uint8_t out[SIZE];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int noise = 0; noise <= 256; noise += 128) {
            begin(sizes[i][0], sizes[i][1], 0.5);
            canvas[0] = 0;
            canvas[sizes[i][0] * sizes[i][1] - 1] = 1;
            develop(noise);
            fit_digit(out);
        }
    }
}

static void want_of_memory_is_told_and_leaves_the_image(void **state)
{
    (void)state;
    uint8_t out[SIZE], untouched[SIZE];
    memset(untouched, 7, sizeof untouched);
    begin(280, 180, 0.9);
    draw(five, COUNT(five), usual);
    develop(0);
    cnn_status status = CNN_MEMORY;
    long allocation = 0;
    for (; status != CNN_OK; allocation++) {
        assert_int_equal(status, CNN_MEMORY);
        memcpy(out, untouched, sizeof out);
        cnn_alloc_fail_after(allocation, true);
        status = cnn_image_fit(picture.bytes, picture.size, "p", (cnn_image_form){{SIDE, SIDE, 1}, CNN_FIT_DIGIT}, out,
                               NULL);
        cnn_alloc_fail_after(-1, false);
        if (status != CNN_OK) {
            assert_memory_equal(out, untouched, sizeof out);
        }
    }
    assert_true(allocation > 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_is_placed_as_in_mnist_wherever_it_is),
        cmocka_unit_test(dark_and_light_digits_come_out_alike),
        cmocka_unit_test(uneven_light_and_shadows_change_little),
        cmocka_unit_test(page_edges_and_specks_are_left_out),
        cmocka_unit_test(parts_of_the_digit_are_kept_and_neighbours_not),
        cmocka_unit_test(a_tightly_cut_digit_is_found),
        cmocka_unit_test(thin_strokes_become_as_wide_as_those_of_mnist),
        cmocka_unit_test(images_of_mnist_stay_as_they_are),
        cmocka_unit_test(the_sample_photographs_hold_digits),
        cmocka_unit_test(without_a_digit_a_picture_is_scaled_and_cut),
        cmocka_unit_test(pictures_are_turned_upright_before),
        cmocka_unit_test(images_of_other_sizes_have_the_same_proportions),
        cmocka_unit_test(pictures_of_any_proportions_and_content_are_fitted),
        cmocka_unit_test(want_of_memory_is_told_and_leaves_the_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

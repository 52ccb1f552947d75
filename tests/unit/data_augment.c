/* Augmentation: what each change may do to an image, and what it must not. */
#include "base/memory.h"
#include "data/augment.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 9, WIDTH = 12, MOST = HEIGHT * WIDTH * 3 };

static uint8_t in[MOST], out[MOST];

static void make_noise(void)
{
    for (uint32_t i = 0; i < MOST; i++) {
        in[i] = (uint8_t)(1 + (i + 1) * 2654435761u % 255);
    }
}

static void augment(const cnn_augmentation *a, int channels, int image)
{
    const cnn_shape shape = {HEIGHT, WIDTH, channels};
    const size_t size = cnn_augment_room(a, shape);
    float *room = size > 0 ? cnn_alloc(size, sizeof *room) : NULL;
    if (size > 0) {
        memset(room, 0xFF, size * sizeof *room); /* NaN */
    }
    memset(out, 0xEE, sizeof out);
    cnn_augment(a, shape, (cnn_showing){1, 0, image}, room, in, out);
    cnn_free(room);
}

/** The input's pixel, from outside as `reflect` says. */
static uint8_t expected_at(int y, int x, int c, int channels, bool reflect)
{
    if (reflect) {
        y = y < 0 ? -y : y >= HEIGHT ? 2 * (HEIGHT - 1) - y : y;
        x = x < 0 ? -x : x >= WIDTH ? 2 * (WIDTH - 1) - x : x;
    }
    const bool outside = y < 0 || y >= HEIGHT || x < 0 || x >= WIDTH;
    return outside ? 0 : in[(y * WIDTH + x) * channels + c];
}

static bool is_moved(int dy, int dx, bool flip, int channels, bool reflect)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            for (int c = 0; c < channels; c++) {
                /* Outside pixels come from the flipped image: its mirrored border. */
                const int column = flip ? WIDTH - 1 - (x - dx) : x - dx;
                if (out[(y * WIDTH + x) * channels + c] != expected_at(y - dy, column, c, channels, reflect)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void nothing_asked_changes_nothing(void **state)
{
    (void)state;
    make_noise();
    augment(&(cnn_augmentation){0}, 3, 0);
    assert_memory_equal(out, in, sizeof in);
}

static void flip_mirrors_about_half_and_twice_is_none(void **state)
{
    (void)state;
    int flipped = 0;
    make_noise();
    for (int image = 0; image < 1000; image++) {
        augment(&(cnn_augmentation){.flip = true}, 3, image);
        const bool is_flipped = is_moved(0, 0, true, 3, false);
        assert_true(is_flipped || memcmp(out, in, sizeof in) == 0);
        flipped += is_flipped;
        if (is_flipped) {
            uint8_t once[MOST];
            memcpy(once, in, sizeof in);
            memcpy(in, out, sizeof in);
            augment(&(cnn_augmentation){.flip = true}, 3, image);
            memcpy(in, once, sizeof in);
            assert_memory_equal(out, in, sizeof in);
        }
    }
    assert_in_range(flipped, 430, 570);
}

static void shifts_are_exact_and_all_occur(void **state)
{
    (void)state;
    make_noise();
    for (int variant = 0; variant < 8; variant++) {
        const bool reflect = variant & 1, flip = variant & 2;
        const int channels = variant & 4 ? 3 : 1;
        int seen[5][5] = {{0}};
        for (int image = 0; image < 600; image++) {
            int matches = 0;
            augment(&(cnn_augmentation){.shift = 2, .reflect = reflect, .flip = flip}, channels, image);
            for (int place = 0; place < 25 * (flip ? 2 : 1); place++) {
                const int dy = place / 5 % 5 - 2, dx = place % 5 - 2;
                if (is_moved(dy, dx, place >= 25, channels, reflect)) {
                    seen[dy + 2][dx + 2]++;
                    matches++;
                }
            }
            assert_int_equal(matches, 1);
        }
        for (int place = 0; place < 25; place++) {
            assert_in_range(seen[place / 5][place % 5], 5, 60);
        }
    }
}

static void shifts_beyond_the_image_are_harmless(void **state)
{
    (void)state;
    make_noise();
    for (int image = 0; image < 300; image++) {
        augment(&(cnn_augmentation){.shift = 100, .flip = true}, 3, image);
        augment(&(cnn_augmentation){.shift = 100, .flip = true, .reflect = true}, 3, image);
        for (int i = 0; i < MOST; i++) {
            assert_int_not_equal(out[i], 0); /* the noise has no zero: nothing came from outside */
        }
        const uint8_t one = 5;
        uint8_t to = 0;
        cnn_augment(&(cnn_augmentation){.shift = 3, .reflect = true}, (cnn_shape){1, 1, 1}, (cnn_showing){1, 0, image},
                    NULL, &one, &to);
        assert_int_equal(to, 5);
    }
}

/** A smooth picture, so that sampling between pixels has a known value. */
static void make_slope(void)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            in[y * WIDTH + x] = (uint8_t)(60 + 10 * x + 3 * y);
        }
    }
}

static void rotation_turns_about_the_centre(void **state)
{
    (void)state;
    double least = 1e9, most = -1e9;
    make_slope();
    for (int image = 0; image < 300; image++) {
        augment(&(cnn_augmentation){.rotate = 10}, 1, image);
        /* Near the centre the slope is still a plane, turned: its change along x and y tells the angle. */
        const double across = (out[4 * WIDTH + 8] - out[4 * WIDTH + 3]) / 5.0;
        const double down = (out[6 * WIDTH + 5] - out[2 * WIDTH + 5]) / 4.0;
        const double angle = atan2(across * 3 - down * 10, across * 10 + down * 3) * 180 / 3.14159265;
        const double length = sqrt(across * across + down * down);
        assert_true(fabs(length - sqrt(109)) < 0.4);
        least = angle < least ? angle : least;
        most = angle > most ? angle : most;
        const double middle = (out[4 * WIDTH + 5] + out[4 * WIDTH + 6]) / 2.0;
        assert_true(fabs(middle - (60 + 55 + 12)) < 1.1);
    }
    assert_true(least > -12 && least < -7 && most > 7 && most < 12);
}

static void scale_changes_the_size(void **state)
{
    (void)state;
    double least = 1e9, most = -1e9;
    make_slope();
    for (int image = 0; image < 300; image++) {
        augment(&(cnn_augmentation){.scale = 0.2}, 1, image);
        const double size = 10 / ((out[4 * WIDTH + 8] - out[4 * WIDTH + 3]) / 5.0);
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    assert_true(least > 0.77 && least < 0.85 && most > 1.15 && most < 1.25);
}

/** Rows move by as much as they are away from the centre, so the slope's change across stays and that down tells the
 * angle. */
static void shear_leans(void **state)
{
    (void)state;
    double least = 1e9, most = -1e9;
    make_slope();
    for (int image = 0; image < 300; image++) {
        augment(&(cnn_augmentation){.shear = 20}, 1, image);
        const double across = (out[4 * WIDTH + 8] - out[4 * WIDTH + 3]) / 5.0;
        const double down = (out[6 * WIDTH + 5] - out[2 * WIDTH + 5]) / 4.0;
        const double angle = atan((down - 3) / 10) * 180 / 3.14159265;
        assert_true(fabs(across - 10) < 0.3);
        assert_int_equal(out[4 * WIDTH + 5], in[4 * WIDTH + 5]);
        least = angle < least ? angle : least;
        most = angle > most ? angle : most;
    }
    assert_true(least > -22 && least < -17 && most > 17 && most < 22);
}

/** The image is sheared about its own centre, then shifted: its middle row is moved by whole pixels. */
static void shear_comes_before_shift(void **state)
{
    (void)state;
    make_noise();
    for (int image = 0; image < 200; image++) {
        int matches = 0;
        augment(&(cnn_augmentation){.shear = 40, .shift = 2}, 1, image);
        for (int place = 0; place < 25; place++) {
            const int down = place / 5 - 2, across = place % 5 - 2;
            matches += memcmp(out + (4 + down) * WIDTH + 2, in + 4 * WIDTH + 2 - across, WIDTH - 4) == 0;
        }
        assert_int_equal(matches, 1);
    }
}

/** Every pixel comes from where the field says. */
static void elastic_distortion_follows_its_field(void **state)
{
    (void)state;
    const cnn_augmentation elastic = {.elastic = {1.5, 3}};
    const cnn_shape shape = {HEIGHT, WIDTH, 1};
    float *field = cnn_alloc(cnn_augment_room(&elastic, shape), sizeof *field);
    double moved = 0;
    make_slope();
    for (int image = 0; image < 100; image++) {
        cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, (uint64_t)image);
        cnn_elastic_draw(&elastic.elastic, shape, &random, field);
        augment(&elastic, 1, image);
        for (int p = 0; p < HEIGHT * WIDTH; p++) {
            const double x = p % WIDTH - (double)field[p], y = p / WIDTH - (double)field[HEIGHT * WIDTH + p];
            if (x >= 0 && x <= WIDTH - 1 && y >= 0 && y <= HEIGHT - 1) {
                assert_true(fabs(out[p] - (60 + 10 * x + 3 * y)) < 0.51);
                moved = fmax(moved, fabs(x - p % WIDTH));
            }
        }
    }
    assert_true(moved > 3);
    cnn_free(field);
}

static void warped_borders_are_zero_or_reflected(void **state)
{
    (void)state;
    int zeros = 0;
    memset(in, 200, sizeof in);
    for (int image = 0; image < 100; image++) {
        augment(&(cnn_augmentation){.rotate = 30, .scale = 0.3, .shift = 4, .reflect = true, .flip = true}, 3, image);
        assert_memory_equal(out, in, sizeof in);
        augment(&(cnn_augmentation){.shear = 60, .elastic = {100, 2}, .reflect = true}, 3, image);
        assert_memory_equal(out, in, sizeof in);
        augment(&(cnn_augmentation){.rotate = 30, .scale = 0.3, .shift = 4}, 3, image);
        for (int i = 0; i < MOST; i++) {
            assert_true(out[i] <= 200);
            zeros += out[i] == 0;
        }
    }
    assert_true(zeros > 1000);
}

static void brightness_and_contrast_keep_their_bounds(void **state)
{
    (void)state;
    int least = 255, most = 0;
    for (int i = 0; i < MOST; i++) {
        in[i] = i % 2 ? 120 : 80;
    }
    for (int image = 0; image < 300; image++) {
        augment(&(cnn_augmentation){.brightness = 0.1}, 3, image);
        assert_int_equal(out[1] - out[0], 40);
        assert_true(abs(out[0] - 80) <= 26);
        least = out[0] < least ? out[0] : least;
        most = out[0] > most ? out[0] : most;
        augment(&(cnn_augmentation){.contrast = 0.5}, 3, image);
        assert_int_equal(out[0] + out[1], 200);
        assert_in_range(out[1] - out[0], 20, 60);
    }
    assert_true(least < 60 && most > 100);
    memset(in, 250, sizeof in);
    for (int image = 0; image < 100; image++) {
        augment(&(cnn_augmentation){.brightness = 0.5}, 3, image);
        assert_true(out[0] >= 122);
    }
}

static void cutout_clears_one_square(void **state)
{
    (void)state;
    int corner_was_hit = 0;
    make_noise();
    for (int image = 0; image < 500; image++) {
        int left = WIDTH, right = -1, top = HEIGHT, bottom = -1, cleared = 0;
        augment(&(cnn_augmentation){.cutout = 4}, 3, image);
        for (int i = 0; i < MOST; i++) {
            const int y = i / (3 * WIDTH), x = i / 3 % WIDTH;
            if (out[i] != in[i]) {
                assert_int_equal(out[i], 0);
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y > bottom ? y : bottom;
                cleared++;
            }
        }
        const int width = right - left + 1, height = bottom - top + 1;
        assert_int_equal(cleared, 3 * width * height);
        assert_true(width == 4 || left == 0 || right == WIDTH - 1);
        assert_true(height == 4 || top == 0 || bottom == HEIGHT - 1);
        assert_true(width >= 2 && width <= 4 && height >= 2 && height <= 4);
        corner_was_hit += left == 0 && top == 0;
    }
    assert_true(corner_was_hit > 0);
    augment(&(cnn_augmentation){.cutout = INT32_MAX}, 3, 0);
}

/** What recipes had from the first release on draws the same numbers as then, whatever has been added. */
static void old_changes_are_as_ever(void **state)
{
    (void)state;
    uint32_t hash = 2166136261u; /* FNV-1a */
    make_noise();
    for (int image = 0; image < 200; image++) {
        augment(&(cnn_augmentation){.shift = 3, .flip = true, .reflect = image % 2, .cutout = 3, .brightness = 0.2}, 3,
                image);
        for (int i = 0; i < MOST; i++) {
            hash = (hash ^ out[i]) * 16777619u;
        }
    }
    assert_int_equal(hash, 3893060333u);
}

static void one_random_position_gives_one_image(void **state)
{
    (void)state;
    const cnn_augmentation all = {.shift = 2,
                                  .reflect = true,
                                  .flip = true,
                                  .rotate = 15,
                                  .scale = 0.1,
                                  .shear = 5,
                                  .elastic = {1, 2},
                                  .cutout = 3,
                                  .erase = 0.5,
                                  .brightness = 0.2,
                                  .contrast = 0.2};
    uint8_t first[MOST];
    make_noise();
    augment(&all, 3, 7);
    memcpy(first, out, sizeof out);
    augment(&all, 3, 8);
    assert_memory_not_equal(out, first, sizeof out);
    augment(&all, 3, 7);
    assert_memory_equal(out, first, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_changes_nothing),
        cmocka_unit_test(flip_mirrors_about_half_and_twice_is_none),
        cmocka_unit_test(shifts_are_exact_and_all_occur),
        cmocka_unit_test(shifts_beyond_the_image_are_harmless),
        cmocka_unit_test(rotation_turns_about_the_centre),
        cmocka_unit_test(scale_changes_the_size),
        cmocka_unit_test(shear_leans),
        cmocka_unit_test(shear_comes_before_shift),
        cmocka_unit_test(elastic_distortion_follows_its_field),
        cmocka_unit_test(warped_borders_are_zero_or_reflected),
        cmocka_unit_test(brightness_and_contrast_keep_their_bounds),
        cmocka_unit_test(cutout_clears_one_square),
        cmocka_unit_test(old_changes_are_as_ever),
        cmocka_unit_test(one_random_position_gives_one_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

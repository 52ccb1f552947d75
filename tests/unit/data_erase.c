/* Random erasing: where, how large, how often, and with what. */
#include "data/augment.h"
#include "unit/unit.h"

#include <string.h>

enum { HEIGHT = 9, WIDTH = 12, MOST = HEIGHT * WIDTH * 3 };

static uint8_t in[MOST], out[MOST];

static void erase(double probability, int image)
{
    memset(in, 0, sizeof in);
    memset(out, 0xEE, sizeof out);
    cnn_augment(&(cnn_augmentation){.erase = probability}, (cnn_shape){HEIGHT, WIDTH, 3}, (cnn_showing){1, 0, image},
                NULL, in, out);
}

/** The rectangle in which out differs from in, which must differ in all of it. */
typedef struct box {
    int top, left, height, width;
} box;

static box changed_box(void)
{
    int left = WIDTH, right = -1, top = HEIGHT, bottom = -1, changed = 0;
    for (int p = 0; p < HEIGHT * WIDTH; p++) {
        if (memcmp(out + 3 * p, in + 3 * p, 3) != 0) {
            const int y = p / WIDTH, x = p % WIDTH;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
            changed++;
        }
    }
    const box found = {top, left, changed > 0 ? bottom - top + 1 : 0, changed > 0 ? right - left + 1 : 0};
    assert_int_equal(changed, found.height * found.width);
    return found;
}

static void erasing_fills_a_rectangle_with_noise(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    int tall = 0, wide = 0, corners = 0;
    double area = 0, noise = 0, bytes = 0;
    for (int image = 0; image < COUNT; image++) {
        erase(1, image);
        const box b = changed_box();
        assert_true(b.height >= 1 && b.width >= 1);
        /* Of areas 2.16 to 43.2 and ratios of 0.3 to 1 / 0.3, sides being rounded. */
        assert_true((b.height - 0.5) * (b.width - 0.5) <= 43.2 && (b.height + 0.5) * (b.width + 0.5) >= 2.16);
        assert_true(b.height - 0.5 <= (b.width + 0.5) / 0.3 && b.width - 0.5 <= (b.height + 0.5) / 0.3);
        tall += b.height > b.width;
        wide += b.height < b.width;
        corners += b.top + b.height == HEIGHT && b.left + b.width == WIDTH;
        area += (double)b.height * b.width / COUNT;
        for (int i = 0; i < 3 * b.height * b.width; i++) {
            noise += out[((b.top + i / (3 * b.width)) * WIDTH + b.left) * 3 + i % (3 * b.width)];
            bytes++;
        }
    }
    assert_true(area > 21 && area < 24.5 && noise / bytes > 126 && noise / bytes < 129);
    assert_true(tall > COUNT / 3 && wide > COUNT / 3 && corners > COUNT / 100);
}

static void erasing_is_as_frequent_as_asked(void **state)
{
    (void)state;
    int erased = 0;
    for (int image = 0; image < 2000; image++) {
        erase(0.25, image);
        erased += changed_box().height > 0;
    }
    assert_in_range(erased, 420, 580);
    erase(0, 0);
    assert_memory_equal(out, in, sizeof in);
}

static void a_single_pixel_can_be_erased(void **state)
{
    (void)state;
    const uint8_t one = 5;
    uint8_t to = 0;
    cnn_augment(&(cnn_augmentation){.erase = 1}, (cnn_shape){1, 1, 1}, (cnn_showing){1, 0, 0}, NULL, &one, &to);
    assert_int_not_equal(to, 5); /* with this seed the byte is another */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erasing_fills_a_rectangle_with_noise),
        cmocka_unit_test(erasing_is_as_frequent_as_asked),
        cmocka_unit_test(a_single_pixel_can_be_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

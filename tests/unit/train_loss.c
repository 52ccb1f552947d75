/* The loss of one image: what smoothing and mixing make of it, and its gradient. */
#include "train/loss.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { CLASSES = 5 };

static const cnn_real logits[CLASSES] = {(cnn_real)0.5, -1, 2, (cnn_real)0.25, (cnn_real)-0.125};

static const cnn_target targets[] = {{0, 0, 1, 0},     {2, 2, 1, 0.1},   {1, 4, 0.75, 0}, {1, 4, 0.75, 0.2},
                                     {3, 3, 0.6, 0.1}, {4, 0, 0.5, 0.3}, {2, 1, 1, 0.1}};
enum { TARGETS = sizeof targets / sizeof *targets };

/** The target of class c. */
static double wanted(const cnn_target *target, int c)
{
    return target->smoothing / CLASSES + (1 - target->smoothing) * ((c == target->label ? target->share : 0) +
                                                                    (c == target->other ? 1 - target->share : 0));
}

static void it_is_the_targets_cross_entropy(void **state)
{
    (void)state;
    double normalizer = 0;
    for (int c = 0; c < CLASSES; c++) {
        normalizer += exp((double)logits[c]);
    }
    for (int i = 0; i < TARGETS; i++) {
        cnn_real gradient[CLASSES];
        double expected = 0, sum = 0, sum_wanted = 0;
        const double loss = cnn_mixed_cross_entropy(logits, CLASSES, &targets[i], 0.5, gradient);
        for (int c = 0; c < CLASSES; c++) {
            const double p = exp((double)logits[c]) / normalizer, t = wanted(&targets[i], c);
            expected -= t * log(p);
            sum_wanted += t;
            sum += (double)gradient[c];
            assert_true(fabs((double)gradient[c] - 0.5 * (p - t)) < 1e-7);
        }
        assert_true(fabs(sum_wanted - 1) < 1e-12 && fabs(sum) < 1e-6);
        assert_true(fabs(loss - expected) < 1e-12);
        assert_true(cnn_mixed_cross_entropy(logits, CLASSES, &targets[i], 1, NULL) == loss);
    }
}

/** The gradient is the loss's own, by differences. */
static void its_gradient_matches_differences(void **state)
{
    (void)state;
    const cnn_real step = (cnn_real)0x1p-8; /* so that logits move by it exactly */
    for (int i = 0; i < TARGETS; i++) {
        cnn_real gradient[CLASSES], moved[CLASSES];
        cnn_mixed_cross_entropy(logits, CLASSES, &targets[i], 1, gradient);
        for (int c = 0; c < CLASSES; c++) {
            memcpy(moved, logits, sizeof moved);
            moved[c] = logits[c] + step;
            const double above = cnn_mixed_cross_entropy(moved, CLASSES, &targets[i], 1, NULL);
            moved[c] = logits[c] - step;
            const double below = cnn_mixed_cross_entropy(moved, CLASSES, &targets[i], 1, NULL);
            assert_true(fabs((above - below) / (2 * (double)step) - (double)gradient[c]) < 1e-5);
        }
    }
}

/** A share of 1 leaves the other label out, and equal labels the share: to the bit what one label gives. */
static void one_label_is_a_share_of_one(void **state)
{
    (void)state;
    for (int label = 0; label < CLASSES; label++) {
        cnn_real one[CLASSES], mixed[CLASSES];
        const cnn_target target = {label, (label + 1) % CLASSES, 1, 0.1};
        const double loss = cnn_cross_entropy(logits, CLASSES, label, 0.1, 0.25, one);
        assert_true(cnn_mixed_cross_entropy(logits, CLASSES, &target, 0.25, mixed) == loss);
        assert_memory_equal(one, mixed, sizeof one);
        const cnn_target same = {label, label, 0.625, 0.1};
        assert_true(fabs(cnn_mixed_cross_entropy(logits, CLASSES, &same, 0.25, mixed) - loss) < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_targets_cross_entropy),
        cmocka_unit_test(its_gradient_matches_differences),
        cmocka_unit_test(one_label_is_a_share_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

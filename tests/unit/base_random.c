/* Philox against its published known answers (Random123, kat_vectors), and the distributions made of it. */
#include "base/random.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void known_answers(void **state)
{
    (void)state;
    const struct {
        uint32_t counter[4], key[2], answer[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_random random = {.used = 4};
        memcpy(random.key, cases[i].key, sizeof random.key);
        memcpy(random.counter, cases[i].counter, sizeof random.counter);
        for (int word = 0; word < 4; word++) {
            assert_int_equal(cnn_random_word(&random), cases[i].answer[word]);
        }
    }
}

static void streams_differ_in_each_part(void **state)
{
    (void)state;
    cnn_random streams[] = {
        cnn_random_at(1, CNN_RANDOM_ORDER, 2, 3),
        cnn_random_at(2, CNN_RANDOM_ORDER, 2, 3),
        cnn_random_at(1 + ((uint64_t)1 << 32), CNN_RANDOM_ORDER, 2, 3),
        cnn_random_at(1, CNN_RANDOM_AUGMENT, 2, 3),
        cnn_random_at(1, CNN_RANDOM_ORDER, 3, 3),
        cnn_random_at(1, CNN_RANDOM_ORDER, 2, 4),
        cnn_random_at(1, CNN_RANDOM_ORDER, 2, 3 + ((uint64_t)1 << 32)),
    };
    enum { COUNT = sizeof streams / sizeof *streams };
    uint32_t words[COUNT];
    for (int i = 0; i < COUNT; i++) {
        words[i] = cnn_random_word(&streams[i]);
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(words[i], words[j]);
        }
    }
    cnn_random again = cnn_random_at(1, CNN_RANDOM_ORDER, 2, 3);
    assert_int_equal(cnn_random_word(&again), words[0]);
    cnn_random fork = again;
    assert_int_equal(cnn_random_word(&again), cnn_random_word(&fork));
}

static void below_is_even_and_bounded(void **state)
{
    (void)state;
    enum { BOUND = 7, DRAWS = 70000 };
    cnn_random random = cnn_random_at(5, CNN_RANDOM_SPLIT, 0, 0);
    int counts[BOUND] = {0};
    for (int i = 0; i < DRAWS; i++) {
        const uint32_t drawn = cnn_random_below(&random, BOUND);
        assert_true(drawn < BOUND);
        counts[drawn]++;
    }
    for (int i = 0; i < BOUND; i++) {
        assert_in_range(counts[i], DRAWS / BOUND - 500, DRAWS / BOUND + 500); /* 5 deviations */
    }
    assert_int_equal(cnn_random_below(&random, 1), 0);
}

/** With this bound a quarter of all words must be drawn again: without that, some numbers come twice as often. */
static void below_is_unbiased_for_large_bounds(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    cnn_random random = cnn_random_at(6, CNN_RANDOM_SPLIT, 0, 0);
    const uint32_t bound = 0xC0000000u;
    int third[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        third[cnn_random_below(&random, bound) % 3]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(third[i], DRAWS / 3 - 500, DRAWS / 3 + 500);
    }
}

static void moments(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    cnn_random random = cnn_random_at(7, CNN_RANDOM_INITIALIZE, 0, 0);
    double uniform = 0;
    double sum = 0;
    double square = 0;
    double fourth = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double u = cnn_random_uniform(&random);
        const double z = cnn_random_normal(&random);
        assert_true(u >= 0 && u < 1 && isfinite(z));
        uniform += u;
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
    }
    assert_true(fabs(uniform / DRAWS - 0.5) < 0.005);
    assert_true(fabs(sum / DRAWS) < 0.016);
    assert_true(fabs(square / DRAWS - 1) < 0.023);
    assert_true(fabs(fourth / DRAWS - 3) < 0.16);
}

static void beta_is_symmetric_and_as_wide_as_it_should(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    static const double alphas[] = {0.2, 1, 4};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        cnn_random random = cnn_random_at(8, CNN_RANDOM_MIXUP, 0, a);
        double sum = 0, square = 0;
        int low = 0, high = 0;
        for (int i = 0; i < DRAWS; i++) {
            const double drawn = cnn_random_beta(&random, alphas[a]);
            assert_true(drawn >= 0 && drawn <= 1);
            sum += drawn;
            square += (drawn - 0.5) * (drawn - 0.5);
            low += drawn < 0.25;
            high += drawn > 0.75;
        }
        const double variance = 1 / (4 * (2 * alphas[a] + 1)); /* of (drawn - 1/2)^2 less than half of it */
        assert_true(fabs(sum / DRAWS - 0.5) < 5 * sqrt(variance / DRAWS));
        assert_true(fabs(square / DRAWS - variance) < 0.03 * variance);
        assert_true(abs(low - high) < 5 * sqrt(low + high));
        assert_true(alphas[a] != 1 || abs(low - DRAWS / 4) < 500); /* uniform */
    }
    cnn_random random = cnn_random_at(8, CNN_RANDOM_MIXUP, 0, 9);
    for (int i = 0; i < 100; i++) { /* one of two numbers that are too small for a double is still the larger */
        const double drawn = cnn_random_beta(&random, 1e-4);
        assert_true(drawn < 0.001 || drawn > 0.999);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(streams_differ_in_each_part),
        cmocka_unit_test(below_is_even_and_bounded),
        cmocka_unit_test(below_is_unbiased_for_large_bounds),
        cmocka_unit_test(moments),
        cmocka_unit_test(beta_is_symmetric_and_as_wide_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

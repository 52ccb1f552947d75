/* Elastic distortions: the fields against their definition, and what is promised of their size. */
#include "base/memory.h"
#include "data/elastic.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

static float *make_room(const cnn_elastic *elastic, cnn_shape shape)
{
    const size_t size = cnn_elastic_room(elastic, shape);
    float *room = cnn_alloc(size, sizeof *room);
    assert_non_null(room);
    memset(room, 0xFF, size * sizeof *room); /* NaN */
    return room;
}

static cnn_random stream(uint64_t image)
{
    return cnn_random_at(3, CNN_RANDOM_AUGMENT, 1, image);
}

/** One axis of a field: the bytes of random words, four to a word and each row beginning with a new one, under a
 * two-dimensional Gaussian. */
static void naive_axis(const cnn_elastic *e, cnn_shape shape, cnn_random *random, double *noise, double *out)
{
    const int reach = (int)ceil(3 * e->sigma);
    double squares = 0;
    for (int y = 0; y < shape.height; y++) {
        for (int x = 0; x < shape.width; x += 4) {
            const uint32_t word = cnn_random_word(random);
            for (int k = 0; k < 4 && x + k < shape.width; k++) {
                noise[y * shape.width + x + k] = (word >> (8 * k) & 255) - 127.5;
            }
        }
    }
    for (int dy = -reach; dy <= reach; dy++) {
        for (int dx = -reach; dx <= reach; dx++) {
            squares += exp(-(dy * dy + dx * dx) / (e->sigma * e->sigma));
        }
    }
    for (int p = 0; p < shape.height * shape.width; p++) {
        out[p] = 0;
        for (int q = 0; q < shape.height * shape.width; q++) {
            const int dy = q / shape.width - p / shape.width, dx = q % shape.width - p % shape.width;
            if (dy >= -reach && dy <= reach && dx >= -reach && dx <= reach) {
                out[p] += exp(-(dy * dy + dx * dx) / (2 * e->sigma * e->sigma)) * noise[q];
            }
        }
        out[p] *= e->alpha / sqrt(squares * (256 * 256 - 1) / 12);
    }
}

static void fields_are_smoothed_noise(void **state)
{
    (void)state;
    const struct {
        cnn_elastic elastic;
        cnn_shape shape;
    } cases[] = {{{2, 1}, {9, 13, 1}}, {{0.5, 4}, {28, 28, 1}}, {{3, 0.5}, {1, 7, 3}}, {{1, 10}, {6, 1, 1}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cnn_elastic *elastic = &cases[i].elastic;
        const cnn_shape shape = cases[i].shape;
        const size_t size = (size_t)shape.height * (size_t)shape.width;
        float *room = make_room(elastic, shape);
        double *noise = cnn_alloc(size, sizeof *noise), *expected = cnn_alloc(size, sizeof *expected);
        cnn_random random = stream(i), same = random;
        cnn_elastic_draw(elastic, shape, &random, room);
        for (size_t axis = 0; axis < 2; axis++) {
            naive_axis(elastic, shape, &same, noise, expected);
            for (size_t p = 0; p < size; p++) {
                assert_true(fabs((double)room[axis * size + p] - expected[p]) < 1e-5 * elastic->alpha);
            }
        }
        cnn_free(noise);
        cnn_free(expected);
        cnn_free(room);
    }
}

/** Deviation alpha whatever sigma is, half the variance at an edge, and neighbours at distance d together as
 * exp(-d^2 / 4 sigma^2). */
static void displacements_are_of_the_size_asked_for(void **state)
{
    (void)state;
    enum { SIDE = 64, MIDDLE = SIDE * SIDE / 2 + SIDE / 2, COUNT = 1500 };
    for (double sigma = 1; sigma < 9; sigma *= 2) {
        const cnn_elastic elastic = {1.5, sigma};
        const cnn_shape shape = {SIDE, SIDE, 1};
        float *room = make_room(&elastic, shape);
        double variance = 0, edge = 0, together = 0, between = 0;
        for (uint64_t image = 0; image < COUNT; image++) {
            cnn_random random = stream(image);
            cnn_elastic_draw(&elastic, shape, &random, room);
            const double here = (double)room[MIDDLE], border = (double)room[SIDE / 2];
            variance += here * here / COUNT;
            edge += border * border / COUNT;
            together += here * (double)room[MIDDLE + (int)(2 * sigma)] / COUNT;
            between += here * (double)room[SIDE * SIDE + MIDDLE] / COUNT;
        }
        assert_true(fabs(variance / 2.25 - 1) < 0.18); /* 5 deviations */
        assert_true(edge / variance > 0.4 && edge / variance < 0.85);
        assert_true(fabs(together / variance - exp(-1)) < 0.15 && fabs(between / variance) < 0.15);
        cnn_free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_smoothed_noise),
        cmocka_unit_test(displacements_are_of_the_size_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

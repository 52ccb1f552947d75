/* The batch loader: what batches hold, wherever it starts, whenever it stops. */
#include "base/memory.h"
#include "data/loader.h"
#include "unit/unit.h"

#include <string.h>
#include <time.h>

enum { IMAGES = 23, DRAWN = 17, BATCH = 5, STEPS = 4, SIZE = 6 * 6 * 3, CLASSES = 10 };

static cnn_dataset *data;
static int indices[DRAWN];
static const double mean[3] = {0.5, 0.25, 0.1}, deviation[3] = {0.5, 0.2, 0.3};

static int setup(void **state)
{
    (void)state;
    static uint8_t pixels[IMAGES * SIZE];
    static const char *const names[CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    int labels[IMAGES];
    for (uint32_t i = 0; i < sizeof pixels; i++) {
        pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
    }
    for (int i = 0; i < DRAWN; i++) {
        indices[i] = (5 * i + 3) % IMAGES;
    }
    data = cnn_dataset_new(&(cnn_dataset_content){pixels, labels, IMAGES, {6, 6, 3}, names, CLASSES}, NULL);
    return data == NULL;
}

static int teardown(void **state)
{
    (void)state;
    cnn_dataset_free(data);
    return 0;
}

static cnn_loader_options options_from(int epoch, int step, bool augments)
{
    return (cnn_loader_options){.data = data,
                                .indices = indices,
                                .count = DRAWN,
                                .batch = BATCH,
                                .seed = 42,
                                .augments = augments,
                                .augmentation = {.shift = 1,
                                                 .flip = true,
                                                 .alternate = true,
                                                 .rotate = 5,
                                                 .elastic = {0.5, 1},
                                                 .brightness = 0.1,
                                                 .erase = 0.5},
                                .mean = mean,
                                .deviation = deviation,
                                .epoch = epoch,
                                .step = step};
}

/** A loader that starts at the batch `epoch`, `step`. */
static cnn_loader *start(int epoch, int step, bool augments)
{
    cnn_error error = {0};
    const cnn_loader_options options = options_from(epoch, step, augments);
    cnn_loader *const loader = cnn_loader_new(&options, &error);
    if (loader == NULL) {
        fail_msg("%s", error.message);
    }
    return loader;
}

static void an_epoch_holds_every_image_once_scaled(void **state)
{
    (void)state;
    cnn_loader *const loader = start(0, 0, false);
    for (int epoch = 0; epoch < 3; epoch++) {
        bool seen[IMAGES] = {false};
        int order[DRAWN];
        cnn_loader_order(42, CNN_RANDOM_ORDER, epoch, DRAWN, order);
        for (int step = 0; step < STEPS; step++) {
            cnn_batch batch;
            cnn_loader_next(loader, &batch);
            assert_int_equal(batch.epoch, epoch);
            assert_int_equal(batch.step, step);
            assert_int_equal(batch.count, step < 3 ? 5 : 2);
            for (int i = 0; i < batch.count; i++) {
                const int image = indices[order[step * BATCH + i]];
                assert_false(seen[image]);
                seen[image] = true;
                assert_int_equal(batch.labels[i], image % CLASSES);
                for (int at = 0; at < SIZE; at++) {
                    const double value = cnn_dataset_pixels(data, image)[at] / 255.0;
                    const cnn_real expected = (cnn_real)((value - mean[at % 3]) / deviation[at % 3]);
                    assert_memory_equal(&batch.images[i * SIZE + at], &expected, sizeof expected);
                }
            }
        }
        for (int i = 0; i < DRAWN; i++) {
            assert_true(seen[indices[i]]);
        }
    }
    cnn_loader_free(loader);
}

static void a_resumed_loader_continues_exactly(void **state)
{
    (void)state;
    enum { BATCHES = 3 * STEPS };
    static cnn_real images[BATCHES][BATCH * SIZE];
    int labels[BATCHES][BATCH];
    cnn_batch batch;
    cnn_loader *loader = start(0, 0, true);
    for (int i = 0; i < BATCHES; i++) {
        cnn_loader_next(loader, &batch);
        memcpy(images[i], batch.images, (size_t)batch.count * SIZE * sizeof images[0][0]);
        memcpy(labels[i], batch.labels, (size_t)batch.count * sizeof labels[0][0]);
    }
    cnn_loader_free(loader);
    for (int first = 0; first < BATCHES; first++) {
        loader = start(first / STEPS, first % STEPS, true);
        for (int i = first; i < BATCHES; i++) {
            cnn_loader_next(loader, &batch);
            assert_int_equal(batch.epoch * STEPS + batch.step, i);
            assert_memory_equal(batch.images, images[i], (size_t)batch.count * SIZE * sizeof images[0][0]);
            assert_memory_equal(batch.labels, labels[i], (size_t)batch.count * sizeof labels[0][0]);
        }
        cnn_loader_free(loader);
    }
}

static void a_batch_stays_while_the_worker_goes_on(void **state)
{
    (void)state;
    static cnn_real images[BATCH * SIZE];
    cnn_batch batch;
    cnn_loader *const loader = start(0, 0, true);
    for (int i = 0; i < 20; i++) {
        cnn_loader_next(loader, &batch);
        const size_t size = (size_t)batch.count * SIZE * sizeof images[0];
        memcpy(images, batch.images, size);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
        assert_memory_equal(batch.images, images, size);
    }
    cnn_loader_free(loader);
}

static void augmentation_follows_the_image_not_its_place(void **state)
{
    (void)state;
    /* With another choice of images, image 3 keeps what happens to it in an epoch. */
    static cnn_real first[SIZE];
    const int alone[1] = {3};
    cnn_batch batch;
    cnn_loader *loader = start(1, 0, true);
    bool found = false;
    for (int step = 0; step < STEPS; step++) {
        int order[DRAWN];
        cnn_loader_order(42, CNN_RANDOM_ORDER, 1, DRAWN, order);
        cnn_loader_next(loader, &batch);
        for (int i = 0; i < batch.count; i++) {
            if (indices[order[step * BATCH + i]] == 3) {
                memcpy(first, batch.images + i * SIZE, sizeof first);
                found = true;
            }
        }
    }
    assert_true(found);
    cnn_loader_free(loader);
    cnn_loader_options options = options_from(1, 0, true);
    options.indices = alone;
    options.count = 1;
    loader = cnn_loader_new(&options, NULL);
    cnn_loader_next(loader, &batch);
    assert_int_equal(batch.count, 1);
    assert_memory_equal(batch.images, first, sizeof first);
    cnn_loader_next(loader, &batch);
    assert_int_equal(batch.epoch, 2);
    assert_memory_not_equal(batch.images, first, sizeof first);
    cnn_loader_free(loader);
}

/** Batches of a mixing loader against those of one that does not mix. */
static void mixing_is_what_it_is_defined_as(void **state)
{
    (void)state;
    cnn_loader_options options = options_from(1, 0, true);
    cnn_loader *const plain = cnn_loader_new(&options, NULL);
    options.mixup = 0.7;
    cnn_loader *const mixing = cnn_loader_new(&options, NULL);
    for (int step = 0; step < 2 * STEPS; step++) {
        cnn_batch pure, mixed;
        cnn_loader_next(plain, &pure);
        cnn_loader_next(mixing, &mixed);
        assert_null(pure.others);
        assert_null(pure.shares);
        assert_int_equal(mixed.count, pure.count);
        assert_memory_equal(mixed.labels, pure.labels, (size_t)pure.count * sizeof *pure.labels);
        for (int i = 0; i < pure.count; i++) {
            const int next = (i + 1) % pure.count;
            const cnn_real own = (cnn_real)mixed.shares[i], rest = (cnn_real)(1 - mixed.shares[i]);
            assert_int_equal(mixed.others[i], pure.labels[next]);
            assert_true(mixed.shares[i] >= 0.5 && mixed.shares[i] <= 1);
            for (int at = 0; at < SIZE; at++) {
                assert_true(mixed.images[i * SIZE + at] ==
                            own * pure.images[i * SIZE + at] + rest * pure.images[next * SIZE + at]);
            }
        }
    }
    cnn_loader_free(plain);
    cnn_loader_free(mixing);
}

/** Of Beta(1, 1), folded: uniform from 1/2 to 1; and other ones each epoch. */
static void shares_are_drawn_as_asked(void **state)
{
    (void)state;
    enum { EPOCHS = 600 };
    cnn_loader_options options = options_from(0, 0, false);
    options.mixup = 1;
    cnn_loader *const loader = cnn_loader_new(&options, NULL);
    double sum = 0, square = 0, former = 0;
    for (int i = 0; i < EPOCHS * STEPS; i++) {
        cnn_batch batch;
        cnn_loader_next(loader, &batch);
        assert_true(batch.shares[0] != former);
        former = batch.shares[0];
        for (int k = 0; k < batch.count; k++) {
            sum += batch.shares[k];
            square += (batch.shares[k] - 0.75) * (batch.shares[k] - 0.75);
        }
    }
    assert_true(sum / (EPOCHS * DRAWN) > 0.743 && sum / (EPOCHS * DRAWN) < 0.757); /* 5 deviations */
    assert_true(square / (EPOCHS * DRAWN) > 0.95 / 48 && square / (EPOCHS * DRAWN) < 1.05 / 48);
    cnn_loader_free(loader);
}

/** What an image is mixed with is the batch's affair, by which share its own; alone it stays as it is. */
static void an_image_alone_is_not_mixed(void **state)
{
    (void)state;
    cnn_batch pure, mixed;
    cnn_loader_options options = options_from(0, 2, true);
    options.count = 9; /* the last batch has one */
    options.batch = 4;
    cnn_loader *const plain = cnn_loader_new(&options, NULL);
    options.mixup = 1;
    cnn_loader *const mixing = cnn_loader_new(&options, NULL);
    cnn_loader_next(plain, &pure);
    cnn_loader_next(mixing, &mixed);
    assert_int_equal(mixed.count, 1);
    assert_true(mixed.shares[0] == 1);
    assert_int_equal(mixed.others[0], mixed.labels[0]);
    for (int at = 0; at < SIZE; at++) {
        assert_true(mixed.images[at] == pure.images[at]);
    }
    cnn_loader_free(plain);
    cnn_loader_free(mixing);
}

static void a_resumed_loader_mixes_the_same(void **state)
{
    (void)state;
    cnn_loader_options options = options_from(0, 0, true);
    options.mixup = 0.3;
    cnn_loader *const whole = cnn_loader_new(&options, NULL);
    for (int i = 0; i < 2 * STEPS; i++) {
        cnn_batch expected, found;
        options.epoch = i / STEPS;
        options.step = i % STEPS;
        cnn_loader *const resumed = cnn_loader_new(&options, NULL);
        cnn_loader_next(whole, &expected);
        cnn_loader_next(resumed, &found);
        const size_t count = (size_t)expected.count;
        assert_memory_equal(found.images, expected.images, count * SIZE * sizeof *found.images);
        assert_memory_equal(found.others, expected.others, count * sizeof *found.others);
        assert_memory_equal(found.shares, expected.shares, count * sizeof *found.shares);
        cnn_loader_free(resumed);
    }
    cnn_loader_free(whole);
}

static void it_stops_at_any_moment(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        cnn_batch batch;
        cnn_loader *const loader = start(0, round % STEPS, round % 2 == 0);
        for (int i = 0; i < round % 7; i++) {
            cnn_loader_next(loader, &batch);
        }
        cnn_loader_free(loader);
    }
    cnn_loader_free(NULL);
}

static void orders_are_permutations_and_all_occur(void **state)
{
    (void)state;
    int order[4], counts[256] = {0}, kinds = 0;
    for (int epoch = 0; epoch < 2400; epoch++) {
        cnn_loader_order(9, CNN_RANDOM_ORDER, epoch, 4, order);
        int bits = 0, key = 0;
        for (int i = 0; i < 4; i++) {
            bits |= 1 << order[i];
            key = 4 * key + order[i];
        }
        assert_int_equal(bits, 15);
        counts[key]++;
    }
    for (int key = 0; key < 256; key++) {
        if (counts[key] > 0) {
            assert_in_range(counts[key], 60, 140);
            kinds++;
        }
    }
    assert_int_equal(kinds, 24);
    int again[4];
    cnn_loader_order(9, CNN_RANDOM_ORDER, 5, 4, order);
    cnn_loader_order(9, CNN_RANDOM_ORDER, 5, 4, again);
    assert_memory_equal(order, again, sizeof order);
    cnn_loader_order(9, CNN_RANDOM_ORDER, 0, 0, order);
}

static void grey_pixels_are_scaled_too(void **state)
{
    (void)state;
    cnn_real table[256], out[3];
    cnn_scale_table(1, &mean[1], &deviation[1], table);
    cnn_scale_pixels((const uint8_t[]){0, 51, 255}, 3, 1, table, out);
    assert_true(out[0] == (cnn_real)(-0.25 / 0.2));
    assert_true(out[1] == (cnn_real)((51 / 255.0 - 0.25) / 0.2));
    assert_true(out[2] == (cnn_real)(0.75 / 0.2));
}

static void wrong_starts_are_refused(void **state)
{
    (void)state;
    cnn_error error = {0};
    cnn_loader_options options = options_from(0, STEPS, false);
    assert_null(cnn_loader_new(&options, &error));
    assert_int_equal(error.status, CNN_USAGE);
    options = options_from(-1, 0, false);
    assert_null(cnn_loader_new(&options, &error));
    options = options_from(0, 0, false);
    options.batch = 0;
    assert_null(cnn_loader_new(&options, &error));
    options = options_from(0, 0, false);
    options.count = 0;
    assert_null(cnn_loader_new(&options, &error));
}

static void memory_that_is_out_is_said_so(void **state)
{
    (void)state;
    cnn_loader_options options = options_from(0, 0, true);
    options.mixup = 1;
    cnn_loader *loader = NULL;
    long allocation = 0;
    for (; loader == NULL; allocation++) {
        cnn_error error = {0};
        cnn_alloc_fail_after(allocation, true);
        loader = cnn_loader_new(&options, &error);
        cnn_alloc_fail_after(-1, false);
        if (loader == NULL) {
            assert_int_equal(error.status, CNN_MEMORY);
        }
    }
    assert_true(allocation > 14);
    cnn_loader_free(loader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_holds_every_image_once_scaled),
        cmocka_unit_test(a_resumed_loader_continues_exactly),
        cmocka_unit_test(a_batch_stays_while_the_worker_goes_on),
        cmocka_unit_test(augmentation_follows_the_image_not_its_place),
        cmocka_unit_test(mixing_is_what_it_is_defined_as),
        cmocka_unit_test(shares_are_drawn_as_asked),
        cmocka_unit_test(an_image_alone_is_not_mixed),
        cmocka_unit_test(a_resumed_loader_mixes_the_same),
        cmocka_unit_test(it_stops_at_any_moment),
        cmocka_unit_test(orders_are_permutations_and_all_occur),
        cmocka_unit_test(grey_pixels_are_scaled_too),
        cmocka_unit_test(wrong_starts_are_refused),
        cmocka_unit_test(memory_that_is_out_is_said_so),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* Classifying and training allocate nothing once session and trainer are made: not through the library's allocator,
 * and, where that can be counted, not behind its back. OpenBLAS takes a buffer for each thread that multiplies at the
 * same time as others, at the first such time, and keeps it: a warm-up lets it do so before the counting. */
#include "base/memory.h"
#include "cnn.h"
#include "math/gemm.h"
#include "unit/unit.h"

#ifdef CNN_COUNTS_HEAP
#include "unit/heap.h"
#endif

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 50, SIZE = 12 * 12 * 3, CLASSES = 4, MOST_THREADS = 3, BATCH = 16 };

/* Every kind of layer, both algorithms of convolution; the large ones run over the whole batch in slices. */
static const char *const network = "input 12x12x3 scale=standardize\n"
                                   "conv filters=32 padding=same bias=off\nbatchnorm\nrelu\n"
                                   "residual {\nconv filters=32 padding=same\nrelu\n"
                                   "conv filters=32 kernel=5 padding=same algorithm=im2col\nbatchnorm\n}\nrelu\n"
                                   "residual projection=batchnorm {\nconv filters=64 stride=2 padding=same\n}\n"
                                   "maxpool size=2\nconv filters=128 padding=same\nrelu\n"
                                   "conv filters=128 padding=same\nrelu\navgpool size=2 padding=same stride=1\n"
                                   "dense units=300\nrelu\ndropout rate=0.5\ndense units=64\nrelu\ndense units=4\n";
static const char *const alone = "input 12x12x3\nconv filters=8\nglobalavgpool\ndense units=4\n";

static uint8_t pixels[IMAGES * SIZE];
static int labels[IMAGES];

static long allocations(void)
{
#ifdef CNN_COUNTS_HEAP
    return cnn_alloc_count() + atomic_load(&heap_count);
#else
    return cnn_alloc_count();
#endif
}

/* ---- OpenBLAS's buffers */

static pthread_barrier_t barrier;

static void *multiply(void *context)
{
    enum { N = 768 };
    (void)context;
    cnn_real *all = cnn_alloc((size_t)3 * N * N, sizeof *all);
    const cnn_factor a = {{all, N, N, N}, CNN_PLAIN}, b = {{all + N * N, N, N, N}, CNN_PLAIN};
    for (int i = 0; i < 4; i++) {
        pthread_barrier_wait(&barrier); /* so that all multiply at once, be it by turns of a few milliseconds each */
        cnn_gemm(a, b, (cnn_product){all + (size_t)2 * N * N, N, 0});
    }
    cnn_free(all);
    return NULL;
}

static int warm_up(void **state)
{
    (void)state;
    pthread_t threads[MOST_THREADS];
    openblas_set_num_threads(1);
    pthread_barrier_init(&barrier, NULL, MOST_THREADS);
    for (int i = 0; i < MOST_THREADS; i++) {
        if (pthread_create(&threads[i], NULL, multiply, NULL) != 0) {
            abort();
        }
    }
    for (int i = 0; i < MOST_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof pixels; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(seed >> 24);
        labels[i / SIZE] = (int)(i / SIZE) % CLASSES;
    }
    return 0;
}

/* ---- the counting itself */

static void *allocate(void *context)
{
    cnn_free(cnn_alloc(1, 1));
    return context;
}

static void allocations_of_threads_are_counted(void **state)
{
    (void)state;
    pthread_t thread;
    const long before = allocations();
    assert_int_equal(pthread_create(&thread, NULL, allocate, NULL), 0);
    pthread_join(thread, NULL);
    assert_true(allocations() > before);
}

#ifdef CNN_COUNTS_HEAP
static void allocations_of_each_kind_are_counted(void **state)
{
    (void)state;
    void *volatile kept[7]; /* else compilers leave out an allocation that nobody uses */
    void *aligned = NULL;
    const long before = atomic_load(&heap_count);
    kept[0] = malloc(1);
    kept[1] = calloc(1, 1);
    kept[2] = realloc(NULL, 1);
    kept[3] = aligned_alloc(64, 64);
    kept[4] = posix_memalign(&aligned, 64, 64) == 0 ? aligned : NULL;
    kept[5] = strdup("by the C library");
    kept[6] = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(atomic_load(&heap_count) - before, 7);
    assert_true((uintptr_t)kept[3] % 64 == 0 && (uintptr_t)kept[4] % 64 == 0 && kept[6] != MAP_FAILED);
    for (int i = 0; i < 6; i++) {
        free(kept[i]);
    }
    munmap(kept[6], 4096);
}
#endif

/* ---- classifying */

static cnn_recipe *make_recipe(const char *layers, const char *train)
{
    char text[1024];
    cnn_error error = {0};
    snprintf(text, sizeof text, "%s%s\n", layers, train);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test", &error);
    assert_string_equal(error.message, "");
    return recipe;
}

static void check_classifying(const cnn_model *const *models, int count, const cnn_session_options *options)
{
    static const int counts[] = {1, BATCH, 7, IMAGES, 0, BATCH + 1, 1, 2 * BATCH, BATCH - 1};
    static float probabilities[IMAGES * CLASSES];
    cnn_session *session = cnn_session_new_ensemble(models, count, options, NULL);
    assert_non_null(session);
    const long before = allocations();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            assert_int_equal(cnn_session_classify_pixels(session, pixels, counts[i], probabilities, NULL), CNN_OK);
        }
    }
    assert_int_equal(allocations() - before, 0);
    cnn_session_free(session);
}

static void classifying_allocates_nothing(void **state)
{
    (void)state;
    const char *const networks[] = {network, alone};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        cnn_recipe *recipe = make_recipe(networks[i], "");
        cnn_model *model = cnn_model_new(recipe, 3, NULL);
        assert_non_null(model);
        const cnn_model *const twice[] = {model, model};
        for (int threads = 1; threads <= MOST_THREADS; threads += 2) {
            cnn_session_options options = {.threads = threads, .batch = BATCH};
            check_classifying(twice, 1, &options);
            options.tta = CNN_TTA_FLIP_SHIFT;
            check_classifying(twice, 2, &options);
            options = (cnn_session_options){.threads = threads, .batch = BATCH, .tune = true};
            check_classifying(twice, 1, &options);
        }
        cnn_model_free(model);
        cnn_recipe_free(recipe);
    }
}

/* ---- training */

/* Counts from the trainer's creation to its end, validation included. */
static void check_training(const cnn_recipe *recipe, const cnn_dataset *data, int threads)
{
    cnn_error error = {0};
    cnn_progress progress;
    int steps = 0, validations = 0;
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &(cnn_trainer_options){.threads = threads, .seed = 5}, &error);
    assert_string_equal(error.message, "");
    const long before = allocations();
    do {
        assert_int_equal(cnn_trainer_step(trainer, &progress, NULL), CNN_OK);
        validations += progress.validated;
        steps++;
    } while (!progress.done);
    assert_int_equal(allocations() - before, 0);
    assert_int_equal(steps, 3 * 3); /* of 40 images, the last of an epoch over 8 */
    assert_int_equal(validations, 3);
    cnn_trainer_free(trainer);
}

static void training_allocates_nothing(void **state)
{
    (void)state;
    static const char *const trains[] = {
        ("train epochs=3 batch=16 lr=0.001 momentum=0.9 val=10 schedule=cosine warmup=1\n"
         "augment shift=2 flip=on rotate=9 scale=0.1 brightness=0.1 contrast=0.1 cutout=3"),
        "train epochs=3 batch=16 lr=0.0001 optimizer=adamw weight-decay=0.01 val=10 label-smoothing=0.1",
        ("train epochs=3 batch=16 lr=0.001 optimizer=muon val=10 clip=1 lookahead=2 average=0.9\n"
         "augment mixup=1 flip=alternate elastic=1 shear=5 erase=0.5"),
    };
    const cnn_dataset_content content = {.pixels = pixels,
                                         .labels = labels,
                                         .count = IMAGES,
                                         .shape = {12, 12, 3},
                                         .class_names = (const char *const[]){"a", "b", "c", "d"},
                                         .class_count = CLASSES};
    cnn_dataset *data = cnn_dataset_new(&content, NULL);
    assert_non_null(data);
    for (size_t i = 0; i < sizeof trains / sizeof *trains; i++) {
        cnn_recipe *recipe = make_recipe(network, trains[i]);
        for (int threads = 1; threads <= MOST_THREADS; threads += 2) {
            check_training(recipe, data, threads);
        }
        cnn_recipe_free(recipe);
    }
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_of_threads_are_counted),
#ifdef CNN_COUNTS_HEAP
        cmocka_unit_test(allocations_of_each_kind_are_counted),
#endif
        cmocka_unit_test(classifying_allocates_nothing),
        cmocka_unit_test(training_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}

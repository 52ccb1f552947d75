/* Eight threads at once with what cnn.h lets them share: a model, a data set, OpenBLAS and the file system. What each
 * finds is what one thread alone finds, to the bit. ThreadSanitizer does not see into OpenBLAS: under it, products are
 * plain loops here, so that it sees who reads and writes the matrices. */
#include "base/memory.h"
#include "base/random.h"
#include "net/model.h"
#include "unit/picture.h"
#include "unit/scratch.h"
#include "unit/unit.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>

enum { USERS = 8, VARIANTS = 4 };
enum { IMAGES = 44, SIDE = 8, SIZE = SIDE * SIDE, CLASSES = 3, PICTURES = 18 };

static const char *const network = "input 8x8x1\n"
                                   "conv filters=6 kernel=3 padding=same bias=off\nbatchnorm\nrelu\nmaxpool size=2\n"
                                   "residual {\nconv filters=6 padding=same\nrelu\n}\n"
                                   "dense units=200\nrelu\ndropout rate=0.2\ndense units=3\n";

#ifdef __SANITIZE_THREAD__
static float at(const float *matrix, CBLAS_TRANSPOSE transpose, blasint stride, blasint row, blasint column)
{
    return transpose == CblasNoTrans ? matrix[row * stride + column] : matrix[column * stride + row];
}

void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE turn_a, CBLAS_TRANSPOSE turn_b, blasint m, blasint n, blasint k,
                 float alpha, const float *a, blasint a_stride, const float *b, blasint b_stride, float beta, float *c,
                 blasint c_stride)
{
    (void)order;
    for (blasint row = 0; row < m; row++) {
        for (blasint column = 0; column < n; column++) {
            float sum = 0;
            for (blasint i = 0; i < k; i++) {
                sum += at(a, turn_a, a_stride, row, i) * at(b, turn_b, b_stride, i, column);
            }
            float *const out = &c[row * c_stride + column];
            *out = alpha * sum + (beta == 0 ? 0 : beta * *out);
        }
    }
}
#endif

/* ---- the harness */

typedef struct outcome {
    unsigned char *bytes;
    size_t size;
} outcome;

/** What a thread does, in one of several ways, with `threads` threads below it; what it found, or no bytes where
 * anything failed. */
typedef outcome task(int variant, int threads);

typedef struct user {
    pthread_t thread;
    pthread_barrier_t *start;
    task *task;
    int number;
    outcome found;
} user;

static void *use(void *context)
{
    user *const u = context;
    pthread_barrier_wait(u->start);
    u->found = u->task(u->number % VARIANTS, 1 + u->number % 3);
    return NULL;
}

static void check(task *const *tasks, int count)
{
    user users[USERS];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, USERS);
    for (int i = 0; i < USERS; i++) {
        users[i] = (user){.start = &start, .task = tasks[i % count], .number = i / count};
        assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < USERS; i++) {
        pthread_join(users[i].thread, NULL);
    }
    pthread_barrier_destroy(&start);
    for (int i = 0; i < USERS; i++) {
        const outcome expected = users[i].task(users[i].number % VARIANTS, 1);
        assert_non_null(expected.bytes);
        assert_int_equal(users[i].found.size, expected.size);
        assert_memory_equal(users[i].found.bytes, expected.bytes, expected.size);
        cnn_free(expected.bytes);
        cnn_free(users[i].found.bytes);
    }
}

/* ---- a shared model */

static uint8_t images[IMAGES * SIZE];
static cnn_dataset *set;
static cnn_model *model;
static file picture;

/** A session alone, with threads, over the model twice, with several views. */
static cnn_session *make_session(int variant, int threads)
{
    const cnn_model *const twice[] = {model, model};
    const cnn_session_options options = {
        .threads = threads, .batch = 8, .tta = variant == 2 ? CNN_TTA_FLIP_SHIFT : CNN_TTA_NONE};
    return cnn_session_new_ensemble(twice, variant == 3 ? 2 : 1, &options, NULL);
}

/** [IMAGES + 1][CLASSES] probabilities, [IMAGES + 1] familiarities, loss, share of the right classes. */
typedef float figures[(IMAGES + 1) * (CLASSES + 1) + 2];

static bool classify_all(int variant, int threads, float *out)
{
    cnn_evaluation evaluation = {0};
    cnn_model_info info;
    float *const familiarity = out + (size_t)(IMAGES + 1) * CLASSES;
    cnn_session *session = make_session(variant, threads);
    const bool good =
        session != NULL && cnn_model_describe(model, &info, NULL) == CNN_OK &&
        cnn_session_assess_pixels(session, images, IMAGES, out, familiarity, NULL) == CNN_OK &&
        cnn_session_classify_memory(session, picture.bytes, picture.size, out + IMAGES * CLASSES, NULL) == CNN_OK &&
        cnn_session_evaluate(session, set, &evaluation, NULL) == CNN_OK;
    if (good) {
        familiarity[IMAGES] = cnn_session_familiarity(session);
        familiarity[IMAGES + 1] = (float)evaluation.loss;
        familiarity[IMAGES + 2] = (float)evaluation.accuracy;
    }
    cnn_free(evaluation.confusion);
    cnn_session_free(session);
    return good;
}

static outcome classify(int variant, int threads)
{
    outcome found = {cnn_alloc(1, sizeof(figures)), sizeof(figures)};
    if (found.bytes != NULL && !classify_all(variant, threads, (float *)(void *)found.bytes)) {
        cnn_free(found.bytes);
        found.bytes = NULL;
    }
    return found;
}

/* ---- a shared data set */

static cnn_recipe *make_recipe(const char *train)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s\n", network, train);
    return cnn_recipe_parse(text, "test", NULL);
}

/** The model file of a training; its optimizer is the variant. */
static outcome train(int variant, int threads)
{
    static const char *const trains[VARIANTS] = {
        "train epochs=2 batch=16 lr=0.05 momentum=0.9 val=9\naugment shift=1 flip=on brightness=0.1",
        "train epochs=2 batch=16 lr=0.001 optimizer=adamw clip=1 average=0.9",
        "train epochs=2 batch=11 lr=0.002 optimizer=adam label-smoothing=0.1\naugment mixup=0.2 elastic=0.5",
        "train epochs=2 batch=44 lr=0.01 optimizer=rmsprop lookahead=2\naugment rotate=5 cutout=2"};
    outcome found = {0};
    cnn_progress progress = {0};
    const cnn_trainer_options options = {.threads = threads, .seed = 5};
    cnn_recipe *recipe = make_recipe(trains[variant]);
    cnn_trainer *trainer = recipe != NULL ? cnn_trainer_new(recipe, set, &options, NULL) : NULL;
    cnn_status status = trainer != NULL ? CNN_OK : CNN_USAGE;
    while (status == CNN_OK && !progress.done) {
        status = cnn_trainer_step(trainer, &progress, NULL);
    }
    cnn_model *trained = status == CNN_OK ? cnn_trainer_model(trainer, NULL) : NULL;
    if (trained != NULL) {
        cnn_model_encode(trained, NULL, 0, &found.bytes, &found.size, NULL);
    }
    cnn_model_free(trained);
    cnn_trainer_free(trainer);
    cnn_recipe_free(recipe);
    return found;
}

/* ---- files */

/** Loads the model, and the variant's split of a folder of pictures, whose pixels are what is found. */
static outcome load(int variant, int threads)
{
    outcome found = {0};
    char model_path[128], spec[128];
    (void)threads;
    snprintf(model_path, sizeof model_path, "%s/model", scratch);
    snprintf(spec, sizeof spec, "folder:%s/set", scratch);
    const cnn_split split = variant % 2 == 0 ? CNN_SPLIT_TRAIN : CNN_SPLIT_TEST;
    cnn_model *loaded = cnn_model_load(model_path, NULL);
    cnn_dataset *pictures = cnn_dataset_open(spec, split, (cnn_shape){SIDE, SIDE, 1}, NULL);
    if (loaded != NULL && pictures != NULL && cnn_dataset_count(pictures) == PICTURES) {
        found = (outcome){cnn_alloc(PICTURES, SIZE), PICTURES * SIZE};
    }
    for (int i = 0; found.bytes != NULL && i < PICTURES; i++) {
        memcpy(found.bytes + (size_t)i * SIZE, cnn_dataset_pixels(pictures, i), SIZE);
    }
    cnn_dataset_free(pictures);
    cnn_model_free(loaded);
    return found;
}

static void write_pictures(void)
{
    static const char *const splits[] = {"set/train", "set/test"};
    char name[64];
    scratch_folder("set");
    for (int split = 0; split < 2; split++) {
        scratch_folder(splits[split]);
        for (int i = 0; i < PICTURES; i++) {
            snprintf(name, sizeof name, "%s/%d", splits[split], i % CLASSES);
            if (i < CLASSES) {
                scratch_folder(name);
            }
            snprintf(name, sizeof name, "%s/%d/%d.png", splits[split], i % CLASSES, i);
            make_png(&picture, SIDE, SIDE, 1, images + (size_t)(split * PICTURES + i) * SIZE);
            scratch_write(name, picture.bytes, picture.size);
        }
    }
}

/* ---- the tests */

/** Noise, in three classes by turns. */
static void make_set(void)
{
    static int labels[IMAGES];
    cnn_random random = cnn_random_at(1, CNN_RANDOM_AUGMENT, 0, 0);
    for (size_t i = 0; i < sizeof images; i++) {
        images[i] = (uint8_t)cnn_random_below(&random, 256);
    }
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = i % CLASSES;
    }
    static const char *const names[] = {"0", "1", "2"};
    set = cnn_dataset_new(&(cnn_dataset_content){images, labels, IMAGES, {SIDE, SIDE, 1}, names, CLASSES}, NULL);
    assert_non_null(set);
}

static int make_all(void **state)
{
    (void)state;
    cnn_recipe *recipe = make_recipe("train");
    model = recipe != NULL ? cnn_model_new(recipe, 9, NULL) : NULL;
    cnn_recipe_free(recipe);
    scratch_make();
    make_set();
    write_pictures();
    assert_int_equal(cnn_model_save(model, scratch_path("model"), NULL), CNN_OK);
    return cnn_blas_single_thread(NULL) == CNN_OK ? 0 : -1;
}

static int free_all(void **state)
{
    (void)state;
    scratch_remove_tree(scratch);
    cnn_model_free(model);
    cnn_dataset_free(set);
    return 0;
}

static void eight_threads_classify(void **state)
{
    (void)state;
    check((task *const[]){classify}, 1);
}

static void eight_threads_load(void **state)
{
    (void)state;
    check((task *const[]){load}, 1);
}

static void they_do_all_of_it_at_once(void **state)
{
    (void)state;
    check((task *const[]){classify, train, load}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_classify),
        cmocka_unit_test(eight_threads_load),
        cmocka_unit_test(they_do_all_of_it_at_once),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

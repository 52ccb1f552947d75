/* Which convolution algorithms are the fastest here, by the clock instead of by rule: each possible one computes each
 * pass a few times, on one thread, of a lane or where it runs so of the whole batch; the shortest time counts, which
 * other programs disturb least. Then the combination with the smallest sum over a batch is taken. */
#include "base/arena.h"
#include "base/memory.h"
#include "base/random.h"
#include "layers/conv.h"

#include <float.h>
#include <time.h>

#define LEAST_RUNS 5
#define ENOUGH_SECONDS 0.01

/* The most algorithms of a list. */
#define ALGORITHMS 4

/** How a pass is cut. */
typedef enum cut { LANES, WHOLE, CUTS } cut;

/** One convolution, with memory for every algorithm, and the seconds a batch that were measured. */
typedef struct bench {
    const cnn_conv_geometry *geometry;
    const cnn_layer_tuning *tuning;
    cnn_layer_call call;
    cnn_real *x, *dy;
    cnn_real *tensors[2], *gradients[2];
    size_t scratch_size, prepared_size;
    int images; /* there is memory for: a lane's or the batch's */
    const cnn_conv_algorithm *algorithms[ALGORITHMS];
    int count; /* of the possible ones */
    double seconds[ALGORITHMS][CNN_CONV_PASSES][CUTS];
    double preparing[ALGORITHMS][CNN_CONV_PASSES];
} bench;

/** Whether the pass will run, and so is measured. */
static bool runs(const cnn_layer_tuning *tuning, cnn_conv_pass pass)
{
    return pass == CNN_CONV_FORWARD ||
           (tuning->training && (pass == CNN_CONV_BACKWARD_WEIGHT || tuning->input_gradient));
}

static bool runs_whole(const bench *b, const cnn_conv_algorithm *algorithm, cnn_conv_pass pass)
{
    return algorithm->whole && algorithm->whole(b->geometry, pass);
}

static void find_possible(bench *b)
{
    for (int i = 0; cnn_conv_algorithms[i] && b->count < ALGORITHMS; i++) {
        if (cnn_conv_algorithms[i]->possible(b->geometry)) {
            b->algorithms[b->count++] = cnn_conv_algorithms[i];
        }
    }
}

/** Bytes that the pass needs prepared. */
static size_t prepared_size(const bench *b, const cnn_conv_algorithm *algorithm, cnn_conv_pass pass)
{
    return pass == CNN_CONV_BACKWARD_WEIGHT ? 0 : algorithm->prepared_size(b->geometry, pass);
}

/** What the most demanding of the algorithms needs. */
static void find_sizes(bench *b)
{
    b->images = b->tuning->images;
    for (int i = 0; i < b->count; i++) {
        const cnn_conv_algorithm *algorithm = b->algorithms[i];
        for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
            const size_t scratch = algorithm->scratch_size(b->geometry, (cnn_conv_pass)pass);
            const size_t prepared = prepared_size(b, algorithm, (cnn_conv_pass)pass);
            b->scratch_size = scratch > b->scratch_size ? scratch : b->scratch_size;
            b->prepared_size = prepared > b->prepared_size ? prepared : b->prepared_size;
            if (runs_whole(b, algorithm, (cnn_conv_pass)pass)) {
                b->images = b->tuning->images * b->tuning->lanes;
            }
        }
    }
}

static size_t weight_count(const cnn_conv_geometry *g)
{
    return (size_t)g->output.channels * (size_t)(g->kernel_h * g->kernel_w) * (size_t)g->group_channels;
}

/** `count` numbers an image. */
static cnn_real *take_images(const bench *b, cnn_arena *arena, size_t count)
{
    size_t all = SIZE_MAX;
    cnn_multiply_size((size_t)b->images, count, &all);
    return cnn_arena_take(arena, all, sizeof(cnn_real));
}

static void carve(bench *b, cnn_arena *arena)
{
    const size_t input = cnn_shape_size(b->geometry->input), output = cnn_shape_size(b->geometry->output);
    const size_t counts[] = {weight_count(b->geometry), (size_t)b->geometry->output.channels};
    b->x = take_images(b, arena, input);
    b->dy = take_images(b, arena, output);
    b->call.y = take_images(b, arena, output);
    b->call.dx = take_images(b, arena, input);
    for (int i = 0; i < 2; i++) {
        b->tensors[i] = cnn_arena_take(arena, counts[i], sizeof(cnn_real));
        b->gradients[i] = cnn_arena_take(arena, counts[i], sizeof(cnn_real));
    }
    b->call.prepared = cnn_arena_take(arena, b->prepared_size, 1);
    b->call.scratch = cnn_arena_take(arena, b->scratch_size, 1);
}

/** Numbers of either sign, none of them so small that it would be slow. */
static void fill(cnn_real *numbers, size_t count, cnn_random *random)
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (cnn_real)(cnn_random_uniform(random) - 0.5);
    }
}

static void fill_bench(bench *b)
{
    const size_t images = (size_t)b->images;
    cnn_random random = cnn_random_at(0, CNN_RANDOM_INITIALIZE, 0, 0);
    fill(b->x, images * cnn_shape_size(b->geometry->input), &random);
    fill(b->dy, images * cnn_shape_size(b->geometry->output), &random);
    fill(b->tensors[0], weight_count(b->geometry), &random);
    b->call.x = b->x;
    b->call.dy = b->dy;
    b->call.tensors = b->tensors;
    b->call.gradients = b->gradients;
}

/** How the work of a pass is done: its computing, or before that its preparing. */
typedef struct work {
    const cnn_conv_algorithm *algorithm;
    cnn_conv_pass pass;
    cut how;
    bool preparing;
} work;

static void compute(bench *b, const work *w)
{
    const cnn_conv_geometry *g = b->geometry;
    cnn_layer_call call = b->call;
    call.parts = w->preparing ? w->algorithm->prepare_parts(g, w->pass) : w->how == WHOLE ? CNN_CONV_PARTS : 1;
    call.n = w->how == WHOLE ? b->images : b->tuning->images;
    for (call.part = 0; call.part < call.parts; call.part++) {
        if (w->preparing) {
            w->algorithm->prepare(g, w->pass, &call);
        } else {
            w->algorithm->run[w->pass](
                g, &call, w->how == WHOLE ? cnn_conv_whole_slice(g, w->pass, call.part) : cnn_conv_everything(g));
        }
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double least_seconds(bench *b, const work *w)
{
    double least = DBL_MAX, spent = 0;
    compute(b, w); /* the first run meets cold caches */
    for (int i = 0; i < LEAST_RUNS || spent < ENOUGH_SECONDS; i++) {
        const double begin = now();
        compute(b, w);
        const double seconds = now() - begin;
        least = seconds < least ? seconds : least;
        spent += seconds;
    }
    return least;
}

/** One pass by the algorithm with this index. */
static void measure_pass(bench *b, int index, cnn_conv_pass pass)
{
    const cnn_conv_algorithm *algorithm = b->algorithms[index];
    if (prepared_size(b, algorithm, pass) > 0) {
        b->preparing[index][pass] = least_seconds(b, &(work){algorithm, pass, LANES, true});
    }
    b->seconds[index][pass][LANES] = b->tuning->lanes * least_seconds(b, &(work){algorithm, pass, LANES, false});
    if (runs_whole(b, algorithm, pass)) {
        b->seconds[index][pass][WHOLE] = least_seconds(b, &(work){algorithm, pass, WHOLE, false});
    }
}

static void measure(bench *b)
{
    for (int i = 0; i < b->count; i++) {
        for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
            if (runs(b->tuning, (cnn_conv_pass)pass)) {
                measure_pass(b, i, (cnn_conv_pass)pass);
            }
        }
    }
}

/** Seconds a batch of the algorithms with these indices; inference prepares once for all batches. */
static double sum(const bench *b, const int of[CNN_CONV_PASSES])
{
    double seconds = 0;
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        const cut how = runs_whole(b, b->algorithms[of[pass]], (cnn_conv_pass)pass) ? WHOLE : LANES;
        seconds += b->seconds[of[pass]][pass][how] + (b->tuning->training ? b->preparing[of[pass]][pass] : 0);
    }
    return seconds;
}

/** Passes that do not run take forward's algorithm. */
static void choose(const bench *b, cnn_conv_choice *choice)
{
    double least = DBL_MAX;
    const int combinations = b->count * b->count * b->count;
    for (int c = 0; c < combinations; c++) {
        int of[CNN_CONV_PASSES] = {c % b->count, c / b->count % b->count, c / b->count / b->count};
        for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
            of[pass] = runs(b->tuning, (cnn_conv_pass)pass) ? of[pass] : of[CNN_CONV_FORWARD];
        }
        const double seconds = sum(b, of);
        if (seconds < least) {
            least = seconds;
            for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
                choice->of[pass] = b->algorithms[of[pass]];
            }
        }
    }
}

cnn_status cnn_conv_measure(const cnn_conv_geometry *geometry, const cnn_layer_tuning *tuning, cnn_conv_choice *choice,
                            cnn_error *error)
{
    bench b = {.geometry = geometry, .tuning = tuning, .call = {.training = tuning->training}};
    find_possible(&b);
    if (b.count == 1) {
        return CNN_OK;
    }
    cnn_arena arena = {0};
    find_sizes(&b);
    carve(&b, &arena);
    unsigned char *memory = arena.used < SIZE_MAX ? cnn_alloc(arena.used, 1) : NULL;
    if (memory == NULL) {
        return cnn_fail_memory(error);
    }
    arena = (cnn_arena){.base = memory};
    carve(&b, &arena);
    fill_bench(&b);
    measure(&b);
    choose(&b, choice);
    cnn_free(memory);
    return CNN_OK;
}

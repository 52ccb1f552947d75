/* Where the time goes: each layer and pass, measured inside the real step by an observer of the runner. A thread's time
 * between two notes belongs to the first of them. Steps are measured in slices of the time given, and the fastest slice
 * counts as a whole: its rows add up to its time, and what else the machine did disturbed it least. The peak that they
 * are compared with is that of large products, one thread, best of many. */
#include "base/memory.h"
#include "bench.h"
#include "layers/weights.h"
#include "math/gemm.h"
#include "train/session.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the peak */

/* Operations a second of c = a b, all n x n, the best of products over `seconds`; 0 without memory. */
static double measure_peak(double seconds)
{
    enum { N = 1536 };
    cnn_real *all = cnn_alloc(3 * N * N, sizeof *all);
    double best = 0;
    const double begin = bench_now();
    for (int i = 0; all && i < 2 * N * N; i++) {
        all[i] = (cnn_real)(i % 7);
    }
    for (double last = begin; all && last - begin < seconds;) {
        const cnn_factor a = {{all, N, N, N}, CNN_PLAIN}, b = {{all + N * N, N, N, N}, CNN_PLAIN};
        cnn_gemm(a, b, (cnn_product){all + 2 * N * N, N, 0});
        const double end = bench_now(), rate = 2.0 * N * N * N / (end - last);
        best = rate > best ? rate : best;
        last = end;
    }
    cnn_free(all);
    return best;
}

/* ---- the observer */

/* Passes of no layer first, then each node's. */
static size_t place_of(int node, cnn_work pass)
{
    return (size_t)(node + 1) * CNN_WORK_COUNT + (size_t)pass;
}

typedef struct stopwatch {
    _Alignas(64) double since; /* each thread has cache lines of its own */
    bool runs;
    double *now, *seconds; /* [places]; `now` is among `seconds` */
} stopwatch;

typedef struct observation {
    const cnn_network *network; /* the runner's: a session folds the model's */
    cnn_runner *runner;
    int threads;
    size_t places;
    stopwatch *watches;   /* [threads] */
    double *seconds;      /* [threads][places], of the slice under way */
    double *best;         /* [places], of the fastest slice, by image, of all threads */
    double best_duration; /* by image */
} observation;

static void observe(void *context, int thread, int node, cnn_work pass)
{
    observation *o = context;
    stopwatch *watch = &o->watches[thread];
    const double time = bench_now();
    if (watch->runs) {
        *watch->now += time - watch->since;
    }
    watch->runs = pass != CNN_WORK_NONE;
    if (watch->runs) {
        watch->now = &watch->seconds[place_of(node, pass)];
    }
    watch->since = time;
}

static void end_observation(observation *o)
{
    cnn_free(o->watches);
    cnn_free(o->seconds);
    cnn_free(o->best);
}

static bool begin_observation(observation *o, const cnn_network *network, cnn_runner *runner, int threads)
{
    const size_t places = place_of(network->node_count, (cnn_work)0);
    *o = (observation){.network = network, .runner = runner, .threads = threads, .places = places};
    o->watches = cnn_alloc((size_t)threads, sizeof *o->watches);
    o->seconds = cnn_alloc((size_t)threads * places, sizeof *o->seconds);
    o->best = cnn_alloc(places, sizeof *o->best);
    if (!o->watches || !o->seconds || !o->best) {
        end_observation(o);
        return false;
    }
    for (int thread = 0; thread < threads; thread++) {
        o->watches[thread].seconds = o->seconds + (size_t)thread * places;
    }
    cnn_runner_observe(runner, observe, o);
    return true;
}

/* Keeps the slice if it is the fastest. */
static void file_slice(observation *o, double duration, int64_t images)
{
    const double by_image = duration / (double)images;
    if (o->best_duration > 0 && by_image >= o->best_duration) {
        return;
    }
    o->best_duration = by_image;
    memset(o->best, 0, o->places * sizeof *o->best);
    for (int thread = 0; thread < o->threads; thread++) {
        for (size_t p = 0; p < o->places; p++) {
            o->best[p] += o->watches[thread].seconds[p] / (double)images;
        }
    }
}

/* ---- steps */

/* One step, or one call that classifies; sets *images. */
typedef cnn_status step_function(void *context, int *images, cnn_error *error);

static cnn_status train_step(void *context, int *images, cnn_error *error)
{
    cnn_trainer *trainer = context;
    cnn_progress progress;
    const cnn_status status = cnn_trainer_step(trainer, &progress, error);
    *images = trainer->batch.count;
    return status;
}

typedef struct classifier {
    cnn_session *session;
    const cnn_dataset *data;
    float *probabilities;
    int next;
} classifier;

static cnn_status classify_step(void *context, int *images, cnn_error *error)
{
    classifier *c = context;
    *images = c->session->batch;
    c->next = c->next + *images > cnn_dataset_count(c->data) ? 0 : c->next;
    const uint8_t *pixels = cnn_dataset_pixels(c->data, c->next);
    c->next += *images;
    return cnn_session_classify_pixels(c->session, pixels, *images, c->probabilities, error);
}

/* Slices of a tenth of `seconds`, after a warm-up of two of them. */
static bool observe_steps(observation *o, step_function *step, void *context, double seconds, cnn_error *error)
{
    enum { WARM_UP = 2, SLICES = 10 };
    for (int slice = 0; slice < WARM_UP + SLICES; slice++) {
        memset(o->seconds, 0, (size_t)o->threads * o->places * sizeof *o->seconds);
        int64_t total = 0;
        const double begin = bench_now();
        double end = begin;
        while (end - begin < seconds / SLICES) {
            int images;
            if (step(context, &images, error) != CNN_OK) {
                return false;
            }
            total += images;
            end = bench_now();
        }
        if (slice >= WARM_UP) {
            file_slice(o, end - begin, total);
        }
    }
    return true;
}

/* ---- rows */

static const char *pass_name(const observation *o, int node, cnn_work pass)
{
    static const char *const names[CNN_WORK_COUNT] = {"input",          "preparation",   "forward sums",  "forward",
                                                      "loss",           "forward again", "backward sums", "backward",
                                                      "input gradient", "update"};
    const bool apart = node >= 0 && pass == CNN_WORK_BACKWARD && o->network->nodes[node].kind->backward_input;
    return apart ? "weight gradient" : names[pass];
}

/* The `index`th of the algorithms that a description lists by pass, or the one of all passes. */
static void copy_algorithm(const char *description, int index, char *out, size_t size)
{
    const char *begin = description;
    for (int i = 0; i < index && strchr(begin, ','); i++) {
        begin = strchr(begin, ',') + 2;
    }
    snprintf(out, size, "%.*s", (int)strcspn(begin, ","), begin);
}

/* Algorithm and multiplications of a layer's row. What is not a product (pooling, sums) is not counted; kinds of
 * products compute dx apart, so each of their passes multiplies as often as the others. */
static void describe(const observation *o, int index, cnn_work pass, bench_row *row)
{
    const cnn_node *node = &o->network->nodes[index];
    const cnn_tensor *weight = node->plan.tensor_count > 0 ? &node->plan.tensors[0] : NULL;
    const bool frozen = weight != NULL && weight->role == CNN_ROLE_STATE; /* it has no gradient */
    const bool multiplies = weight != NULL && cnn_tensor_is_weight(weight) && !(frozen && pass == CNN_WORK_BACKWARD);
    const double once = multiplies ? (double)node->plan.multiply_adds : 0;
    snprintf(row->layer, sizeof row->layer, "%s", node->name);
    if (pass == CNN_WORK_FORWARD || pass == CNN_WORK_BACKWARD || pass == CNN_WORK_BACKWARD_INPUT) {
        row->multiplications = once;
    }
    if (node->plan.algorithm && row->multiplications > 0) {
        const int listed = pass == CNN_WORK_FORWARD ? 0 : pass == CNN_WORK_BACKWARD_INPUT ? 1 : 2;
        copy_algorithm(node->plan.algorithm, listed, row->algorithm, sizeof row->algorithm);
    }
}

static bench_row *add_row(bench_table *table, const char *pass, double seconds)
{
    bench_row *row = &table->rows[table->count++];
    *row = (bench_row){.pass = pass, .seconds = seconds};
    return row;
}

/* The best slice as rows, layer by layer; then what belongs to no layer. */
static bool fill_table(const observation *o, int batch, bench_table *table)
{
    *table = (bench_table){.batch = batch, .seconds = o->best_duration};
    table->rows = calloc(o->places + 1, sizeof *table->rows);
    if (!table->rows) {
        return false;
    }
    double preparation = 0, waiting = o->best_duration;
    for (int node = 0; node <= o->network->node_count; node++) {
        const int index = node < o->network->node_count ? node : -1;
        for (cnn_work pass = 0; pass < CNN_WORK_COUNT; pass++) {
            const double seconds = o->best[place_of(index, pass)] / o->threads;
            waiting -= seconds;
            if (pass == CNN_WORK_PREPARE) {
                preparation += seconds;
            } else if (seconds > 0) {
                bench_row *row = add_row(table, pass_name(o, index, pass), seconds);
                if (index >= 0) {
                    describe(o, index, pass, row);
                }
            }
        }
    }
    if (preparation > 0) {
        add_row(table, pass_name(o, -1, CNN_WORK_PREPARE), preparation);
    }
    add_row(table, "waiting and the rest", waiting);
    return true;
}

static bool layers_of_training(const bench_settings *set, const cnn_recipe *recipe, const cnn_dataset *data,
                               bench_table *table, cnn_error *error)
{
    const cnn_trainer_options options = {.threads = set->threads, .seed = 1};
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &options, error);
    observation o;
    bool done = false;
    if (trainer && begin_observation(&o, trainer->model->network, trainer->runner, set->threads)) {
        done = observe_steps(&o, train_step, trainer, set->seconds, error) &&
               fill_table(&o, trainer->options.batch, table);
        end_observation(&o);
    }
    cnn_trainer_free(trainer);
    return done;
}

static bool layers_of_classifying(const bench_settings *set, const cnn_model *model, const cnn_dataset *data,
                                  bench_table *table, cnn_error *error)
{
    const cnn_session_options options = {.threads = set->threads, .batch = set->batch};
    classifier c = {.session = cnn_session_new(model, &options, error), .data = data};
    if (c.session) {
        c.session->batch = c.session->batch < set->images ? c.session->batch : set->images;
        c.probabilities = malloc(sizeof(float) * (size_t)c.session->batch * (size_t)cnn_model_class_count(model));
    }
    observation o;
    bool done = false;
    const cnn_member *member = c.session ? &c.session->members[0] : NULL;
    if (c.probabilities && begin_observation(&o, member->folded->network, member->runner, set->threads)) {
        done = observe_steps(&o, classify_step, &c, set->seconds, error) && fill_table(&o, c.session->batch, table);
        end_observation(&o);
    }
    free(c.probabilities);
    cnn_session_free(c.session);
    return done;
}

bool bench_layers(const bench_settings *set, const cnn_recipe *recipe, const cnn_model *model, const cnn_dataset *data,
                  bench_results *out, cnn_error *error)
{
    out->peak = measure_peak(set->seconds / 5);
    return out->peak > 0 && layers_of_training(set, recipe, data, &out->layers_train, error) &&
           layers_of_classifying(set, model, data, &out->layers_classify, error);
}

/* What activations cost: each kind's forward and backward over a lane of training, alone on one thread, outside a
 * network. Kinds take turns, round after round, and the median of the rounds counts, so what else the machine does
 * hits all alike. */
#include "base/memory.h"
#include "bench.h"
#include "layers/layer.h"

#include <stdlib.h>

#define MOST_ROUNDS 2000

/* A lane behind the first convolutions of a network for CIFAR-10: 1 MiB an array. */
static const cnn_shape lane_shape = {32, 32, 32};

/** One kind under measurement; times in seconds. */
typedef struct subject {
    const cnn_layer_kind *kind;
    cnn_layer_plan plan;
    void *options, *state, *saved, *scratch;
    cnn_real *tensors[CNN_LAYER_TENSORS], *gradients[CNN_LAYER_TENSORS];
    double forward[MOST_ROUNDS], backward[MOST_ROUNDS];
} subject;

/** The arrays that all kinds share, [CNN_LANE_IMAGES][lane_shape]; outputs are no larger. */
typedef struct arrays {
    cnn_real *x, *y, *dy, *dx;
} arrays;

static size_t lane_size(void)
{
    return CNN_LANE_IMAGES * cnn_shape_size(lane_shape);
}

static void free_subject(subject *s)
{
    cnn_free(s->options);
    cnn_free(s->state);
    cnn_free(s->saved);
    cnn_free(s->scratch);
    for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
        cnn_free(s->tensors[t]);
        cnn_free(s->gradients[t]);
    }
}

/** Whether the kind has no option that must be given. */
static bool has_defaults(const cnn_layer_kind *kind)
{
    for (const cnn_option *option = kind->options; option->name; option++) {
        if (!option->fallback) {
            return false;
        }
    }
    return true;
}

/** Memory for the tensors, which begin as their plan says, and for what else a lane of training needs. */
static bool take_memory(subject *s)
{
    s->saved = cnn_alloc(CNN_LANE_IMAGES, s->plan.saved_size);
    s->scratch = cnn_alloc(1, s->plan.scratch_size);
    for (int t = 0; t < s->plan.tensor_count; t++) {
        const cnn_tensor *tensor = &s->plan.tensors[t];
        const size_t count = (size_t)tensor->sizes[0]; /* activations have vectors only */
        s->tensors[t] = cnn_alloc(count, sizeof *s->tensors[t]);
        s->gradients[t] = cnn_alloc(count, sizeof *s->gradients[t]);
        if (!s->tensors[t] || !s->gradients[t]) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            s->tensors[t][i] = (cnn_real)tensor->value;
        }
    }
    return s->saved && s->scratch;
}

/** Plans the kind with its default options; false where it cannot be had. plan.activation.is tells whether it
 * counts. */
static bool begin_subject(subject *s, const cnn_layer_kind *kind, cnn_error *error)
{
    s->kind = kind;
    s->plan.input = lane_shape;
    s->plan.images = CNN_LANE_IMAGES;
    s->options = cnn_alloc(1, kind->options_size);
    s->state = cnn_alloc(1, kind->state_size);
    if (!s->options || !s->state) {
        return false;
    }
    cnn_options_default(kind->options, s->options);
    return kind->plan(&s->plan, s->options, s->state, error) == CNN_OK && (!s->plan.activation.is || take_memory(s));
}

/** Forward and backward once. */
static void run_round(subject *s, const arrays *a, int round)
{
    cnn_layer_call call = {.options = s->options,
                           .plan = &s->plan,
                           .state = s->state,
                           .n = CNN_LANE_IMAGES,
                           .batch = CNN_LANE_IMAGES,
                           .parts = 1,
                           .training = true,
                           .x = a->x,
                           .y = a->y,
                           .tensors = s->tensors,
                           .gradients = s->gradients,
                           .saved = s->saved,
                           .scratch = s->scratch};
    const double begin = bench_now();
    s->kind->forward(&call);
    const double middle = bench_now();
    call.dy = a->dy;
    call.dx = a->dx;
    s->kind->backward(&call);
    s->forward[round] = middle - begin;
    s->backward[round] = bench_now() - middle;
}

static int compare_times(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *times, int count)
{
    qsort(times, (size_t)count, sizeof *times, compare_times);
    return times[count / 2];
}

/** Rounds over all subjects for `seconds`; the first is a warm-up that the second overwrites. */
static void measure_all(subject *subjects, int count, const arrays *a, double seconds, bench_activation *rows)
{
    const double begin = bench_now();
    int rounds = 0;
    for (int warm = 0; rounds == 0 || (rounds < MOST_ROUNDS && bench_now() - begin < seconds); warm = 1) {
        for (int i = 0; i < count; i++) {
            run_round(&subjects[i], a, rounds);
        }
        rounds += warm;
    }
    for (int i = 0; i < count; i++) {
        rows[i] = (bench_activation){.name = subjects[i].kind->name,
                                     .forward = median(subjects[i].forward, rounds) / (double)lane_size(),
                                     .backward = median(subjects[i].backward, rounds) / (double)lane_size()};
    }
}

/** Numbers from -2 to 2. */
static cnn_real *new_array(uint32_t number)
{
    cnn_real *values = cnn_alloc(lane_size(), sizeof *values);
    cnn_random random = cnn_random_at(1, CNN_RANDOM_INITIALIZE, number, 0);
    for (size_t i = 0; values && i < lane_size(); i++) {
        values[i] = (cnn_real)(4 * cnn_random_uniform(&random) - 2);
    }
    return values;
}

/** All kinds that are activations, planned; their number, or -1 on failure. Room is for every kind. */
static int begin_all(subject *subjects, const cnn_layer_kind *const *kinds, cnn_error *error)
{
    int count = 0;
    for (const cnn_layer_kind *const *kind = kinds; *kind; kind++) {
        if ((*kind)->internal || !has_defaults(*kind)) {
            continue;
        }
        if (!begin_subject(&subjects[count], *kind, error)) {
            return -1;
        }
        if (subjects[count].plan.activation.is) {
            count++;
        } else {
            free_subject(&subjects[count]);
            subjects[count] = (subject){0};
        }
    }
    return count;
}

bool bench_activations(const bench_settings *set, bench_results *out, cnn_error *error)
{
    cnn_isa isa;
    if (cnn_isa_choose(&isa, error) != CNN_OK) {
        return false;
    }
    const cnn_layer_kind *const *kinds = cnn_layer_kinds(isa);
    size_t most = 0;
    while (kinds[most]) {
        most++;
    }
    subject *subjects = calloc(most, sizeof *subjects);
    out->activations = calloc(most, sizeof *out->activations);
    const arrays a = {new_array(0), new_array(1), new_array(2), new_array(3)};
    const bool ready = subjects && out->activations && a.x && a.y && a.dy && a.dx;
    const int count = ready ? begin_all(subjects, kinds, error) : -1;
    if (count > 0) {
        measure_all(subjects, count, &a, set->seconds, out->activations);
        out->activation_count = count;
        out->activation_shape = lane_shape;
        out->activation_images = CNN_LANE_IMAGES;
    }
    for (size_t i = 0; subjects && i < most; i++) {
        free_subject(&subjects[i]);
    }
    free(subjects);
    cnn_free(a.x);
    cnn_free(a.y);
    cnn_free(a.dy);
    cnn_free(a.dx);
    return count > 0;
}

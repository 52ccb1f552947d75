/* Whole networks: images a second trained and classified, and the time of one image alone. */
#include "bench.h"

#include <stdlib.h>

/* Trains for `seconds`; returns images a second, or a negative number. */
static double train_for(cnn_trainer *trainer, double seconds, cnn_error *error)
{
    const double begin = bench_now();
    double elapsed = 0;
    cnn_progress progress;
    cnn_trainer_progress(trainer, &progress);
    int64_t images = 0;
    int seen = progress.images;
    while (elapsed < seconds) {
        if (cnn_trainer_step(trainer, &progress, error) != CNN_OK) {
            return -1;
        }
        images += progress.step == 1 ? progress.images : progress.images - seen;
        seen = progress.images;
        elapsed = bench_now() - begin;
    }
    return (double)images / elapsed;
}

bool bench_train(const bench_settings *set, const cnn_recipe *recipe, const cnn_dataset *data, bench_results *out,
                 cnn_error *error)
{
    const cnn_trainer_options options = {.threads = set->threads, .seed = 1};
    cnn_trainer *trainer = cnn_trainer_new(recipe, data, &options, error);
    const bool warm = trainer && train_for(trainer, set->seconds / 5, error) >= 0;
    out->train = warm ? train_for(trainer, set->seconds, error) : -1;
    cnn_trainer_free(trainer);
    return out->train >= 0;
}

/* Classifies `count` images a call for `seconds`, writing the calls' durations, up to `limit`; returns their number, -1
 * on failure. */
static int classify_for(cnn_session *session, const cnn_dataset *data, int count, double seconds, double *durations,
                        int limit, cnn_error *error)
{
    float *probabilities = malloc(sizeof *probabilities * (size_t)count * (size_t)cnn_dataset_class_count(data));
    const double begin = bench_now();
    double last = begin;
    int calls = 0;
    while (probabilities && calls < limit && last - begin < seconds) {
        const uint8_t *pixels = cnn_dataset_pixels(data, calls % (cnn_dataset_count(data) - count + 1));
        if (cnn_session_classify_pixels(session, pixels, count, probabilities, error) != CNN_OK) {
            calls = -1;
            break;
        }
        const double end = bench_now();
        durations[calls++] = end - last;
        last = end;
    }
    free(probabilities);
    return probabilities ? calls : -1;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `count` images a call: sorts the durations of the measured calls into *durations, the caller's to free. */
static int bench_calls(const bench_settings *set, const cnn_model *model, const cnn_dataset *data, int count,
                       double **durations, cnn_error *error)
{
    enum { LIMIT = 1 << 20 };
    const cnn_session_options options = {.threads = set->threads, .batch = count == 1 ? 1 : set->batch};
    cnn_session *session = cnn_session_new(model, &options, error);
    *durations = malloc(sizeof **durations * LIMIT);
    int calls = -1;
    if (session && *durations && classify_for(session, data, count, set->seconds / 5, *durations, LIMIT, error) >= 0) {
        calls = classify_for(session, data, count, set->seconds, *durations, LIMIT, error);
    }
    if (calls > 0) {
        qsort(*durations, (size_t)calls, sizeof **durations, compare_doubles);
    }
    cnn_session_free(session);
    return calls;
}

bool bench_classify(const bench_settings *set, const cnn_model *model, const cnn_dataset *data, bench_results *out,
                    cnn_error *error)
{
    double *durations = NULL;
    const int count = set->batch > 0 && set->batch < set->images ? set->batch : set->images;
    const int calls = bench_calls(set, model, data, count, &durations, error);
    double total = 0;
    for (int i = 0; i < calls; i++) {
        total += durations[i];
    }
    out->classify = calls > 0 ? (double)calls * count / total : 0;
    free(durations);
    return calls > 0;
}

bool bench_latency(const bench_settings *set, const cnn_model *model, const cnn_dataset *data, bench_results *out,
                   cnn_error *error)
{
    double *durations = NULL;
    const int calls = bench_calls(set, model, data, 1, &durations, error);
    if (calls > 0) {
        out->p50 = 1e3 * durations[calls / 2];
        out->p99 = 1e3 * durations[(int)((double)calls * 0.99)];
    }
    free(durations);
    return calls > 0;
}

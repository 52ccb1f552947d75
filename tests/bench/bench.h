/* What the parts of cnn-bench share: what is to be measured, and what was found. */
#ifndef CNN_TESTS_BENCH_H
#define CNN_TESTS_BENCH_H

#include "cnn.h"

typedef struct bench_settings {
    const char *recipe;
    const char *only; /* "train", "classify", "latency", "layers", "activations"; NULL: the first three */
    int threads;
    int images;
    int batch;      /* of training and of classifying; 0: the recipe's, and a session's own */
    double seconds; /* measured, after a warm-up of a fifth of it */
    bool json;
} bench_settings;

/** One layer's pass, or with layer "" what the whole network does, within a training step or a call that classifies. */
typedef struct bench_row {
    char layer[48];
    const char *pass;
    char algorithm[32];     /* "": there is one way only */
    double seconds;         /* an image, by the clock: of all threads, divided by their number */
    double multiplications; /* and as many additions, an image, of direct convolution; 0: not counted */
} bench_row;

typedef struct bench_table {
    bench_row *rows;
    int count;
    int batch;
    double seconds; /* an image */
} bench_table;

/** An activation over a lane, outside a network: seconds a number of its input. */
typedef struct bench_activation {
    const char *name;
    double forward, backward;
} bench_activation;

typedef struct bench_results {
    double train, classify; /* images a second; 0: not measured */
    double p50, p99;        /* milliseconds for one image; 0: not measured */
    double peak;            /* sgemm's of one thread, floating-point operations a second; 0: not measured */
    bench_table layers_train, layers_classify; /* without rows: not measured */
    bench_activation *activations;
    int activation_count; /* 0: not measured */
    cnn_shape activation_shape;
    int activation_images;
} bench_results;

/** Seconds since some moment. */
double bench_now(void);

/* bench_network.c: whole networks, through the public API alone. False on failure, with *error. */
bool bench_train(const bench_settings *set, const cnn_recipe *recipe, const cnn_dataset *data, bench_results *out,
                 cnn_error *error);
bool bench_classify(const bench_settings *set, const cnn_model *model, const cnn_dataset *data, bench_results *out,
                    cnn_error *error);
bool bench_latency(const bench_settings *set, const cnn_model *model, const cnn_dataset *data, bench_results *out,
                   cnn_error *error);

/* bench_layers.c: sgemm's peak, and both tables; their rows are the caller's to free(). */
bool bench_layers(const bench_settings *set, const cnn_recipe *recipe, const cnn_model *model, const cnn_dataset *data,
                  bench_results *out, cnn_error *error);

/* bench_activations.c: out->activations is the caller's to free(). */
bool bench_activations(const bench_settings *set, bench_results *out, cnn_error *error);

/* bench_report.c: to stdout, as text or JSON. */
void bench_report(const bench_settings *set, const bench_results *found);

#endif

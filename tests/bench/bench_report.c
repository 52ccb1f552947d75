/* What was found, as text or as one line of JSON. */
#include "bench.h"

#include <stdio.h>
#include <sys/resource.h>

static double peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* Operations a second, 0 where none are counted. */
static double rate(const bench_row *row)
{
    return 2 * row->multiplications / row->seconds;
}

static void print_table(const char *title, const bench_table *table, double peak)
{
    printf("\n%s, batch %d: %.6g us an image\n", title, table->batch, 1e6 * table->seconds);
    printf("%-22s %-20s %-12s %10s %7s %9s %9s\n", "layer", "pass", "algorithm", "us/image", "share", "GFLOP/s",
           "of peak");
    for (int i = 0; i < table->count; i++) {
        const bench_row *row = &table->rows[i];
        printf("%-22s %-20s %-12s %10.2f %6.1f%%", row->layer, row->pass, row->algorithm, 1e6 * row->seconds,
               100 * row->seconds / table->seconds);
        if (row->multiplications > 0) {
            printf(" %9.1f %8.0f%%", 1e-9 * rate(row), 100 * rate(row) / peak);
        }
        putchar('\n');
    }
}

static void print_table_json(const char *key, const bench_table *table, double peak)
{
    printf("\"%s\":{\"batch\":%d,\"us\":%.6g,\"rows\":[", key, table->batch, 1e6 * table->seconds);
    for (int i = 0; i < table->count; i++) {
        const bench_row *row = &table->rows[i];
        printf("%s{\"layer\":\"%s\",\"pass\":\"%s\",\"algorithm\":\"%s\",\"us\":%.6g,\"share\":%.4f", i ? "," : "",
               row->layer, row->pass, row->algorithm, 1e6 * row->seconds, row->seconds / table->seconds);
        if (row->multiplications > 0) {
            printf(",\"gflops\":%.6g,\"of_peak\":%.4f", 1e-9 * rate(row), rate(row) / peak);
        }
        putchar('}');
    }
    fputs("]}", stdout);
}

/* The threads' common peak is that of one times their number. */
static void print_layers(const bench_settings *set, const bench_results *found)
{
    const double peak = found->peak * set->threads;
    if (set->json) {
        printf(",\"sgemm_gflops\":%.6g,\"layers\":{", 1e-9 * found->peak);
        print_table_json("train", &found->layers_train, peak);
        putchar(',');
        print_table_json("classify", &found->layers_classify, peak);
        putchar('}');
    } else {
        printf("%-22s %.6g GFLOP/s\n", "sgemm, one thread", 1e-9 * found->peak);
        print_table("training", &found->layers_train, peak);
        print_table("classifying", &found->layers_classify, peak);
    }
}

/* Of both passes, as a multiple of relu's, which is the first of the list. */
static double to_relu(const bench_results *found, int index)
{
    const bench_activation *relu = &found->activations[0], *row = &found->activations[index];
    return (row->forward + row->backward) / (relu->forward + relu->backward);
}

static void print_activations(const bench_settings *set, const bench_results *found)
{
    const cnn_shape shape = found->activation_shape;
    const int images = found->activation_images;
    printf(set->json ? ",\"activations\":{\"images\":%d,\"shape\":\"%dx%dx%d\",\"rows\":["
                     : "\nactivations over %d images of %dx%dx%d, one thread, ns a number\n",
           images, shape.height, shape.width, shape.channels);
    if (!set->json) {
        printf("%-22s %9s %9s %9s\n", "layer", "forward", "backward", "to relu");
    }
    for (int i = 0; i < found->activation_count; i++) {
        const bench_activation *row = &found->activations[i];
        if (set->json) {
            fputs(i ? "," : "", stdout);
        }
        printf(set->json ? "{\"layer\":\"%s\",\"forward_ns\":%.4f,\"backward_ns\":%.4f,\"to_relu\":%.3f}"
                         : "%-22s %9.4f %9.4f %9.2f\n",
               row->name, 1e9 * row->forward, 1e9 * row->backward, to_relu(found, i));
    }
    fputs(set->json ? "]}" : "", stdout);
}

void bench_report(const bench_settings *set, const bench_results *found)
{
    const struct {
        const char *key, *text, *unit;
        double value;
    } figures[] = {{"train", "trained", "images/s", found->train},
                   {"classify", "classified", "images/s", found->classify},
                   {"latency_p50_ms", "one image, median", "ms", found->p50},
                   {"latency_p99_ms", "one image, 99 of 100", "ms", found->p99},
                   {"peak_mib", "peak memory", "MiB", peak_mib()}};
    printf(set->json ? "{\"program\":\"cnn %s\",\"recipe\":\"%s\",\"threads\":%d" : "cnn %s, %s, threads %d\n",
           cnn_version(), set->recipe, set->threads);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (figures[i].value > 0 && set->json) {
            printf(",\"%s\":%.6g", figures[i].key, figures[i].value);
        } else if (figures[i].value > 0) {
            printf("%-22s %.6g %s\n", figures[i].text, figures[i].value, figures[i].unit);
        }
    }
    if (found->peak > 0) {
        print_layers(set, found);
    }
    if (found->activation_count > 0) {
        print_activations(set, found);
    }
    fputs(set->json ? "}\n" : "", stdout);
}

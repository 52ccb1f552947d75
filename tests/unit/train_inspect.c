/* Looking into models: figures against a naive computation over the whole data, which layers have a row, and the same
 * bits for any number of threads. */
#include "base/memory.h"
#include "unit/inspect.h"

enum { FILTERS = 5, UNITS = 7 };

/* ---- the naive computation */

static cnn_real *tensor(const cnn_model *model, const char *name)
{
    return model->parameters + find_tensor(model, name).offset;
}

/** y[h][w][f] = the larger of 0 and bias + the sum over 3x3 of weight[f][ky][kx][c] * x[h + ky - 1][w + kx - 1][c] */
static void convolve(const cnn_model *model, int image, double y[HEIGHT][WIDTH][FILTERS])
{
    const cnn_real *weight = tensor(model, "conv1.weight"), *bias = tensor(model, "conv1.bias");
    for (int place = 0; place < HEIGHT * WIDTH * FILTERS; place++) {
        const int f = place % FILTERS, column = place / FILTERS % WIDTH, row = place / FILTERS / WIDTH;
        double sum = (double)bias[f];
        for (int k = 0; k < 9; k++) {
            const int r = row + k / 3 - 1, c = column + k % 3 - 1;
            for (int i = 0; i < INPUTS && r >= 0 && r < HEIGHT && c >= 0 && c < WIDTH; i++) {
                sum += (double)weight[(f * 9 + k) * INPUTS + i] * pixels[image][r][c][i] / 255;
            }
        }
        y[row][column][f] = sum < 0 ? 0 : sum;
    }
}

static void multiply(const cnn_model *model, const char *layer, const double *x, int inputs, double *y)
{
    char name[32];
    const int units = strcmp(layer, "dense1") == 0 ? UNITS : CLASSES;
    snprintf(name, sizeof name, "%s.weight", layer);
    const cnn_real *weight = tensor(model, name);
    snprintf(name, sizeof name, "%s.bias", layer);
    for (int u = 0; u < units; u++) {
        y[u] = (double)tensor(model, name)[u];
        for (int i = 0; i < inputs; i++) {
            y[u] += (double)weight[u * inputs + i] * x[i];
        }
        y[u] = y[u] < 0 && units == UNITS ? 0 : y[u];
    }
}

typedef struct tally {
    double count, sum, squares, zeros;
    bool live[UNITS];
} tally;

static void count_values(tally *t, const double *values, int count, int units)
{
    for (int i = 0; i < count; i++) {
        t->count++;
        t->sum += values[i];
        t->squares += values[i] * values[i];
        t->zeros += values[i] == 0;
        t->live[i % units] |= values[i] != 0;
    }
}

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance * (1e-3 + fabs(b)))) {
        fail_msg("%.9g is not %.9g", a, b);
    }
}

static void compare(const tally *t, const cnn_layer_inspection *layer, const char *name, int units)
{
    int dead = 0;
    for (int u = 0; u < units; u++) {
        dead += !t->live[u];
    }
    assert_string_equal(layer->name, name);
    assert_int_equal(layer->units, units);
    assert_int_equal(layer->dead, dead);
    assert_near(layer->mean, t->sum / t->count, 1e-5);
    assert_near(layer->deviation, sqrt(t->squares / t->count - pow(t->sum / t->count, 2)), 1e-5);
    assert_near(layer->zeros, t->zeros / t->count, 1e-3);
    assert_true(layer->saturated == 0);
}

static void figures_are_those_of_a_naive_computation(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(small, data);
    tally tallies[3] = {0};
    /* A unit of each hidden layer never speaks. */
    tensor(model, "conv1.bias")[3] = -100;
    tensor(model, "dense1.bias")[6] = -100;
    for (int i = 0; i < IMAGES; i++) {
        double conv[HEIGHT][WIDTH][FILTERS], dense[UNITS], logits[CLASSES];
        convolve(model, i, conv);
        multiply(model, "dense1", &conv[0][0][0], HEIGHT * WIDTH * FILTERS, dense);
        multiply(model, "dense2", dense, UNITS, logits);
        count_values(&tallies[0], &conv[0][0][0], HEIGHT * WIDTH * FILTERS, FILTERS);
        count_values(&tallies[1], dense, UNITS, UNITS);
        count_values(&tallies[2], logits, CLASSES, CLASSES);
    }
    cnn_inspection inspection = inspect(model, data, 2);
    assert_int_equal(inspection.images, IMAGES);
    assert_int_equal(inspection.layer_count, 3);
    compare(&tallies[0], &inspection.layers[0], "conv1", FILTERS);
    compare(&tallies[1], &inspection.layers[1], "dense1", UNITS);
    compare(&tallies[2], &inspection.layers[2], "dense2", CLASSES);
    assert_true(inspection.layers[0].dead >= 1 && inspection.layers[1].dead >= 1);
    assert_near(inspection.dead, (inspection.layers[0].dead + inspection.layers[1].dead) / 12.0, 1e-6);
    assert_near(inspection.zeros, (tallies[0].zeros + tallies[1].zeros) / (tallies[0].count + tallies[1].count), 1e-3);
    assert_true(inspection.layers[0].hidden && inspection.layers[1].hidden && !inspection.layers[2].hidden);
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void norms_are_those_of_the_tensors(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(small, data);
    cnn_inspection inspection = inspect(model, data, 1);
    const cnn_real *weight = tensor(model, "dense1.weight");
    double squares = 0, all = 0, largest = 0;
    for (int i = 0; i < UNITS * HEIGHT * WIDTH * FILTERS; i++) {
        squares += (double)weight[i] * (double)weight[i];
    }
    assert_near(inspection.layers[1].weight_norm, sqrt(squares), 1e-6);
    for (int i = 0; i < inspection.layer_count; i++) {
        const cnn_layer_inspection *layer = &inspection.layers[i];
        assert_true(layer->has_weights && layer->gradient_norm > 0);
        assert_near(layer->update_ratio, 0.05 * layer->gradient_norm / layer->weight_norm, 1e-6);
        all += layer->gradient_norm * layer->gradient_norm;
        largest = layer->update_ratio > largest ? layer->update_ratio : largest;
    }
    assert_near(inspection.gradient_norm, sqrt(all), 1e-6);
    assert_true(inspection.update_ratio == largest);
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

/* ---- what is looked at */

static void layers_and_sums_have_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool has_weights, hidden;
        int units;
    } rows[] = {{"conv1", true, true, 8},   {"conv2", true, true, 8},
                {"conv3", true, false, 8},  {"residual1.add", false, true, 8},
                {"conv4", true, false, 10}, {"residual2.projection", true, false, 10},
                {"dense1", true, false, 3}};
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(residual, data);
    cnn_inspection inspection = inspect(model, data, 2);
    assert_int_equal(inspection.layer_count, sizeof rows / sizeof *rows);
    for (int i = 0; i < inspection.layer_count; i++) {
        const cnn_layer_inspection *layer = &inspection.layers[i];
        assert_string_equal(layer->name, rows[i].name);
        assert_int_equal(layer->has_weights, rows[i].has_weights);
        assert_int_equal(layer->hidden, rows[i].hidden);
        assert_int_equal(layer->units, rows[i].units);
        assert_true(layer->has_weights == (layer->weight_norm > 0));
        assert_true(layer->hidden == (layer->zeros > 0.01));
    }
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void a_network_without_weights_has_none(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model("input 7x5x3\nglobalavgpool\n", data);
    cnn_inspection inspection = inspect(model, data, 2);
    assert_int_equal(inspection.layer_count, 0);
    assert_true(inspection.dead == 0 && inspection.zeros == 0 && inspection.gradient_norm == 0);
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const texts[] = {small, deep, residual};
    for (int t = 0; t < 3; t++) {
        for (int count = 1; count <= IMAGES; count += 41) {
            cnn_dataset *data = make_data(count);
            cnn_model *model = make_model(texts[t], data);
            cnn_inspection one = inspect(model, data, 1);
            for (int threads = 2; threads <= 4; threads++) {
                cnn_inspection other = inspect(model, data, threads);
                assert_memory_equal(one.layers, other.layers, (size_t)one.layer_count * sizeof *one.layers);
                assert_true(one.gradient_norm == other.gradient_norm && one.zeros == other.zeros);
                cnn_free(other.layers);
            }
            cnn_free(one.layers);
            cnn_model_free(model);
            cnn_dataset_free(data);
        }
    }
}

static void the_model_does_not_change(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(residual, data), *copy = cnn_model_copy(model, NULL);
    cnn_free(inspect(model, data, 2).layers);
    assert_memory_equal(model->parameters, copy->parameters, model->network->parameter_count * sizeof(cnn_real));
    cnn_model_free(copy);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void fewer_images_do(void **state)
{
    (void)state;
    static const int wanted[] = {1, 10, IMAGES, IMAGES + 1, 0};
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(small, data);
    for (int i = 0; i < 5; i++) {
        const cnn_inspect_options options = {.threads = 1, .images = wanted[i]};
        cnn_inspection inspection;
        assert_int_equal(cnn_model_inspect(model, data, &options, &inspection, NULL), CNN_OK);
        assert_int_equal(inspection.images, i < 3 ? wanted[i] : IMAGES);
        cnn_free(inspection.layers);
    }
    cnn_model_free(model);
    cnn_dataset_free(data);
}

/* ---- failures */

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(small, data);
    cnn_inspection inspection;
    cnn_error error;
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"0", "1", "x"}, 3, NULL), CNN_OK);
    assert_int_equal(cnn_model_inspect(model, data, NULL, &inspection, &error), CNN_MISMATCH);
    assert_non_null(strstr(error.message, "'2'"));
    for (int i = 0; i < 2; i++) {
        const cnn_inspect_options options = {.threads = -i, .images = i - 1};
        assert_int_equal(cnn_model_inspect(model, data, &options, &inspection, NULL), CNN_USAGE);
    }
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(residual, data);
    cnn_inspection inspection = {.images = -1};
    cnn_error error;
    cnn_status status = CNN_MEMORY;
    for (long k = 0; status != CNN_OK; k++) {
        assert_int_equal(inspection.images, -1);
        cnn_alloc_fail_after(k, false);
        status = cnn_model_inspect(model, data, &(cnn_inspect_options){.threads = 1}, &inspection, &error);
        cnn_alloc_fail_after(-1, false);
        assert_true(status == CNN_OK || error.status == CNN_MEMORY);
    }
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_a_naive_computation),
        cmocka_unit_test(norms_are_those_of_the_tensors),
        cmocka_unit_test(layers_and_sums_have_a_row),
        cmocka_unit_test(a_network_without_weights_has_none),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_model_does_not_change),
        cmocka_unit_test(fewer_images_do),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

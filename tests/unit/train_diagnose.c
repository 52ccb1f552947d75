/* What an inspection says in words: planted faults are named where they are and nowhere else, and nothing is said of
 * healthy networks. */
#include "unit/inspect.h"

/** Multiplies the tensor and adds to it. */
static void plant(const cnn_model *model, const char *name, double factor, double value)
{
    const cnn_slot place = find_tensor(model, name);
    for (size_t i = 0; i < place.count; i++) {
        cnn_real *at = &model->parameters[place.offset + i];
        *at = (cnn_real)(factor * (double)*at + value);
    }
}

/** The warnings are this layer's alone, and have the words; with NULL there is none. */
static void expect_warning(const cnn_model *model, const cnn_dataset *data, const char *name, const char *words)
{
    cnn_inspection inspection = inspect(model, data, 2);
    for (int i = 0; i < inspection.layer_count; i++) {
        const cnn_layer_inspection *layer = &inspection.layers[i];
        const bool named = name != NULL && strcmp(layer->name, name) == 0;
        assert_true((layer->severity > 0) == (layer->warning[0] != '\0'));
        if (named ? strstr(layer->warning, words) == NULL : layer->severity > 0) {
            fail_msg("%s: '%s'", layer->name, layer->warning);
        }
        assert_true(!named || strncmp(layer->warning, name, strlen(name)) == 0);
    }
    cnn_free(inspection.layers);
}

static void planted_faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *tensor;
        double factor, value;
        const char *layer, *words;
    } faults[] = {
        {"conv1.bias", 0, -100, "conv1", "100% of its units are dead"},
        {"conv2.bias", 0, -100, "conv2", "100% of its units are dead"},
        {"dense1.bias", 0, -1000, "dense1", "100% of its units are dead: lower the learning rate"},
        {"conv1.weight", 1e4, 0, "conv1", "times larger than its inputs"},
        {"conv3.weight", 1e4, 0, "conv3", "times larger than its inputs"},
        {"dense2.weight", 1e4, 0, "dense2", "times larger than its inputs"},
        {"conv2.weight", 0, 3e38, "conv2", "outputs are no longer finite"},
        {"dense2.bias", 0, 1, NULL, NULL},
    };
    cnn_dataset *data = make_data(IMAGES);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        cnn_model *model = make_model(deep, data);
        expect_warning(model, data, NULL, NULL);
        plant(model, faults[i].tensor, faults[i].factor, faults[i].value);
        expect_warning(model, data, faults[i].layer, faults[i].words);
        cnn_model_free(model);
    }
    cnn_dataset_free(data);
}

static void saturation_is_named(void **state)
{
    (void)state;
    static const char *const kinds[] = {"tanh", "sigmoid", "softsign", "elu"};
    cnn_dataset *data = make_data(IMAGES);
    for (int i = 0; i < 4; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "input 7x5x3\nconv filters=6\n%s\nbatchnorm\nconv filters=6\n%s\nbatchnorm\ndense units=20\n%s\n"
                 "dense units=3\ntrain batch=20 lr=0.02\n",
                 kinds[i], kinds[i], kinds[i]);
        cnn_model *model = make_model(text, data);
        expect_warning(model, data, NULL, NULL);
        plant(model, "conv2.weight", i < 3 ? 1e4 : 1, 0);
        plant(model, "conv2.bias", 0, i < 3 ? 0 : -100);
        expect_warning(model, data, "conv2", "% of its outputs are saturated: scale the input");
        cnn_model_free(model);
    }
    cnn_dataset_free(data);
}

static void a_large_rate_is_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model("input 7x5x3\ndense units=3\ntrain lr=100", data);
    expect_warning(model, data, "dense1", "a step changes its weights by");
    cnn_model_free(model);
    cnn_dataset_free(data);
}

/** A layer with tiny weights lets next to no gradient through, while its bias keeps it alive. */
static void vanishing_gradients_are_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(deep, data);
    plant(model, "dense1.weight", 1e-5, 0);
    plant(model, "dense1.bias", 0, 1);
    cnn_inspection inspection = inspect(model, data, 1);
    for (int i = 0; i < inspection.layer_count; i++) {
        const bool vanishes = strncmp(inspection.layers[i].name, "conv", 4) == 0;
        assert_true(vanishes == (strstr(inspection.layers[i].warning, "times smaller than that of dense2") != NULL));
    }
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

/** Behind a layer of zeros there is nothing to divide by. */
static void gradients_that_never_arrive_are_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model(deep, data);
    plant(model, "dense1.weight", 0, 0);
    plant(model, "dense1.bias", 0, 1);
    cnn_inspection inspection = inspect(model, data, 1);
    for (int i = 0; i < inspection.layer_count; i++) {
        const bool behind = strncmp(inspection.layers[i].name, "conv", 4) == 0;
        assert_true(behind == (strstr(inspection.layers[i].warning, "no gradient arrives there") != NULL));
    }
    cnn_free(inspection.layers);
    cnn_model_free(model);
    cnn_dataset_free(data);
}

/** The first layer's outputs are 0 and those of the last its biases, but the gradient between them is beyond floats. */
static void gradients_that_are_not_finite_are_named(void **state)
{
    (void)state;
    cnn_dataset *data = make_data(IMAGES);
    cnn_model *model = make_model("input 7x5x3\ndense units=20\ntanh\ndense units=3\ntrain batch=20 lr=0.02\n", data);
    plant(model, "dense1.weight", 0, 0);
    plant(model, "dense1.bias", 0, 0);
    const cnn_slot place = find_tensor(model, "dense2.weight");
    for (size_t i = 0; i < place.count; i++) {
        const size_t unit = i / (place.count / CLASSES);
        model->parameters[place.offset + i] = (cnn_real)(unit == 1 ? -3e38 : 3e38);
    }
    expect_warning(model, data, "dense1", "its gradients are no longer finite: lower the learning rate");
    cnn_model_free(model);
    cnn_dataset_free(data);
}

static void healthy_networks_are_let_be(void **state)
{
    (void)state;
    const char *const texts[] = {small, deep, residual, "input 7x5x3 scale=symmetric\ndense units=3\n"};
    cnn_dataset *data = make_data(IMAGES);
    for (int i = 0; i < 4; i++) {
        cnn_model *model = make_model(texts[i], data);
        expect_warning(model, data, NULL, NULL);
        cnn_model_free(model);
    }
    cnn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_faults_are_named),
        cmocka_unit_test(saturation_is_named),
        cmocka_unit_test(a_large_rate_is_named),
        cmocka_unit_test(vanishing_gradients_are_named),
        cmocka_unit_test(gradients_that_never_arrive_are_named),
        cmocka_unit_test(gradients_that_are_not_finite_are_named),
        cmocka_unit_test(healthy_networks_are_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

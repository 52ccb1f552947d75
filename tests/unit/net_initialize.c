/* How weights begin: each initialization by its moments, limits or defining property, and which one a layer gets from
 * its own options, the train statement, or the activation around it. */
#include "base/memory.h"
#include "net/network.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct bed {
    cnn_recipe *recipe;
    cnn_network *network;
    cnn_real *parameters;
} bed;

static void set_up(bed *b, const char *text)
{
    cnn_error error = {0};
    b->recipe = cnn_recipe_parse(text, "test.recipe", &error);
    b->network = b->recipe != NULL ? cnn_network_new(b->recipe, &error) : NULL;
    if (b->network == NULL) {
        fail_msg("%s", error.message);
    }
    b->parameters = cnn_alloc(b->network->parameter_count, sizeof(cnn_real));
    cnn_network_initialize(b->network, 5, b->parameters);
}

static void tear_down(bed *b)
{
    cnn_network_free(b->network);
    cnn_recipe_free(b->recipe);
    cnn_free(b->parameters);
}

/** The slot called "conv1.weight". */
static int slot(const bed *b, const char *name)
{
    char found[CNN_TENSOR_NAME] = "";
    int s = -1;
    while (strcmp(found, name) != 0) {
        assert_true(++s < b->network->slot_count);
        cnn_network_tensor_name(b->network, s, found);
    }
    return s;
}

static const cnn_real *values(const bed *b, const char *name)
{
    return b->parameters + b->network->slots[slot(b, name)].offset;
}

typedef struct moments {
    double mean, deviation, largest, kurtosis;
} moments;

static moments measure(const bed *b, const char *name)
{
    const cnn_real *x = values(b, name);
    const size_t count = b->network->slots[slot(b, name)].count;
    double sum = 0, squares = 0, fourths = 0;
    moments m = {0};
    for (size_t i = 0; i < count; i++) {
        const double value = (double)x[i];
        sum += value;
        squares += value * value;
        fourths += value * value * value * value;
        m.largest = fmax(m.largest, fabs(value));
    }
    const double n = (double)count;
    m.mean = sum / n;
    m.deviation = sqrt(squares / n);
    m.kurtosis = fourths / n / (squares / n * squares / n);
    return m;
}

/** A uniform distribution's kurtosis is 1.8, a normal one's 3. */
static void check_moments(const char *what, moments m, double deviation, bool uniform)
{
    if (!(fabs(m.deviation / deviation - 1) < 0.02) || !(fabs(m.mean) < 0.02 * deviation) ||
        !(fabs(m.kurtosis - (uniform ? 1.8 : 3)) < 0.15)) {
        fail_msg("%s: mean %g, deviation %g, kurtosis %g; expected deviation %g", what, m.mean, m.deviation, m.kurtosis,
                 deviation);
    }
}

static void moments_are_as_published(void **state)
{
    (void)state;
    /* A 3x3 convolution of 16 channels with 64 filters: fan in 144, fan out 576. */
    const struct {
        const char *options;
        double deviation;
        bool uniform;
    } cases[] = {
        {"init=he-normal", sqrt(2.0 / 144), false},
        {"init=he-uniform", sqrt(2.0 / 144), true},
        {"init=he-normal fan=out", sqrt(2.0 / 576), false},
        {"init=glorot-normal", sqrt(2.0 / 720), false},
        {"init=glorot-uniform", sqrt(2.0 / 720), true},
        {"init=lecun-normal", sqrt(1.0 / 144), false},
        {"init=lecun-uniform fan=out", sqrt(1.0 / 576), true},
        {"init=uniform limit=0.3", 0.3 / sqrt(3), true},
        {"init=normal std=0.02", 0.02, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, "input 6x6x1\nconv filters=16\nrelu\nconv filters=64 %s\nrelu\ndense units=2\n",
                 cases[i].options);
        bed b;
        set_up(&b, text);
        const moments m = measure(&b, "conv2.weight");
        check_moments(cases[i].options, m, cases[i].deviation, cases[i].uniform);
        assert_true(!cases[i].uniform || m.largest <= sqrt(3) * cases[i].deviation * 1.00001);
        tear_down(&b);
    }
}

/** In groups a unit reads its group's channels, and a channel is read by its group's units. */
static void fans_of_groups(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 6x6x1\nconv filters=16\nrelu\nconv filters=32 groups=4\nrelu\ndense units=2\n");
    const cnn_tensor *weight = cnn_network_tensor(b.network, slot(&b, "conv2.weight"));
    assert_int_equal(weight->fan_in, 36);
    assert_int_equal(weight->fan_out, 72);
    tear_down(&b);
}

static double product(const cnn_real *a, const cnn_real *b, size_t count, size_t step)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)a[i * step] * (double)b[i * step];
    }
    return sum;
}

/** Rows of a wide matrix and columns of a tall one are orthogonal, and as long as suits the activation. */
static void orthogonal_is_orthogonal(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 4x4x3\ndense units=20 init=orthogonal\nrelu\ndense units=50 init=orthogonal\ndense units=2\n");
    const cnn_real *wide = values(&b, "dense1.weight"), *tall = values(&b, "dense2.weight");
    for (size_t i = 0; i < 20; i++) {
        for (size_t j = 0; j < 20; j++) {
            const double expected = i == j ? 2 : 0;
            assert_true(fabs(product(wide + i * 48, wide + j * 48, 48, 1) - expected) < 1e-5);
            assert_true(fabs(product(tall + i, tall + j, 50, 20) - expected) < 1e-5);
        }
    }
    tear_down(&b);
}

/** Filter i passes channel i; those beyond the channels are drawn. */
static void dirac_passes_channels(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 6x6x3\nconv filters=5 kernel=3x5 init=dirac\nrelu\ndense units=2 init=zeros\n");
    const cnn_real *weight = values(&b, "conv1.weight");
    double rest = 0;
    for (int f = 0; f < 5; f++) {
        for (int k = 0; k < 15; k++) {
            for (int c = 0; c < 3; c++) {
                const double value = (double)weight[(f * 15 + k) * 3 + c];
                if (f < 3) {
                    assert_true(value == (k == 7 && c == f ? 1 : 0));
                } else {
                    assert_true(fabs(value) <= 1 / sqrt(45));
                    rest += fabs(value);
                }
            }
        }
    }
    assert_true(rest > 1);
    assert_true(measure(&b, "dense1.weight").largest == 0);
    tear_down(&b);
}

/** Each group passes its channels through: without drawn filters, the layer is the identity. */
static void dirac_passes_channels_of_groups(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 6x6x1\nconv filters=6\nconv filters=6 kernel=1 groups=3 init=dirac\n"
               "conv filters=12 kernel=1 groups=3 init=dirac\ndense units=2\n");
    const cnn_real *weight = values(&b, "conv2.weight"), *wide = values(&b, "conv3.weight");
    for (int f = 0; f < 12; f++) {
        for (int c = 0; c < 2; c++) {
            assert_true(f >= 6 || weight[f * 2 + c] == (f % 2 == c ? 1 : 0));
            assert_true(f % 4 < 2 ? wide[f * 2 + c] == (f % 4 == c ? 1 : 0) : fabs((double)wide[f * 2 + c]) < 1);
        }
    }
    tear_down(&b);
}

static void expect_initialization(const bed *b, const char *name, cnn_initialization expected)
{
    const cnn_initialization found = cnn_network_tensor(b->network, slot(b, name))->initialization;
    if (found != expected) {
        fail_msg("%s begins as %d, not %d", name, found, expected);
    }
}

/** The activation that follows decides, through what has no weights; for the last layer the one before. */
static void activations_decide(void **state)
{
    (void)state;
    bed b;
    set_up(&b,
           "input 8x8x1\nconv filters=4\nbatchnorm\nmaxpool\ntanh\nresidual {\nconv filters=4 padding=same\n}\nselu\n"
           "dense units=3\nrelu\ndense units=3\nsigmoid\ndense units=2\n");
    expect_initialization(&b, "conv1.weight", CNN_INITIALIZE_GLOROT_UNIFORM);
    expect_initialization(&b, "conv2.weight", CNN_INITIALIZE_LECUN_NORMAL);
    expect_initialization(&b, "dense1.weight", CNN_INITIALIZE_HE_NORMAL);
    expect_initialization(&b, "dense2.weight", CNN_INITIALIZE_GLOROT_UNIFORM);
    expect_initialization(&b, "dense3.weight", CNN_INITIALIZE_GLOROT_UNIFORM);
    tear_down(&b);
    set_up(&b, "input 8x8x1\ndense units=2\n");
    expect_initialization(&b, "dense1.weight", CNN_INITIALIZE_HE_NORMAL);
    tear_down(&b);
    set_up(&b, "input 16x16x1\ndense units=300\nleakyrelu slope=0.5\ndense units=2\n");
    check_moments("leakyrelu", measure(&b, "dense1.weight"), sqrt(2 / (1.25 * 256)), false);
    tear_down(&b);
}

/** A layer's own options come first, the train statement's next. */
static void layers_inherit(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 8x8x1\nconv filters=4 init=normal std=0.5 bias=-1 l1=0.25 weight-decay=0\nrelu\n"
               "conv filters=4 bias=off max-norm=3 norm=1\nrelu\ndense units=2\n"
               "train init=uniform limit=0.125 bias=0.5 weight-decay=0.01 l1=0.5 max-norm=2 norm=5\n");
    const cnn_tensor *first = cnn_network_tensor(b.network, slot(&b, "conv1.weight"));
    const cnn_tensor *second = cnn_network_tensor(b.network, slot(&b, "conv2.weight"));
    const cnn_tensor *bias = cnn_network_tensor(b.network, slot(&b, "dense1.bias"));
    expect_initialization(&b, "conv1.weight", CNN_INITIALIZE_NORMAL);
    expect_initialization(&b, "conv2.weight", CNN_INITIALIZE_UNIFORM);
    assert_true(first->weight_decay == 0 && first->l1 == 0.25 && first->max_norm == 2 && first->norm == 5);
    assert_true(second->weight_decay == 0.01 && second->l1 == 0.5 && second->max_norm == 3 && second->norm == 1);
    assert_true(bias->weight_decay == 0 && bias->l1 == 0 && bias->max_norm == 0);
    assert_true(values(&b, "conv1.bias")[3] == -1 && values(&b, "dense1.bias")[1] == (cnn_real)0.5);
    assert_true(measure(&b, "conv2.weight").largest <= 0.125);
    assert_int_equal(b.network->nodes[2].plan.tensor_count, 1);
    tear_down(&b);
}

static void what_is_missing_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"input 8x8x1\nrelu\n  dense units=2 init=uniform\n",
         "test.recipe:3:3: dense: init=uniform needs limit=NUMBER above 0"},
        {"input 8x8x1\ndense units=2\ntrain init=normal\n",
         "test.recipe:2:1: dense: init=normal needs std=NUMBER above 0"},
        {"input 8x8x3\nconv filters=4\nconv filters=4 init=whiten\ndense units=2\n",
         "test.recipe:3:1: conv: init=whiten is for a convolution that reads the images, without groups"},
        {"input 8x8x3\nconv filters=6 groups=3 init=whiten\ndense units=2\n",
         "test.recipe:2:1: conv: init=whiten is for a convolution that reads the images, without groups"},
        {"input 8x8x3\ndense units=2\ntrain init=whiten\n",
         "test.recipe:2:1: dense: init=whiten is for a convolution that reads the images, without groups"},
        {"input 8x8x3\nconv filters=25 kernel=2 init=whiten\ndense units=2\n",
         "test.recipe:2:1: conv: init=whiten has patches of at most 512 numbers, not 12, and at most two filters for "
         "each"},
        {"input 32x32x3\nconv filters=4 kernel=14 init=whiten\ndense units=2\n",
         "test.recipe:2:1: conv: init=whiten has patches of at most 512 numbers, not 588, and at most two filters for "
         "each"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_error error;
        cnn_recipe *recipe = cnn_recipe_parse(cases[i].text, "test.recipe", &error);
        assert_non_null(recipe);
        assert_null(cnn_network_new(recipe, &error));
        assert_string_equal(error.message, cases[i].message);
        cnn_recipe_free(recipe);
    }
}

/** A penalty behind every activation, which inference leaves out. */
static void activations_are_penalized(void **state)
{
    (void)state;
    bed b;
    set_up(&b, "input 8x8x1\nconv filters=4\nrelu\ndense units=2\ntrain activation-l1=0.001\n");
    assert_int_equal(b.network->node_count, 4);
    assert_string_equal(b.network->nodes[2].name, "relu1.penalty");
    assert_string_equal(b.network->nodes[2].text, "penalty l1=0.001");
    assert_true(b.network->nodes[2].plan.inactive);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_as_published),
        cmocka_unit_test(fans_of_groups),
        cmocka_unit_test(orthogonal_is_orthogonal),
        cmocka_unit_test(dirac_passes_channels),
        cmocka_unit_test(dirac_passes_channels_of_groups),
        cmocka_unit_test(activations_decide),
        cmocka_unit_test(layers_inherit),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(activations_are_penalized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What activations give at points where it is known: published constants, values worked out by hand, bends, far out and
 * close to zero. That they are right in between, layers_twins shows. */
#include "reference/harness.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

static const bool is_double = sizeof(cnn_real) == sizeof(double);

/** Plans the layer for the numbers x[count], as channels of one pixel, and runs it in both directions with dy = 1. */
static void run(harness *h, const char *text, const double *x, int count)
{
    harness_new(h, text, (cnn_shape){1, 1, count}, 1, 1, 1);
    for (int i = 0; i < count; i++) {
        harness_reals(&h->x)[i] = (cnn_real)x[i];
    }
    for (size_t i = 0; i < h->output; i++) {
        harness_reals(&h->dy)[i] = 1;
    }
    harness_forward(h, true);
    harness_backward(h);
}

static void check_near(const char *text, double x, const char *what, cnn_real found, double expected)
{
    const double tolerance = is_double ? 1e-14 : 5e-7;
    if (!(fabs((double)found - expected) <= tolerance * fabs(expected))) {
        fail_msg("%s at %g: %s is %.9g, not %.9g", text, x, what, (double)found, expected);
    }
}

typedef struct known_point {
    const char *text;
    double x, y, slope;
} known_point;

static void check_points(const known_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const known_point *p = &points[i];
        harness h;
        run(&h, p->text, &p->x, 1);
        check_near(p->text, p->x, "y", harness_reals(&h.y)[0], p->y);
        check_near(p->text, p->x, "the slope", harness_reals(&h.dx)[0], p->slope);
        harness_free(&h);
    }
}

static void test_known_values(void **state)
{
    (void)state;
    static const known_point points[] = {
        {"leakyrelu", -2, -0.02, 0.01},
        {"leakyrelu slope=0.25", -8, -2, 0.25},
        {"leakyrelu", 3, 3, 1},
        {"elu", -1, -0.6321205588285577, 0.36787944117144233},
        {"elu alpha=0.5", -1, -0.31606027941427883, 0.18393972058572117},
        {"elu", 2, 2, 1},
        {"selu", 1, 1.0507009873554805, 1.0507009873554805},
        {"selu", -1, -1.1113307378125625, 0.6467686030348141},
        {"gelu", 1, 0.8413447460685429, 1.0833154705876864},
        {"gelu", -1, -0.15865525393145707, -0.08331547058768638},
        {"silu", 1, 0.7310585786300049, 0.9276705118714867},
        {"silu", -1, -0.2689414213699951, 0.07232948812851327},
        {"softplus", 0, 0.6931471805599453, 0.5},
        {"softplus", 1, 1.3132616875182228, 0.7310585786300049},
        {"sigmoid", 0, 0.5, 0.25},
        {"sigmoid", 1, 0.7310585786300049, 0.19661193324148185},
        {"tanh", 1, 0.7615941559557649, 0.41997434161402614},
        {"tanh", -1, -0.7615941559557649, 0.41997434161402614},
        {"softsign", -3, -0.75, 0.0625},
        {"softsign", 1, 0.5, 0.25},
        {"abs", -2, 2, -1},
        {"abs", 2, 2, 1},
        {"linear", -3, -3, 1},
    };
    check_points(points, sizeof points / sizeof *points);
}

/** A rectifier's bend has the slope of its negative side; that of the absolute value, which has none, 0. */
static void test_bends(void **state)
{
    (void)state;
    static const known_point points[] = {
        {"relu", 0, 0, 0}, {"leakyrelu", 0, 0, 0.01}, {"elu alpha=2", 0, 0, 2},
        {"abs", 0, 0, 0},  {"gelu", 0, 0, 0.5},       {"silu", 0, 0, 0.5},
    };
    check_points(points, sizeof points / sizeof *points);
}

/** Small numbers keep all their digits where the curve goes through zero, and where it comes near to it. */
static void test_close_to_zero(void **state)
{
    (void)state;
    static const known_point points[] = {
        {"elu", -1.0 / 1048576, -9.5367386165904367e-07, 0.99999904632613834},
        {"tanh", 1.0 / 1048576, 9.5367431640596088e-07, 0.99999999999909051},
        {"tanh", -1.0 / 1048576, -9.5367431640596088e-07, 0.99999999999909051},
        {"softsign", 1.0 / 1048576, 9.5367340691241567e-07, 0.99999809265409829},
        {"softplus", -20, 2.0611536203143806e-09, 2.0611536181902037e-09},
        {"softplus", -60, 8.7565107626965203e-27, 8.7565107626965203e-27},
    };
    check_points(points, sizeof points / sizeof *points);
}

static const char *const all[] = {"leakyrelu", "elu", "selu",     "gelu", "silu",   "softplus", "sigmoid",
                                  "tanh",      "abs", "softsign", "relu", "linear", "prelu",    "maxout"};

/** Nothing overflows on its way to a finite result; 1e9 squared is still a float. */
static void test_far_out(void **state)
{
    (void)state;
    const double x[] = {-1e9, -800, -110, -95, 95, 110, 800, 1e9};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        harness h;
        run(&h, all[i], x, 8);
        for (size_t k = 0; k < h.output; k++) {
            assert_true(isfinite(harness_reals(&h.y)[k]));
        }
        for (size_t k = 0; k < h.input; k++) {
            assert_true(isfinite(harness_reals(&h.dx)[k]));
        }
        harness_free(&h);
    }
    static const known_point points[] = {
        {"sigmoid", -1e9, 0, 0},  {"sigmoid", 1e9, 1, 0},
        {"tanh", -1e9, -1, 0},    {"softplus", 1e9, 1e9, 1},
        {"softplus", -1e9, 0, 0}, {"gelu", 1e9, 1e9, 1},
        {"gelu", -1e9, 0, 0},     {"silu", 1e9, 1e9, 1},
        {"silu", -1e9, 0, 0},     {"selu", -1e9, -1.7580993408473766, 0},
    };
    check_points(points, sizeof points / sizeof *points);
}

/** What an activation tells others of itself. */
static void test_declarations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        cnn_activation is;
    } known[] = {
        {"relu", {.suits = CNN_INITIALIZE_HE_NORMAL}},
        {"leakyrelu slope=0.2", {.suits = CNN_INITIALIZE_HE_NORMAL, .slope = 0.2}},
        {"prelu", {.suits = CNN_INITIALIZE_HE_NORMAL, .slope = 0.25}},
        {"elu alpha=0.5", {.suits = CNN_INITIALIZE_HE_NORMAL, .saturates = true, .low = -0.5, .high = INFINITY}},
        {"selu",
         {.suits = CNN_INITIALIZE_LECUN_NORMAL, .saturates = true, .low = -1.7580993408473766, .high = INFINITY}},
        {"gelu", {.suits = CNN_INITIALIZE_HE_NORMAL}},
        {"silu", {.suits = CNN_INITIALIZE_HE_NORMAL}},
        {"softplus", {.suits = CNN_INITIALIZE_HE_NORMAL}},
        {"sigmoid", {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = 0, .high = 1}},
        {"tanh", {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = -1, .high = 1}},
        {"softsign", {.suits = CNN_INITIALIZE_GLOROT_UNIFORM, .saturates = true, .low = -1, .high = 1}},
        {"abs", {.suits = CNN_INITIALIZE_LECUN_NORMAL}},
        {"linear", {.suits = CNN_INITIALIZE_LECUN_NORMAL}},
        {"maxout", {.suits = CNN_INITIALIZE_HE_NORMAL}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        harness h;
        assert_int_equal(harness_plan(&h, known[i].text, (cnn_shape){3, 3, 4}, NULL), CNN_OK);
        const cnn_activation *found = &h.plan.activation, *expected = &known[i].is;
        assert_true(found->is);
        assert_int_equal(found->suits, expected->suits);
        assert_true(found->slope == expected->slope);
        assert_int_equal(found->saturates, expected->saturates);
        assert_true(fabs(found->low - expected->low) < 1e-12 && found->high == expected->high);
        assert_int_equal(h.plan.multiply_adds, 0);
        harness_free(&h);
    }
    harness h;
    assert_int_equal(harness_plan(&h, "batchnorm", (cnn_shape){3, 3, 4}, NULL), CNN_OK);
    assert_false(h.plan.activation.is);
    harness_free(&h);
}

static void check_slopes(const char *text, int count, double value)
{
    harness h;
    assert_int_equal(harness_plan(&h, text, (cnn_shape){3, 3, 4}, NULL), CNN_OK);
    const cnn_tensor *slope = &h.plan.tensors[0];
    assert_int_equal(h.plan.tensor_count, 1);
    assert_string_equal(slope->name, "slope");
    assert_int_equal(slope->role, CNN_ROLE_GAIN);
    assert_int_equal(slope->rank, 1);
    assert_int_equal(slope->sizes[0], count);
    assert_int_equal(slope->initialization, CNN_INITIALIZE_CONSTANT);
    assert_true(slope->value == value);
    assert_true(slope->weight_decay == 0 && slope->l1 == 0 && slope->max_norm == 0);
    harness_free(&h);
}

static void test_slopes_of_prelu(void **state)
{
    (void)state;
    check_slopes("prelu", 4, 0.25);
    check_slopes("prelu per=layer init=0.1", 1, 0.1);
    const double x[] = {-2, 3, -4, 0};
    harness h;
    run(&h, "prelu", x, 4);
    for (int c = 0; c < 4; c++) {
        const cnn_real slope = harness_reals(&h.tensors[0])[c];
        check_near("prelu", x[c], "y", harness_reals(&h.y)[c], x[c] > 0 ? x[c] : x[c] * (double)slope);
        check_near("prelu", x[c], "the slope", harness_reals(&h.dx)[c], x[c] > 0 ? 1 : (double)slope);
        check_near("prelu", x[c], "the slope's gradient", harness_reals(&h.gradients[0])[c], fmin(x[c], 0));
    }
    harness_free(&h);
    run(&h, "prelu per=layer", x, 4);
    assert_true(harness_reals(&h.gradients[0])[0] == -6);
    harness_free(&h);
}

/** Of equal numbers the first is the largest, and has the gradient. */
static void test_maxout(void **state)
{
    (void)state;
    const double x[] = {1, 3, 3, -1, -1, -2, -5, -4, -4};
    const double dx[] = {0, 1, 0, 1, 0, 0, 0, 1, 0};
    harness h;
    run(&h, "maxout pieces=3", x, 9);
    assert_int_equal(h.output, 3);
    assert_true(harness_reals(&h.y)[0] == 3 && harness_reals(&h.y)[1] == -1 && harness_reals(&h.y)[2] == -4);
    for (int i = 0; i < 9; i++) {
        assert_true((double)harness_reals(&h.dx)[i] == dx[i]);
    }
    harness_free(&h);
    cnn_error error = {0};
    assert_int_equal(harness_plan(&h, "maxout pieces=3", (cnn_shape){5, 5, 8}, &error), CNN_USAGE);
    assert_string_equal(error.message, "pieces=3 does not divide 8 channels");
    harness_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),  cmocka_unit_test(test_bends),
        cmocka_unit_test(test_close_to_zero), cmocka_unit_test(test_far_out),
        cmocka_unit_test(test_declarations),  cmocka_unit_test(test_slopes_of_prelu),
        cmocka_unit_test(test_maxout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

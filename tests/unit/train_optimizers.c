/* Each optimizer against a twin in double over several steps, against steps worked out by hand, and Muon's matrices
 * against what orthogonal means. */
#include "base/memory.h"
#include "train/optimizer.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1300, MOST_SIDE = 40, STEPS = 6 };

/** Parameters and their states, here of the library's type and there in double. */
typedef struct bed {
    cnn_train_options options;
    int rows, columns; /* rows 0: a range of `columns` */
    cnn_real w[MOST], g[MOST], states[CNN_OPTIMIZER_STATES][MOST];
    double twin_w[MOST], twin_g[MOST], twin_states[CNN_OPTIMIZER_STATES][MOST];
} bed;

static size_t count_of(const bed *b)
{
    return (size_t)(b->rows > 0 ? b->rows : 1) * (size_t)b->columns;
}

static double wave(size_t i, double phase)
{
    return sin(0.7 * (double)(i * i) + phase);
}

static void set_up(bed *b, const char *train, int rows, int columns)
{
    char text[256];
    cnn_error error = {0};
    snprintf(text, sizeof text, "input 8x8x1\ndense units=2\ntrain %s\n", train);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    if (recipe == NULL) {
        fail_msg("%s", error.message);
    }
    memset(b, 0, sizeof *b);
    cnn_recipe_train_options(recipe, &b->options);
    cnn_recipe_free(recipe);
    b->rows = rows;
    b->columns = columns;
    for (size_t i = 0; i < count_of(b); i++) {
        b->twin_w[i] = b->w[i] = (cnn_real)wave(i, 1);
    }
}

static void set_gradients(bed *b, double phase)
{
    for (size_t i = 0; i < count_of(b); i++) {
        b->twin_g[i] = b->g[i] = (cnn_real)(0.1 * wave(i, phase));
    }
}

static void update(bed *b, double rate, int step)
{
    const cnn_optimizer *optimizer = cnn_optimizers[b->options.optimizer];
    const size_t size = b->rows > 0 ? optimizer->matrix_room(b->rows, b->columns) : 0;
    cnn_real *room = cnn_alloc(size, sizeof *room);
    const cnn_update call = {
        .vectors = cnn_vector_kernels_of(CNN_ISA_baseline),
        .options = &b->options,
        .learning_rate = rate,
        .step = step,
        .weight_decay = b->options.weights.weight_decay,
        .count = count_of(b),
        .parameters = b->w,
        .gradients = b->g,
        .states = {b->states[0], b->states[1]},
        .rows = b->rows,
        .columns = b->rows > 0 ? b->columns : 0,
        .room = room,
    };
    optimizer->update(&call);
    cnn_free(room);
}

/* ---- the twins */

/** Momentum into states[0]; the direction, with Nesterov's look ahead if asked, of value i. */
static double move_on(bed *b, size_t i, double gradient)
{
    const double v = b->twin_states[0][i] = b->options.momentum * b->twin_states[0][i] + gradient;
    return b->options.nesterov ? gradient + b->options.momentum * v : v;
}

static void step_of_sgd(bed *b, double rate, int step)
{
    (void)step;
    for (size_t i = 0; i < count_of(b); i++) {
        b->twin_w[i] -= rate * move_on(b, i, b->twin_g[i] + b->options.weights.weight_decay * b->twin_w[i]);
    }
}

static void step_of_either_adam(bed *b, double rate, int step, bool decoupled)
{
    const double b1 = b->options.beta1, b2 = b->options.beta2, decay = b->options.weights.weight_decay;
    for (size_t i = 0; i < count_of(b); i++) {
        const double w = b->twin_w[i], g = b->twin_g[i] + (decoupled ? 0 : decay * w);
        const double m = b->twin_states[0][i] = b1 * b->twin_states[0][i] + (1 - b1) * g;
        const double s = b->twin_states[1][i] = b2 * b->twin_states[1][i] + (1 - b2) * g * g;
        const double mean = m / (1 - pow(b1, step)), square = s / (1 - pow(b2, step));
        b->twin_w[i] = w - rate * (mean / (sqrt(square) + b->options.epsilon) + (decoupled ? decay * w : 0));
    }
}

static void step_of_adam(bed *b, double rate, int step)
{
    step_of_either_adam(b, rate, step, false);
}

static void step_of_adamw(bed *b, double rate, int step)
{
    step_of_either_adam(b, rate, step, true);
}

static void step_of_rmsprop(bed *b, double rate, int step)
{
    (void)step;
    for (size_t i = 0; i < count_of(b); i++) {
        const double g = b->twin_g[i] + b->options.weights.weight_decay * b->twin_w[i];
        double *s = &b->twin_states[0][i];
        *s = b->options.beta2 * *s + (1 - b->options.beta2) * g * g;
        b->twin_w[i] -= rate * g / (sqrt(*s) + b->options.epsilon);
    }
}

/** to [n][m] = from [n][k] times by [k][m], or with `turned` the transpose of by [m][k]. */
static void multiply(int n, int k, int m, const double *from, const double *by, bool turned, double *to)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
            double sum = 0;
            for (int l = 0; l < k; l++) {
                sum += from[i * k + l] * (turned ? by[j * k + l] : by[l * m + j]);
            }
            to[i * m + j] = sum;
        }
    }
}

/** Always from the side of the rows, and so of larger matrices where the library turns to the columns. */
static void step_of_muon(bed *b, double rate, int step)
{
    static double x[MOST], moved[MOST], gram[MOST_SIDE * MOST_SIDE], square[MOST_SIDE * MOST_SIDE];
    const int rows = b->rows, columns = b->columns;
    (void)step;
    double norm = 0;
    for (size_t i = 0; i < count_of(b); i++) {
        x[i] = move_on(b, i, b->twin_g[i]);
        norm += x[i] * x[i];
    }
    for (size_t i = 0; i < count_of(b); i++) {
        x[i] /= sqrt(norm);
    }
    for (int turn = 0; turn < 5; turn++) {
        multiply(rows, columns, rows, x, x, true, gram);
        multiply(rows, rows, rows, gram, gram, false, square);
        for (int i = 0; i < rows * rows; i++) {
            gram[i] = -4.7750 * gram[i] + 2.0315 * square[i];
        }
        multiply(rows, rows, columns, gram, x, false, moved);
        for (size_t i = 0; i < count_of(b); i++) {
            x[i] = 3.4445 * x[i] + moved[i];
        }
    }
    const double stretch = rows > columns ? sqrt((double)rows / columns) : 1;
    for (size_t i = 0; i < count_of(b); i++) {
        b->twin_w[i] -= rate * (stretch * x[i] + b->options.weights.weight_decay * b->twin_w[i]);
    }
}

/* ---- comparing */

typedef void twin_step(bed *b, double rate, int step);

/* Of a tensor's norm: 1 - beta2 alone, in float, is off by 1e-5 of itself. */
static const double tolerance = 3e-5;

static void assert_near(const char *train, int step, const cnn_real *found, const double *expected, size_t count,
                        double most)
{
    double distance = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        distance += ((double)found[i] - expected[i]) * ((double)found[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    if (!(sqrt(distance) <= most * sqrt(norm))) {
        fail_msg("%s: step %d is off by %.2g of its norm", train, step, sqrt(distance / norm));
    }
}

static void check_twin(const char *train, int rows, int columns, twin_step *twin)
{
    static bed b;
    set_up(&b, train, rows, columns);
    for (int step = 1; step <= STEPS; step++) {
        const double rate = b.options.lr / step;
        set_gradients(&b, step);
        update(&b, rate, step);
        twin(&b, rate, step);
        assert_near(train, step, b.w, b.twin_w, count_of(&b), tolerance);
        for (int i = 0; i < cnn_optimizers[b.options.optimizer]->state_count; i++) {
            assert_near(train, step, b.states[i], b.twin_states[i], count_of(&b), tolerance);
        }
    }
}

static void they_do_what_their_twins_do(void **state)
{
    (void)state;
    check_twin("optimizer=sgd lr=0.1 weight-decay=0.05", 0, 100, step_of_sgd);
    check_twin("optimizer=sgd lr=0.1 nesterov=on", 0, 100, step_of_sgd);
    check_twin("optimizer=adamw lr=0.02 beta1=0.8 beta2=0.95 epsilon=0.001 weight-decay=0.1", 0, 100, step_of_adamw);
    check_twin("optimizer=adam lr=0.02 beta1=0.8 beta2=0.95 epsilon=0.001 weight-decay=0.1", 0, 100, step_of_adam);
    check_twin("optimizer=adam lr=0.01", 0, 100, step_of_adam);
    check_twin("optimizer=rmsprop lr=0.01 beta2=0.9 epsilon=0.001 weight-decay=0.1", 0, 100, step_of_rmsprop);
    check_twin("optimizer=rmsprop lr=0.001", 0, 100, step_of_rmsprop);
    check_twin("optimizer=muon lr=0.1 momentum=0.8 nesterov=on weight-decay=0.05", 0, 100, step_of_sgd);
}

/* Gradients of full rank: else rounding alone decides what becomes of the directions that there are none along. */
static void muon_does_what_its_twin_does(void **state)
{
    (void)state;
    static const struct {
        int rows, columns;
    } shapes[] = {{8, 25}, {25, 8}, {16, 17}, {32, 40}, {40, 32}, {1, 30}, {30, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_twin("optimizer=muon lr=0.1 momentum=0.8 nesterov=on weight-decay=0.1", shapes[i].rows, shapes[i].columns,
                   step_of_muon);
        check_twin("optimizer=muon lr=0.1 momentum=0", shapes[i].rows, shapes[i].columns, step_of_muon);
    }
}

/* ---- by hand */

/** Runs one parameter, 1 at first, through gradients g1 and g2 at rate 0.1. */
static void check_by_hand(const char *train, double g1, double g2, double after1, double after2)
{
    static bed b;
    set_up(&b, train, 0, 1);
    b.w[0] = 1;
    b.g[0] = (cnn_real)g1;
    update(&b, 0.1, 1);
    if (fabs((double)b.w[0] - after1) > 3e-6) {
        fail_msg("%s: %.9g after the first step, not %.9g", train, (double)b.w[0], after1);
    }
    b.g[0] = (cnn_real)g2;
    update(&b, 0.1, 2);
    if (fabs((double)b.w[0] - after2) > 3e-6) {
        fail_msg("%s: %.9g after the second step, not %.9g", train, (double)b.w[0], after2);
    }
}

static void steps_worked_out_by_hand(void **state)
{
    (void)state;
    /* m = 1/2 and s = 1/4, both corrected to 1; then m = -1/4 corrected to -1/3, and s = 7/16 to 1. */
    check_by_hand("optimizer=adam beta1=0.5 beta2=0.75", 1, -1, 0.9, 0.9 + 0.1 / 3);
    /* The gradient's length is nothing to Adam: a decay of 0.2 moves by the rate, where AdamW's moves by 0.1 * 0.2. */
    check_by_hand("optimizer=adam weight-decay=0.2", 0, 0, 0.9, 0.9 - 0.1 * 0.9958777);
    check_by_hand("optimizer=adamw weight-decay=0.2", 0, 0, 0.98, 0.98 * 0.98);
    /* s = 2, then 3: 2 / sqrt(2), 2 / sqrt(3). */
    check_by_hand("optimizer=rmsprop beta2=0.5", 2, 2, 1 - 0.1 * sqrt(2), 1 - 0.1 * (sqrt(2) + 2 / sqrt(3)));
    /* Decay is in the gradient: 1 + 0.5 * 2 = 2 at first. */
    check_by_hand("optimizer=rmsprop beta2=0.5 epsilon=1 weight-decay=2", 0, -2, 1 - 0.2 / (sqrt(2) + 1),
                  1 - 0.2 / (sqrt(2) + 1) + 0.1 * (0.4 / (sqrt(2) + 1)) / (sqrt(1 + 0.08 / pow(sqrt(2) + 1, 2)) + 1));
}

/* ---- orthogonality */

/** The eigenvalues of a symmetric matrix [n][n], which is overwritten, by Jacobi's rotations. */
static void eigenvalues(int n, double *matrix, double *values)
{
    for (int sweep = 0; sweep < 30; sweep++) {
        for (int p = 0; p < n; p++) {
            for (int q = p + 1; q < n; q++) {
                const double angle = 0.5 * atan2(2 * matrix[p * n + q], matrix[q * n + q] - matrix[p * n + p]);
                const double c = cos(angle), s = sin(angle);
                for (int k = 0; k < n; k++) {
                    const double kp = matrix[k * n + p], kq = matrix[k * n + q];
                    matrix[k * n + p] = c * kp - s * kq;
                    matrix[k * n + q] = s * kp + c * kq;
                }
                for (int k = 0; k < n; k++) {
                    const double pk = matrix[p * n + k], qk = matrix[q * n + k];
                    matrix[p * n + k] = c * pk - s * qk;
                    matrix[q * n + k] = s * pk + c * qk;
                }
            }
        }
    }
    for (int i = 0; i < n; i++) {
        values[i] = matrix[i * n + i];
    }
}

/** Of a step from zero at rate 1 along `b->g`: all singular values lie in the band that the polynomial promises. */
static void check_orthogonal(bed *b)
{
    static double x[MOST], turned[MOST], gram[MOST_SIDE * MOST_SIDE];
    double values[MOST_SIDE];
    const int rows = b->rows, columns = b->columns, side = rows < columns ? rows : columns;
    const double stretch = rows > columns ? sqrt((double)rows / columns) : 1;
    memset(b->w, 0, sizeof b->w);
    update(b, 1, 1);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            x[i * columns + j] = -(double)b->w[i * columns + j] / stretch;
            turned[j * rows + i] = x[i * columns + j];
        }
    }
    const double *wide = rows <= columns ? x : turned;
    multiply(side, rows + columns - side, side, wide, wide, true, gram);
    eigenvalues(side, gram, values);
    for (int i = 0; i < side; i++) {
        if (!(sqrt(values[i]) > 0.68 && sqrt(values[i]) < 1.21)) {
            fail_msg("%d x %d: a singular value is %.3g", rows, columns, sqrt(values[i]));
        }
    }
}

static void muon_makes_matrices_orthogonal(void **state)
{
    (void)state;
    static const struct {
        int rows, columns;
    } shapes[] = {{8, 25}, {25, 8}, {20, 60}, {40, 20}, {1, 9}, {9, 1}, {1, 1}};
    static const double lengths[] = {1e-12, 1e-3, 1, 1e6};
    static bed b;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
            set_up(&b, "optimizer=muon momentum=0", shapes[i].rows, shapes[i].columns);
            for (int at = 0; at < b.rows * b.columns; at++) { /* one direction thirty times as long as others */
                const int row = at / b.columns, column = at % b.columns;
                b.g[at] = (cnn_real)(lengths[k] * (wave((size_t)at, 2) + (row == 0 && column < 3 ? 30 : 0)));
            }
            check_orthogonal(&b);
        }
    }
}

static void muon_stays_where_there_is_no_gradient(void **state)
{
    (void)state;
    static bed b;
    set_up(&b, "optimizer=muon nesterov=on", 8, 25);
    const cnn_real kept = b.w[7];
    update(&b, 0.1, 1);
    assert_true(b.w[7] == kept);
    assert_near("muon", 1, b.w, b.twin_w, count_of(&b), 0);
}

static void names_follow_the_recipe(void **state)
{
    (void)state;
    static const struct {
        cnn_optimizer_name value;
        const char *name;
    } all[] = {{CNN_OPTIMIZER_SGD, "sgd"},
               {CNN_OPTIMIZER_ADAMW, "adamw"},
               {CNN_OPTIMIZER_ADAM, "adam"},
               {CNN_OPTIMIZER_RMSPROP, "rmsprop"},
               {CNN_OPTIMIZER_MUON, "muon"}};
    static bed b;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char train[64];
        snprintf(train, sizeof train, "optimizer=%s", all[i].name);
        set_up(&b, train, 0, 1);
        assert_int_equal(b.options.optimizer, all[i].value);
        assert_string_equal(cnn_optimizers[all[i].value]->name, all[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_do_what_their_twins_do),
        cmocka_unit_test(muon_does_what_its_twin_does),
        cmocka_unit_test(steps_worked_out_by_hand),
        cmocka_unit_test(muon_makes_matrices_orthogonal),
        cmocka_unit_test(muon_stays_where_there_is_no_gradient),
        cmocka_unit_test(names_follow_the_recipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

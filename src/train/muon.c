/* Muon (K. Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"): weights move along the
 * orthogonal matrix nearest to their momentum, so that all directions of a matrix learn alike, not the few that the
 * gradient favours. Weights of convolutions and dense layers are matrices of filters x rest (units x inputs):
 *
 *     v = momentum v + g                    [rows][columns]
 *     x = v, or g + momentum v with nesterov, divided by its norm
 *     x = a x + (b A + c A^2) x, A = x x^T  five times: Newton-Schulz
 *     w = (1 - rate decay) w - rate sqrt(max(1, rows / columns)) x
 *
 * The polynomial's coefficients are Jordan's. They do not lead to 1 but quickly near it: five steps bring all singular
 * values above 0.002 of the norm to 0.68 .. 1.21. Three, which suffice for his fastest training on CIFAR-10, leave
 * those below 0.02 behind. A step of a convolution costs as much arithmetic as training it with 2 rows / (3 positions)
 * more images a batch: five, of 256 filters on 7x7 maps, as much as 17 images. Decay is apart from the gradient, whose
 * length is lost. All other tensors are moved by SGD. */
#include "base/arena.h"
#include "math/gemm.h"
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

extern const cnn_optimizer cnn_muon;

static const cnn_real a = (cnn_real)3.4445, b = (cnn_real)-4.7750, c = (cnn_real)2.0315;

enum { NEWTON_SCHULZ_STEPS = 5 };

/** The matrix, the next one, and on the smaller of both sides: A, and b A + c A^2. */
typedef struct workspace {
    cnn_real *x, *next;          /* [rows][columns] */
    cnn_real *gram, *polynomial; /* [side][side] */
} workspace;

static int smaller(int rows, int columns)
{
    return rows < columns ? rows : columns;
}

static workspace carve(cnn_arena *arena, int rows, int columns)
{
    const size_t count = (size_t)rows * (size_t)columns;
    const size_t side = (size_t)smaller(rows, columns);
    return (workspace){
        .x = cnn_arena_take(arena, count, sizeof(cnn_real)),
        .next = cnn_arena_take(arena, count, sizeof(cnn_real)),
        .gram = cnn_arena_take(arena, side * side, sizeof(cnn_real)),
        .polynomial = cnn_arena_take(arena, side * side, sizeof(cnn_real)),
    };
}

static size_t matrix_room(int rows, int columns)
{
    cnn_arena arena = {0};
    carve(&arena, rows, columns);
    return arena.used / sizeof(cnn_real);
}

/** next = a x + (b A + c A^2) x with A = x x^T; of a tall x the same from the other side, a x + x (b A + c A^2) with
 * A = x^T x. */
static void iterate(const cnn_update *u, const workspace *work)
{
    const bool tall = u->rows > u->columns;
    const int side = smaller(u->rows, u->columns);
    const cnn_factor x = {{work->x, u->rows, u->columns, u->columns}, CNN_PLAIN};
    const cnn_factor turned = {x.matrix, CNN_TRANSPOSED};
    const cnn_factor gram = {{work->gram, side, side, side}, CNN_PLAIN};
    const cnn_factor polynomial = {{work->polynomial, side, side, side}, CNN_PLAIN};
    cnn_gemm(tall ? turned : x, tall ? x : turned, (cnn_product){work->gram, side, 0});
    cnn_gemm(gram, gram, (cnn_product){work->polynomial, side, 0});
    u->vectors->blend(work->polynomial, c, work->gram, b, (size_t)side * (size_t)side);
    memcpy(work->next, work->x, u->count * sizeof *work->x);
    cnn_gemm(tall ? x : polynomial, tall ? polynomial : x, (cnn_product){work->next, u->columns, a});
}

/** x becomes the orthogonal matrix near it; an x of zeros stays. */
static void orthogonalize(const cnn_update *u, workspace *work)
{
    const double norm = sqrt(u->vectors->sum_squares(work->x, u->count));
    u->vectors->scale(work->x, (cnn_real)(1 / fmax(norm, 1e-30)), u->count);
    for (int i = 0; i < NEWTON_SCHULZ_STEPS; i++) {
        iterate(u, work);
        cnn_real *former = work->x;
        work->x = work->next;
        work->next = former;
    }
}

static void update(const cnn_update *u)
{
    if (u->rows == 0) {
        cnn_sgd_update(u);
        return;
    }
    const cnn_real momentum = (cnn_real)u->options->momentum;
    const double stretch = sqrt(fmax(1, (double)u->rows / u->columns));
    const double decay = u->weight_decay;
    cnn_arena arena = {.base = (unsigned char *)u->room};
    workspace work = carve(&arena, u->rows, u->columns);
    u->vectors->blend(u->states[0], momentum, u->gradients, 1, u->count);
    if (u->options->nesterov) {
        memcpy(work.x, u->gradients, u->count * sizeof *work.x);
        u->vectors->blend(work.x, 1, u->states[0], momentum, u->count);
    } else {
        memcpy(work.x, u->states[0], u->count * sizeof *work.x);
    }
    orthogonalize(u, &work);
    u->vectors->blend(u->parameters, (cnn_real)(1 - u->learning_rate * decay), work.x,
                      (cnn_real)(-u->learning_rate * stretch), u->count);
}

const cnn_optimizer cnn_muon = {
    .name = "muon", .state_count = 1, .states = {"momentum"}, .update = update, .matrix_room = matrix_room};

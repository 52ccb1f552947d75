/* Updating the parameters. The trained tensors are cut into parts, which any thread takes: it sums the lanes' gradients
 * and lets the optimizer do the rest. Around this are
 *
 * - clipping (Pascanu et al. 2013, arXiv 1211.5063): where the norm of all gradients together is above clip, all are
 *   multiplied by clip / norm. It wants the norm before the first parameter moves, so a pass of its own, which is left
 *   out with clip=0.
 * - lookahead (Zhang et al. 2019, arXiv 1907.08610): the optimizer moves fast weights; after every so many steps slow
 *   ones go a share of the way to them, and the fast ones go on from there. Optimizers keep their states. The last step
 *   always ends so, be the count full or not: the model that is left has the slow weights. In between, validation and
 *   whoever takes the model see the fast ones. Running statistics are no weights and stay as they are.
 * - max-norm (Srebro and Shraibman 2005; Srivastava et al. 2014, "Dropout", 5.1): a unit's weight vector that has grown
 *   too long is cut to that length, after all else, and where slow weights meet the fast ones they are cut as well.
 * - averaging (Polyak and Juditsky 1992, with the exponential weights that are usual today): after each step an average
 *   of the weights, a' = decay a + (1 - decay) w, goes after them; it is validated and becomes the model, and training
 *   itself never reads it. In step t decay is at most (1 + t) / (10 + t), so that the first weights are forgotten soon;
 *   that is the rule of TensorFlow's ExponentialMovingAverage. Running statistics are averaged as weights are: they
 *   then belong to the weights of the same steps. What never changes is its own average to the bit.
 * - norm: a layer's weights are scaled so that their units' vectors have this length in the root mean square. Where
 *   batch normalization follows, their scale has no effect but on how far a step turns them (van Laarhoven 2017, arXiv
 *   1706.05350): so it is the same all the time, whatever the steps' lengths were.
 * - bias-lr: biases learn so many times faster than the rest (Jordan 2024, arXiv 2404.00498: 64 times). They do not
 *   decay, so that there is no more to it. head-lr does so for the weights of the last layer. These are never a matrix
 *   to the optimizer: its rows are the classes, which are not features to be kept apart. */
#include "train/update.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/** The most parameters of a part that is no matrix: small enough to share out evenly, and to stay in the first
 * caches. */
#define PART 4096

int cnn_train_states(const cnn_train_options *options, cnn_state_block states[CNN_TRAINER_STATES])
{
    const cnn_optimizer *optimizer = cnn_optimizers[options->optimizer];
    int count = 0;
    for (; count < optimizer->state_count; count++) {
        states[count] = (cnn_state_block){.prefix = optimizer->states[count]};
    }
    if (options->lookahead > 0) {
        states[count++] = (cnn_state_block){.prefix = "slow"};
    }
    if (options->average > 0) {
        states[count++] = (cnn_state_block){.prefix = "average", .whole = true};
    }
    return count;
}

/** The slow weights of lookahead. */
static cnn_real *slow_weights(const cnn_trainer *t)
{
    return t->states[t->optimizer->state_count];
}

cnn_real *cnn_trainer_weights(const cnn_trainer *trainer)
{
    return trainer->options.average > 0 ? trainer->states[trainer->state_count - 1] : trainer->model->parameters;
}

/* ---- planning */

/** Numbers rounded up so that what follows is aligned. */
static size_t round_up(size_t count)
{
    const size_t unit = CNN_ALIGNMENT / sizeof(cnn_real);
    return (count + unit - 1) / unit * unit;
}

/** The weights of the last layer that has trained ones: their slot. */
static int head_of(const cnn_network *network)
{
    int slot = network->slot_count - 1;
    while (slot >= 0 && cnn_network_tensor(network, slot)->role != CNN_ROLE_WEIGHT) {
        slot--;
    }
    return slot;
}

/** The part of a tensor that begins at `first`: the rest of it, or what is permitted at a time. */
static cnn_update_part part_at(const cnn_network *network, const cnn_optimizer *optimizer, int slot, size_t first)
{
    const cnn_tensor *tensor = cnn_network_tensor(network, slot);
    const size_t count = network->slots[slot].count, rest = count - first;
    if (optimizer->matrix_room != NULL && tensor->role == CNN_ROLE_WEIGHT && tensor->rank > 1 &&
        slot != head_of(network)) {
        const int rows = tensor->sizes[0];
        return (cnn_update_part){slot, 0, count, rows, (int)(count / (size_t)rows)};
    }
    return (cnn_update_part){.slot = slot, .first = first, .count = rest < PART ? rest : PART};
}

/** Cuts the trained tensors into parts, which are counted, and written where `parts` is not NULL; *room is what the
 * neediest part wants beside its parameters: the sum of its gradients, and the optimizer's own. */
static int cut(const cnn_network *network, const cnn_optimizer *optimizer, cnn_update_part *parts, size_t *room)
{
    int count = 0;
    *room = 0;
    for (int s = 0; s < network->slot_count; s++) {
        if (cnn_network_tensor(network, s)->role == CNN_ROLE_STATE) {
            continue;
        }
        for (size_t first = 0; first < network->slots[s].count; count++) {
            const cnn_update_part part = part_at(network, optimizer, s, first);
            const size_t own = part.rows > 0 ? optimizer->matrix_room(part.rows, part.columns) : 0;
            const size_t wanted = round_up(part.count) + own;
            *room = wanted > *room ? wanted : *room;
            first += part.count;
            if (parts != NULL) {
                parts[count] = part;
            }
        }
    }
    return count;
}

size_t cnn_update_room(const cnn_network *network, const cnn_optimizer *optimizer)
{
    size_t room;
    cut(network, optimizer, NULL, &room);
    return room;
}

cnn_status cnn_trainer_plan_update(cnn_trainer *t, cnn_error *error)
{
    const cnn_network *network = t->model->network;
    cnn_state_block states[CNN_TRAINER_STATES];
    t->optimizer = cnn_optimizers[t->options.optimizer];
    t->state_count = cnn_train_states(&t->options, states);
    for (int i = 0; i < t->state_count; i++) {
        t->states[i] = cnn_alloc(network->parameter_count, sizeof *t->states[i]);
        if (t->states[i] == NULL) {
            return cnn_fail_memory(error);
        }
    }
    /* Slow weights and average begin as the weights. */
    for (int i = t->optimizer->state_count; i < t->state_count; i++) {
        memcpy(t->states[i], t->model->parameters, network->parameter_count * sizeof *t->model->parameters);
    }
    t->part_count = cut(network, t->optimizer, NULL, &t->room_size);
    t->parts = cnn_alloc((size_t)t->part_count, sizeof *t->parts);
    t->squares = cnn_alloc((size_t)t->part_count, sizeof *t->squares);
    t->room = cnn_alloc((size_t)cnn_team_threads(t->team), t->room_size * sizeof *t->room);
    if (t->parts == NULL || t->squares == NULL || t->room == NULL) {
        return cnn_fail_memory(error);
    }
    cut(network, t->optimizer, t->parts, &t->room_size);
    return CNN_OK;
}

/* ---- the gradients' norm */

/** This thread's room. */
static cnn_real *room_of(const cnn_trainer *t, int thread)
{
    return t->room + (size_t)thread * t->room_size;
}

static void measure_part(void *context, int index, int thread)
{
    cnn_trainer *t = context;
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_UPDATE);
    const cnn_update_part *part = &t->parts[index];
    const cnn_real *gradient = cnn_runner_gradient(t->runner, part->slot, part->first, part->count, room_of(t, thread));
    t->squares[index] = t->model->network->vectors->sum_squares(gradient, part->count);
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_NONE);
}

void cnn_trainer_measure_gradients(cnn_trainer *trainer)
{
    cnn_team_run(trainer->team, trainer->part_count, measure_part, trainer);
}

double cnn_trainer_gradient_norm(const cnn_trainer *trainer)
{
    double sum = 0;
    for (int i = 0; i < trainer->part_count; i++) {
        sum += trainer->squares[i];
    }
    return sqrt(sum);
}

/* ---- the update */

/** The part's gradient, clipped, and with l1 * sign(w) where the tensor has that penalty; in `room` or in the runner's
 * own memory. */
static const cnn_real *final_gradient(const cnn_trainer *t, const cnn_update_part *part, cnn_real *room)
{
    const cnn_network *network = t->model->network;
    const double l1 = cnn_network_tensor(network, part->slot)->l1;
    const cnn_real *gradient = cnn_runner_gradient(t->runner, part->slot, part->first, part->count, room);
    if (t->gradient_factor == 1 && l1 == 0) {
        return gradient;
    }
    if (gradient != room) {
        memcpy(room, gradient, part->count * sizeof *room);
    }
    if (t->gradient_factor != 1) {
        network->vectors->scale(room, (cnn_real)t->gradient_factor, part->count);
    }
    if (l1 > 0) {
        const cnn_real *weights = t->model->parameters + network->slots[part->slot].offset + part->first;
        network->vectors->add_signs(room, (cnn_real)l1, weights, part->count);
    }
    return room;
}

/** The number of the step under way, from 1. */
static int64_t step_number(const cnn_trainer *t)
{
    return (int64_t)t->epoch * t->steps + t->step + 1;
}

/** Whether fast and slow weights meet after the step under way. */
static bool synchronizes(const cnn_trainer *t)
{
    const int64_t step = step_number(t), last = (int64_t)t->options.epochs * t->steps;
    return t->options.lookahead > 0 && (step % t->options.lookahead == 0 || step == last);
}

/** The factor of the learning rate of this slot. */
static double rate_factor(const cnn_trainer *t, int slot)
{
    const cnn_network *network = t->model->network;
    if (cnn_network_tensor(network, slot)->role == CNN_ROLE_BIAS) {
        return t->options.bias_lr;
    }
    return slot == head_of(network) ? t->options.head_lr : 1;
}

static void update_part(void *context, int index, int thread)
{
    cnn_trainer *t = context;
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_UPDATE);
    const cnn_update_part *part = &t->parts[index];
    const cnn_network *network = t->model->network;
    const cnn_tensor *tensor = cnn_network_tensor(network, part->slot);
    const size_t offset = network->slots[part->slot].offset + part->first;
    cnn_real *room = room_of(t, thread);
    cnn_update update = {
        .vectors = network->vectors,
        .options = &t->options,
        .learning_rate = t->learning_rate * rate_factor(t, part->slot),
        .step = step_number(t),
        .weight_decay = tensor->weight_decay,
        .count = part->count,
        .parameters = t->model->parameters + offset,
        .gradients = final_gradient(t, part, room),
        .rows = part->rows,
        .columns = part->columns,
        .room = room + round_up(part->count),
    };
    for (int i = 0; i < t->optimizer->state_count; i++) {
        update.states[i] = t->states[i] + offset;
    }
    t->optimizer->update(&update);
    if (synchronizes(t)) {
        network->vectors->lookahead((cnn_real)t->options.lookahead_share, slow_weights(t) + offset, update.parameters,
                                    part->count);
    }
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_NONE);
}

/** Whether a trained tensor's weights must be brought to some length after a step. */
static bool has_constraint(const cnn_tensor *tensor)
{
    return tensor->role != CNN_ROLE_STATE && (tensor->norm > 0 || tensor->max_norm > 0);
}

/** Cuts each row [columns] that is longer than `most` to that length. */
static void cut_rows(const cnn_vector_kernels *vectors, double most, size_t rows, size_t columns, cnn_real *weights)
{
    for (size_t r = 0; r < rows; r++) {
        cnn_real *row = weights + r * columns;
        const double norm = sqrt(vectors->sum_squares(row, columns));
        if (norm > most) {
            vectors->scale(row, (cnn_real)(most / norm), columns);
        }
    }
}

/** Scales all so that the rows' lengths have the root mean square `wanted`. */
static void restore_norm(const cnn_vector_kernels *vectors, double wanted, size_t rows, size_t count, cnn_real *weights)
{
    const double norm = sqrt(vectors->sum_squares(weights, count) / (double)rows);
    if (norm > 0) {
        vectors->scale(weights, (cnn_real)(wanted / norm), count);
    }
}

/** Brings one tensor to its norm, its rows to its max-norm; where slow weights are the same as the fast ones, they stay
 * so. */
static void constrain_slot(void *context, int index, int thread)
{
    const cnn_trainer *t = context;
    const cnn_network *network = t->model->network;
    const cnn_slot *slot = &network->slots[index];
    const cnn_tensor *tensor = cnn_network_tensor(network, index);
    if (!has_constraint(tensor)) {
        return;
    }
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_UPDATE);
    const size_t rows = (size_t)tensor->sizes[0];
    cnn_real *weights = t->model->parameters + slot->offset;
    if (tensor->norm > 0) {
        restore_norm(network->vectors, tensor->norm, rows, slot->count, weights);
    }
    if (tensor->max_norm > 0) {
        cut_rows(network->vectors, tensor->max_norm, rows, slot->count / rows, weights);
    }
    if (synchronizes(t)) {
        memcpy(slow_weights(t) + slot->offset, weights, slot->count * sizeof *weights);
    }
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_NONE);
}

static bool is_constrained(const cnn_network *network)
{
    int slot = 0;
    while (slot < network->slot_count && !has_constraint(cnn_network_tensor(network, slot))) {
        slot++;
    }
    return slot < network->slot_count;
}

/** Numbers [index * PART, (index + 1) * PART) of the average follow those of the parameters, trained or not. */
static void average_part(void *context, int index, int thread)
{
    const cnn_trainer *t = context;
    const cnn_network *network = t->model->network;
    const size_t first = (size_t)index * PART, left = network->parameter_count - first;
    const double step = (double)step_number(t), decay = fmin(t->options.average, (1 + step) / (10 + step));
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_UPDATE);
    network->vectors->follow(cnn_trainer_weights(t) + first, (cnn_real)(1 - decay), t->model->parameters + first,
                             left < PART ? left : PART);
    cnn_runner_note(t->runner, thread, -1, CNN_WORK_NONE);
}

void cnn_trainer_update(cnn_trainer *trainer)
{
    cnn_trainer *t = trainer;
    t->gradient_factor = 1;
    if (t->options.clip > 0) {
        cnn_trainer_measure_gradients(t);
        const double norm = cnn_trainer_gradient_norm(t);
        t->gradient_factor = norm > t->options.clip ? t->options.clip / norm : 1;
    }
    cnn_team_run(t->team, t->part_count, update_part, t);
    if (is_constrained(t->model->network)) {
        cnn_team_run(t->team, t->model->network->slot_count, constrain_slot, t);
    }
    if (t->options.average > 0) {
        cnn_team_run(t->team, (int)((t->model->network->parameter_count + PART - 1) / PART), average_part, t);
    }
}

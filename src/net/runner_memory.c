/* Creating a runner: every size is added up, one block is allocated, and the arrays are carved from it. */
#include "net/runner_memory.h"

#include "base/arena.h"
#include "base/memory.h"

#include <string.h>

static size_t round_up(size_t size)
{
    return size > SIZE_MAX - CNN_ALIGNMENT ? SIZE_MAX : (size + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT;
}

/** The sizes that the nodes ask for; the first call counts, the second, with arrays, also notes their places. */
static void add_up_nodes(cnn_runner *r)
{
    const bool training = r->program.training;
    r->scratch_size = r->sums_count = r->totals_count = r->shared_count = 0;
    for (int i = 0; i < r->network->node_count; i++) {
        const cnn_node *node = &r->network->nodes[i];
        const cnn_layer_plan *plan = &node->plan;
        const size_t scratch = round_up(plan->scratch_size);
        r->scratch_size = scratch > r->scratch_size ? scratch : r->scratch_size;
        if (!training) {
            continue;
        }
        r->draws_random = r->draws_random || node->kind->random;
        if (r->node_places != NULL) {
            r->node_places[i].sums_forward = r->sums_count;
            r->node_places[i].sums_backward = r->sums_count + (size_t)plan->sums_forward;
            r->node_places[i].shared = r->shared_count;
        }
        const int most = plan->sums_forward > plan->sums_backward ? plan->sums_forward : plan->sums_backward;
        r->sums_count += (size_t)plan->sums_forward + (size_t)plan->sums_backward;
        r->shared_count += (size_t)plan->shared_count;
        r->totals_count = (size_t)most > r->totals_count ? (size_t)most : r->totals_count;
    }
}

/** What the nodes prepare, one after the other. */
static void add_up_prepared(cnn_runner *r)
{
    r->prepared_size = 0;
    r->prepare_parts = 0;
    for (int i = 0; i < r->network->node_count; i++) {
        const cnn_layer_plan *plan = &r->network->nodes[i].plan;
        const size_t size = round_up(r->program.training ? plan->prepared_size_training : plan->prepared_size);
        if (r->node_places != NULL) {
            r->node_places[i].prepared = r->prepared_size;
        }
        if (!cnn_add_size(r->prepared_size, size, &r->prepared_size)) {
            r->prepared_size = SIZE_MAX;
        }
        r->prepare_parts += r->program.training ? plan->prepare_parts_training : plan->prepare_parts;
    }
}

/** Where gradients go: a layer with parts of its own, or with totals, writes them once a batch. */
static void add_up_gradients(cnn_runner *r)
{
    r->lane_gradient_count = r->whole_gradient_count = 0;
    for (int s = 0; s < r->network->slot_count && r->program.training; s++) {
        const cnn_slot *slot = &r->network->slots[s];
        const cnn_node *node = &r->network->nodes[slot->node];
        if (cnn_network_tensor(r->network, s)->role == CNN_ROLE_STATE) {
            continue;
        }
        const bool whole = node->plan.backward_parts > 0 || node->kind->backward_total != NULL;
        size_t *count = whole ? &r->whole_gradient_count : &r->lane_gradient_count;
        if (r->gradient_places != NULL) {
            r->gradient_places[s] = (cnn_gradient_place){whole, *count};
        }
        *count += round_up(slot->count * sizeof(cnn_real)) / sizeof(cnn_real);
    }
}

static void carve(cnn_runner *r, cnn_arena *arena)
{
    const cnn_program *program = &r->program;
    const size_t lanes = (size_t)program->lanes, threads = (size_t)cnn_team_threads(r->team);
    size_t all_lanes = SIZE_MAX, all_gradients = SIZE_MAX;
    cnn_multiply_size(lanes, program->lane_size, &all_lanes);
    cnn_multiply_size(lanes, r->lane_gradient_count, &all_gradients);
    r->node_places = cnn_arena_take(arena, (size_t)r->network->node_count, sizeof *r->node_places);
    r->gradient_places = cnn_arena_take(arena, (size_t)r->network->slot_count, sizeof *r->gradient_places);
    r->lanes = cnn_arena_take(arena, all_lanes, 1);
    r->whole = cnn_arena_take(arena, program->whole_size, 1);
    r->prepared = cnn_arena_take(arena, r->prepared_size, 1);
    r->scratch = cnn_arena_take(arena, threads, r->scratch_size);
    r->random = cnn_arena_take(arena, r->draws_random ? threads * (size_t)program->lane_images : 0, sizeof *r->random);
    r->sums = cnn_arena_take(arena, lanes * r->sums_count, sizeof *r->sums);
    r->totals = cnn_arena_take(arena, r->totals_count, sizeof *r->totals);
    r->shared = cnn_arena_take(arena, r->shared_count, sizeof *r->shared);
    r->lane_gradients = cnn_arena_take(arena, all_gradients, sizeof *r->lane_gradients);
    r->whole_gradients = cnn_arena_take(arena, r->whole_gradient_count, sizeof *r->whole_gradients);
}

cnn_runner *cnn_runner_new(const cnn_network *network, const cnn_runner_options *options, cnn_error *error)
{
    cnn_runner *r = cnn_alloc(1, sizeof *r);
    if (r == NULL) {
        cnn_fail_memory(error);
        return NULL;
    }
    r->network = network;
    r->team = options->team;
    r->loss = options->loss;
    r->loss_context = options->loss_context;
    r->seed = options->seed;
    if (cnn_program_make(&r->program, network, options->batch, options->loss != NULL, error) != CNN_OK) {
        goto failed;
    }
    add_up_nodes(r);
    add_up_prepared(r);
    add_up_gradients(r);
    cnn_arena arena = {0};
    carve(r, &arena);
    r->size = arena.used;
    r->block = arena.used == SIZE_MAX ? NULL : cnn_alloc(arena.used, 1);
    if (r->block == NULL) {
        cnn_fail(error, CNN_MEMORY, "a batch of %d images does not fit in memory: make it smaller", options->batch);
        goto failed;
    }
    arena = (cnn_arena){.base = r->block};
    carve(r, &arena);
    add_up_nodes(r);
    add_up_prepared(r);
    add_up_gradients(r);
    return r;
failed:
    cnn_runner_free(r);
    return NULL;
}

void cnn_runner_free(cnn_runner *runner)
{
    if (runner != NULL) {
        cnn_program_clear(&runner->program);
        cnn_free(runner->block);
        cnn_free(runner);
    }
}

size_t cnn_runner_size(const cnn_runner *runner)
{
    return sizeof *runner + runner->size;
}

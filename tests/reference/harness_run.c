/* Running one layer as the runner would: in lanes, in parts over the batch, or alone. */
#include "reference/harness.h"

#include <string.h>

/** What a pass is called with: the pointers of the whole batch, and where its tensors and gradients are. */
typedef struct pass {
    cnn_layer_call whole;
    cnn_real *tensors[CNN_LAYER_TENSORS], *gradients[CNN_LAYER_TENSORS];
} pass;

static void begin_pass(pass *p, harness *h, bool training)
{
    for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
        p->tensors[t] = harness_reals(&h->tensors[t]);
        p->gradients[t] = harness_reals(&h->gradients[t]);
    }
    p->whole = (cnn_layer_call){.options = h->options,
                                .parts = 1,
                                .plan = &h->plan,
                                .state = h->state,
                                .n = h->n,
                                .batch = h->n,
                                .training = training,
                                .rectify = h->rectify,
                                .tensors = p->tensors,
                                .gradients = p->gradients,
                                .saved = h->saved.data,
                                .prepared = h->prepared.data,
                                .scratch = h->scratch.data,
                                .sums = h->sums.data,
                                .shared = h->shared.data,
                                .random = h->kind->random ? h->random : NULL};
}

/** Prepares, with nothing else at hand than what prepare() may use. */
static void prepare(harness *h, const pass *p)
{
    cnn_layer_call call = {.options = p->whole.options,
                           .plan = p->whole.plan,
                           .state = p->whole.state,
                           .parts = p->whole.training ? h->plan.prepare_parts_training : h->plan.prepare_parts,
                           .training = p->whole.training,
                           .tensors = p->whole.tensors,
                           .prepared = p->whole.prepared};
    harness_spoil(&h->prepared);
    for (; call.part < call.parts; call.part++) {
        h->kind->prepare(&call);
    }
}

/** The call cut down to lane `lane`. */
static cnn_layer_call lane_call(const harness *h, const cnn_layer_call *whole, int lane)
{
    cnn_layer_call call = *whole;
    const int first = h->n * lane / h->lanes;
    const size_t x = (size_t)first * h->input, y = (size_t)first * h->output;
    call.n = h->n * (lane + 1) / h->lanes - first;
    call.x = whole->x ? whole->x + x : NULL;
    call.x2 = whole->x2 ? whole->x2 + x : NULL;
    call.y = whole->y ? whole->y + y : NULL;
    call.dy = whole->dy ? whole->dy + y : NULL;
    call.dx = whole->dx ? whole->dx + x : NULL;
    call.saved = whole->saved ? (unsigned char *)whole->saved + (size_t)first * h->plan.saved_size : NULL;
    call.random = whole->random ? whole->random + first : NULL;
    return call;
}

/** sums_of a lane each, added up in their order, then total. */
static void run_sums(harness *h, const cnn_layer_call *whole, void (*sums_of)(const cnn_layer_call *call),
                     void (*total)(const cnn_layer_call *call), int count)
{
    double *sums = h->sums.data, *lane_sums = sums + count;
    memset(sums, 0, (size_t)count * sizeof *sums);
    for (int lane = 0; lane < h->lanes; lane++) {
        cnn_layer_call call = lane_call(h, whole, lane);
        call.sums = lane_sums;
        memset(lane_sums, 0, (size_t)count * sizeof *sums);
        if (call.n > 0) {
            sums_of(&call);
        }
        for (int i = 0; i < count; i++) {
            sums[i] += lane_sums[i];
        }
    }
    total(whole);
}

/** Adds what a lane left in lane_gradients to the gradients, which the first lane sets. */
static void total_gradients(harness *h, bool first)
{
    for (int t = 0; t < h->plan.tensor_count; t++) {
        cnn_real *sum = harness_reals(&h->gradients[t]), *part = harness_reals(&h->lane_gradients[t]);
        for (size_t i = 0; sum && i < h->sizes[t]; i++) {
            sum[i] = first ? part[i] : sum[i] + part[i];
        }
    }
}

static void run_parts(harness *h, const cnn_layer_call *whole, void (*run)(const cnn_layer_call *call), int parts)
{
    for (int part = 0; part < parts; part++) {
        cnn_layer_call call = *whole;
        call.part = part;
        call.parts = parts;
        harness_spoil(&h->scratch);
        run(&call);
    }
}

/** One lane after the other, for passes that write no gradients. */
static void run_lanes(harness *h, const cnn_layer_call *whole, void (*run)(const cnn_layer_call *call))
{
    for (int lane = 0; lane < h->lanes; lane++) {
        const cnn_layer_call call = lane_call(h, whole, lane);
        harness_spoil(&h->scratch);
        if (call.n > 0) {
            run(&call);
        }
    }
}

void harness_forward(harness *h, bool training)
{
    pass p;
    begin_pass(&p, h, training);
    prepare(h, &p);
    harness_spoil(&h->y);
    if (training) {
        harness_spoil(&h->saved);
    } else {
        p.whole.saved = NULL;
    }
    p.whole.y = harness_reals(&h->y);
    p.whole.x = harness_reals(&h->x);
    p.whole.x2 = harness_reals(&h->x2);
    const bool identity = h->plan.inactive && !training;
    if (identity || (h->in_place && h->plan.in_place && !(training && h->plan.backward_reads_input))) {
        memcpy(h->y.data, h->x.data, h->x.size);
        p.whole.x = p.whole.y;
    }
    if (training && h->kind->forward_sums) {
        run_sums(h, &p.whole, h->kind->forward_sums, h->kind->forward_total, h->plan.sums_forward);
    }
    if (identity) {
        harness_check_guards(h);
        return;
    }
    if (!training && h->lanes == 1 && h->plan.alone_parts) {
        p.whole.alone = true;
        run_parts(h, &p.whole, h->kind->forward, h->plan.alone_parts);
    } else if (h->plan.forward_parts) {
        run_parts(h, &p.whole, h->kind->forward, h->plan.forward_parts);
    } else {
        run_lanes(h, &p.whole, h->kind->forward);
    }
    harness_check_guards(h);
}

/** One lane after the other, each with gradients of its own. */
static void backward_lanes(harness *h, pass *p)
{
    bool first = true;
    for (int lane = 0; lane < h->lanes; lane++) {
        cnn_layer_call call = lane_call(h, &p->whole, lane);
        cnn_real *gradients[CNN_LAYER_TENSORS];
        for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
            gradients[t] = harness_reals(&h->lane_gradients[t]);
        }
        for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
            if (gradients[t]) {
                harness_spoil(&h->lane_gradients[t]);
            }
        }
        call.gradients = h->kind->backward_total ? NULL : gradients;
        harness_spoil(&h->scratch);
        if (call.n == 0) {
            continue;
        }
        h->kind->backward(&call);
        if (!h->kind->backward_total) {
            total_gradients(h, first);
        }
        first = false;
    }
}

/** dx of kinds that write it apart, which see neither x nor y. */
static void backward_input(harness *h, const pass *p)
{
    cnn_layer_call whole = p->whole;
    whole.x = whole.y = NULL;
    if (h->plan.backward_input_parts) {
        run_parts(h, &whole, h->kind->backward_input, h->plan.backward_input_parts);
    } else {
        run_lanes(h, &whole, h->kind->backward_input);
    }
}

void harness_backward(harness *h)
{
    pass p;
    begin_pass(&p, h, true);
    prepare(h, &p);
    harness_spoil(&h->dx);
    for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
        if (p.gradients[t]) {
            harness_spoil(&h->gradients[t]);
        }
    }
    p.whole.x = h->plan.backward_reads_input ? harness_reals(&h->x) : NULL;
    p.whole.y = h->plan.backward_reads_output ? harness_reals(&h->y) : NULL;
    p.whole.dx = h->no_dx ? NULL : harness_reals(&h->dx);
    p.whole.dy = harness_reals(&h->dy);
    if (h->in_place && h->plan.in_place && !h->no_dx) {
        memcpy(h->dx.data, h->dy.data, h->dy.size);
        p.whole.dy = p.whole.dx;
    }
    if (h->kind->backward_sums) {
        run_sums(h, &p.whole, h->kind->backward_sums, h->kind->backward_total, h->plan.sums_backward);
    }
    if (h->plan.backward_parts) {
        run_parts(h, &p.whole, h->kind->backward, h->plan.backward_parts);
    } else {
        backward_lanes(h, &p);
    }
    if (h->kind->backward_input && p.whole.dx) {
        backward_input(h, &p);
    }
    harness_check_guards(h);
}

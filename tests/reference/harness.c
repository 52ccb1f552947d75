/* Running one layer alone. A failure of a check ends the test through cmocka. */
#include "reference/harness.h"

#include "base/memory.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 128
#define GUARD_BYTE 0xFF /* four or eight of them are a NaN */

static harness_buffer buffer_new(size_t size)
{
    unsigned char *memory =
        aligned_alloc(CNN_ALIGNMENT, (GUARD + size + GUARD + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT);
    assert_non_null(memory);
    memset(memory, GUARD_BYTE, GUARD + size + GUARD);
    return (harness_buffer){memory + GUARD, size};
}

static void buffer_spoil(const harness_buffer *buffer)
{
    memset(buffer->data, GUARD_BYTE, buffer->size);
}

static void buffer_check(const harness_buffer *buffer)
{
    if (!buffer->data) {
        return;
    }
    const unsigned char *before = (const unsigned char *)buffer->data - GUARD;
    const unsigned char *after = (const unsigned char *)buffer->data + buffer->size;
    for (int i = 0; i < GUARD; i++) {
        if (before[i] != GUARD_BYTE || after[i] != GUARD_BYTE) {
            fail_msg("a byte %d off a buffer of %zu was written", i, buffer->size);
        }
    }
}

static void buffer_free(harness_buffer *buffer)
{
    if (buffer->data) {
        free((unsigned char *)buffer->data - GUARD);
    }
    buffer->data = NULL;
}

/** All buffers of a harness, which lie one behind the other in the struct. */
static harness_buffer *all_buffers(harness *h, size_t *count)
{
    *count = (offsetof(harness, shared) - offsetof(harness, x)) / sizeof(harness_buffer) + 1;
    return &h->x;
}

static void check_guards(harness *h)
{
    size_t count;
    const harness_buffer *buffers = all_buffers(h, &count);
    for (size_t i = 0; i < count; i++) {
        buffer_check(&buffers[i]);
    }
}

cnn_real *harness_reals(const harness_buffer *buffer)
{
    return buffer->data;
}

static void fill_random(const harness_buffer *buffer, cnn_random *random)
{
    for (size_t i = 0; i < buffer->size / sizeof(cnn_real); i++) {
        harness_reals(buffer)[i] = (cnn_real)(2 * cnn_random_uniform(random) - 1);
    }
}

static cnn_status parse_options(harness *h, const char *text, cnn_error *error)
{
    cnn_status status = CNN_OK;
    cnn_options_default(h->kind->options, h->options);
    while (*text && status == CNN_OK) {
        char name[32], value[32];
        const size_t name_length = strcspn(text, "="), value_length = strcspn(text, " ") - name_length - 1;
        assert_true(name_length < sizeof name && value_length < sizeof value);
        memcpy(name, text, name_length);
        memcpy(value, text + name_length + 1, value_length);
        name[name_length] = value[value_length] = '\0';
        status = cnn_options_set(h->kind->options, h->options, name, value, error);
        text += name_length + 1 + value_length;
        text += strspn(text, " ");
    }
    return status;
}

cnn_status harness_plan(harness *h, const char *text, cnn_shape input, cnn_error *error)
{
    const size_t length = strcspn(text, " ");
    cnn_isa isa;
    assert_int_equal(cnn_isa_choose(&isa, NULL), CNN_OK);
    *h = (harness){.kind = cnn_layer_find(isa, text, length), .twin = reference_find(text)};
    assert_non_null(h->kind);
    assert_non_null(h->twin);
    assert_true(strlen(text) < sizeof h->text);
    memcpy(h->text, text, strlen(text) + 1);
    h->options = cnn_alloc(1, h->kind->options_size);
    h->state = cnn_alloc(1, h->kind->state_size);
    h->plan.input = input;
    h->plan.images = CNN_LANE_IMAGES;
    cnn_status status = parse_options(h, text + length + strspn(text + length, " "), error);
    if (status == CNN_OK) {
        status = h->kind->plan(&h->plan, h->options, h->state, error);
    }
    return status;
}

static void new_tensors(harness *h, cnn_random *random)
{
    for (int t = 0; t < h->plan.tensor_count; t++) {
        const cnn_tensor *tensor = &h->plan.tensors[t];
        size_t size = 1;
        for (int i = 0; i < tensor->rank; i++) {
            size *= (size_t)tensor->sizes[i];
        }
        h->sizes[t] = size;
        h->tensors[t] = buffer_new(size * sizeof(cnn_real));
        fill_random(&h->tensors[t], random);
        if (strcmp(tensor->name, "variance") == 0) {
            for (size_t i = 0; i < size; i++) {
                harness_reals(&h->tensors[t])[i] += (cnn_real)1.5;
            }
        }
        if (tensor->role == CNN_ROLE_STATE) {
            continue;
        }
        h->gradients[t] = buffer_new(size * sizeof(cnn_real));
        h->lane_gradients[t] = buffer_new(size * sizeof(cnn_real));
    }
}

void harness_new(harness *h, const char *text, cnn_shape input, int n, int lanes, uint64_t seed)
{
    cnn_error error = {0};
    if (harness_plan(h, text, input, &error) != CNN_OK) {
        fail_msg("%s on %dx%dx%d: %s", text, input.height, input.width, input.channels, error.message);
    }
    harness_take(h, n, lanes, seed);
}

void harness_take(harness *h, int n, int lanes, uint64_t seed)
{
    h->n = n;
    h->lanes = lanes;
    h->input = cnn_shape_size(h->plan.input);
    h->output = cnn_shape_size(h->plan.output);
    const size_t images = (size_t)n;
    cnn_random random = cnn_random_at(seed, CNN_RANDOM_INITIALIZE, 0, 0);
    h->x = buffer_new(images * h->input * sizeof(cnn_real));
    h->x2 = buffer_new(images * h->input * sizeof(cnn_real));
    h->y = buffer_new(images * h->output * sizeof(cnn_real));
    h->dy = buffer_new(images * h->output * sizeof(cnn_real));
    h->dx = buffer_new(images * h->input * sizeof(cnn_real));
    h->saved = buffer_new(images * h->plan.saved_size);
    h->prepared = buffer_new(h->plan.prepared_size_training);
    h->scratch = buffer_new(h->plan.scratch_size);
    const int sums = h->plan.sums_forward > h->plan.sums_backward ? h->plan.sums_forward : h->plan.sums_backward;
    h->sums = buffer_new((size_t)(2 * sums) * sizeof(double));
    h->shared = buffer_new((size_t)h->plan.shared_count * sizeof(double));
    h->random = cnn_alloc(images, sizeof *h->random);
    for (int i = 0; i < n; i++) {
        h->random[i] = cnn_random_at(seed, CNN_RANDOM_DROPOUT, 0, (uint64_t)i);
    }
    fill_random(&h->x, &random);
    fill_random(&h->x2, &random);
    fill_random(&h->dy, &random);
    new_tensors(h, &random);
}

void harness_free(harness *h)
{
    size_t count;
    harness_buffer *buffers = all_buffers(h, &count);
    for (size_t i = 0; i < count; i++) {
        buffer_free(&buffers[i]);
    }
    cnn_free(h->options);
    cnn_free(h->state);
    cnn_free(h->random);
}

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
    buffer_spoil(&h->prepared);
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
        buffer_spoil(&h->scratch);
        run(&call);
    }
}

/** One lane after the other, for passes that write no gradients. */
static void run_lanes(harness *h, const cnn_layer_call *whole, void (*run)(const cnn_layer_call *call))
{
    for (int lane = 0; lane < h->lanes; lane++) {
        const cnn_layer_call call = lane_call(h, whole, lane);
        buffer_spoil(&h->scratch);
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
    buffer_spoil(&h->y);
    if (training) {
        buffer_spoil(&h->saved);
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
        check_guards(h);
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
    check_guards(h);
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
                buffer_spoil(&h->lane_gradients[t]);
            }
        }
        call.gradients = h->kind->backward_total ? NULL : gradients;
        buffer_spoil(&h->scratch);
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
    buffer_spoil(&h->dx);
    for (int t = 0; t < CNN_LAYER_TENSORS; t++) {
        if (p.gradients[t]) {
            buffer_spoil(&h->gradients[t]);
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
    check_guards(h);
}

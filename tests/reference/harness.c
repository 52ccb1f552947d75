/* One layer's plan and memory. A failure of a check ends the test through cmocka. */
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

void harness_spoil(const harness_buffer *buffer)
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

void harness_check_guards(harness *h)
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

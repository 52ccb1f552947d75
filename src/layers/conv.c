/* Convolution: options, geometry, and the choice of an algorithm for each pass. The computing is in conv_*.c. */
#include "layers/conv.h"

#include "base/memory.h"
#include "layers/panels.h"
#include "math/vector.h"

#include <stddef.h>
#include <stdio.h>

const cnn_conv_algorithm *const cnn_conv_algorithms[] = {&cnn_conv_winograd, &cnn_conv_im2col, NULL};

/** The option's words: the list's names in its order. */
static const char *const algorithm_words[] = {"auto", "winograd", "im2col", NULL};

typedef struct conv_state {
    cnn_conv_geometry geometry;
    cnn_conv_choice choice;
    size_t prepared_forward; /* bytes of forward's share of call->prepared; the input gradient's follows */
    int prepare_forward;     /* parts of prepare() that make it */
    bool alone_filters;      /* forward alone is cut into filters, else into pixels */
    char description[64], methods[CNN_CONV_PASSES][96];
} conv_state;

/* Multiplications of one image that are worth waking further threads for. */
#define ALONE_LEAST 2000000
/* Filters and channels are cut at multiples of a vector's length. */
#define VECTOR 16

static const cnn_option conv_options[] = {
    {"filters", CNN_OPTION_INTEGER, offsetof(cnn_conv_options, filters), 1, 65536, NULL, NULL, "output channels",
     false},
    {"kernel", CNN_OPTION_PAIR, offsetof(cnn_conv_options, kernel), 1, CNN_WINDOW_LIMIT, "3", NULL,
     "height x width, or both at once", false},
    {"stride", CNN_OPTION_PAIR, offsetof(cnn_conv_options, stride), 1, CNN_WINDOW_LIMIT, "1", NULL,
     "pixels between neighbouring kernel positions", false},
    {"padding", CNN_OPTION_INTEGER, offsetof(cnn_conv_options, padding), 0, CNN_WINDOW_LIMIT, "valid",
     CNN_PADDING_WORDS, "zeros on each side; same: output = input / stride, rounded up; valid: none", false},
    {"groups", CNN_OPTION_INTEGER, offsetof(cnn_conv_options, groups), 1, 65536, "1", NULL,
     "channels and filters are cut into so many independent groups", false},
    CNN_WEIGHT_TABLE(offsetof(cnn_conv_options, weights)),
    {"frozen", CNN_OPTION_CHOICE, offsetof(cnn_conv_options, frozen), 0, 0, "off", CNN_OPTION_OFF_ON,
     "the weights stay as they begin", false},
    {"algorithm", CNN_OPTION_CHOICE, offsetof(cnn_conv_options, algorithm), 0, 0, "auto", algorithm_words,
     "how it is computed; auto: the fastest way, by rule; winograd: kernels 3 and 5, stride 1, without groups", false},
    {0}};

static cnn_status plan_geometry(const cnn_layer_plan *plan, const cnn_conv_options *options,
                                cnn_conv_geometry *geometry, cnn_error *error)
{
    const cnn_shape input = plan->input;
    if (input.channels % options->groups) {
        return cnn_fail(error, CNN_USAGE, "groups=%d does not divide %d channels", options->groups, input.channels);
    }
    if (options->filters % options->groups) {
        return cnn_fail(error, CNN_USAGE, "groups=%d does not divide filters=%d", options->groups, options->filters);
    }
    cnn_windows windows = {.size = {options->kernel[0], options->kernel[1]},
                           .stride = {options->stride[0], options->stride[1]}};
    if (!cnn_windows_lay(&windows, options->padding, input)) {
        return cnn_fail(error, CNN_USAGE, "kernel %dx%d does not fit in %dx%dx%d", windows.size[0], windows.size[1],
                        input.height, input.width, input.channels);
    }
    *geometry = (cnn_conv_geometry){
        .input = input,
        .output = {windows.count[0], windows.count[1], options->filters},
        .kernel_h = windows.size[0],
        .kernel_w = windows.size[1],
        .stride_h = windows.stride[0],
        .stride_w = windows.stride[1],
        .top = windows.before[0],
        .left = windows.before[1],
        .groups = options->groups,
        .group_channels = input.channels / options->groups,
        .group_filters = options->filters / options->groups,
        .bias = options->weights.bias != CNN_BIAS_OFF,
    };
    return CNN_OK;
}

static cnn_status plan_tensors(cnn_layer_plan *plan, const cnn_conv_options *options, const cnn_conv_geometry *geometry,
                               cnn_error *error)
{
    const cnn_tensor shape = {
        .rank = 4,
        .sizes = {geometry->output.channels, geometry->kernel_h, geometry->kernel_w, geometry->group_channels},
    };
    const cnn_status status = cnn_plan_weight(plan, &options->weights, shape, geometry->groups, error);
    if (status != CNN_OK) {
        return status;
    }
    if (options->frozen) {
        plan->tensors[0].role = CNN_ROLE_STATE;
    }
    plan->multiply_adds = (int64_t)cnn_shape_size(geometry->output) * plan->tensors[0].fan_in;
    return cnn_plan_bias(plan, &options->weights, geometry->output.channels, error);
}

/** The last of the list is possible and worthwhile for everything. */
static const cnn_conv_algorithm *first_worthwhile(const cnn_conv_geometry *geometry, cnn_conv_pass pass, int images)
{
    int i = 0;
    while (cnn_conv_algorithms[i + 1] && !(cnn_conv_algorithms[i]->possible(geometry) &&
                                           cnn_conv_algorithms[i]->worthwhile(geometry, pass, images))) {
        i++;
    }
    return cnn_conv_algorithms[i];
}

static cnn_status choose_algorithms(conv_state *state, const cnn_conv_options *options, int images, cnn_error *error)
{
    const cnn_conv_geometry *geometry = &state->geometry;
    const cnn_conv_algorithm *forced = options->algorithm > 0 ? cnn_conv_algorithms[options->algorithm - 1] : NULL;
    if (forced && !forced->possible(geometry)) {
        return cnn_fail(error, CNN_USAGE, "algorithm=%s computes kernels 3x3 and 5x5 of stride 1 without groups only",
                        forced->name);
    }
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        state->choice.of[pass] = forced ? forced : first_worthwhile(geometry, (cnn_conv_pass)pass, images);
    }
    return CNN_OK;
}

/* ---- slices */

/** Part `part` of `parts` of 0 .. count - 1, in whole vectors. */
static cnn_span share(int count, int part, int parts)
{
    const int vectors = (count + VECTOR - 1) / VECTOR;
    const int first = vectors * part / parts * VECTOR, end = vectors * (part + 1) / parts * VECTOR;
    return (cnn_span){first < count ? first : count, end < count ? end : count};
}

cnn_conv_slice cnn_conv_everything(const cnn_conv_geometry *g)
{
    return (cnn_conv_slice){{0, g->output.channels}, {0, g->input.channels}, 0, 1};
}

cnn_conv_slice cnn_conv_whole_slice(const cnn_conv_geometry *g, cnn_conv_pass pass, int part)
{
    cnn_conv_slice slice = cnn_conv_everything(g);
    switch (pass) {
    case CNN_CONV_FORWARD:
        slice.filters = share(g->output.channels, part, CNN_CONV_PARTS);
        break;
    case CNN_CONV_BACKWARD_INPUT:
        slice.channels = share(g->input.channels, part, CNN_CONV_PARTS);
        break;
    case CNN_CONV_BACKWARD_WEIGHT:
        slice.filters = share(g->output.channels, part / 2, 2);
        slice.channels = share(g->input.channels, part % 2, 2);
        break;
    }
    return slice;
}

/* ---- planning */

/** Whether the pass is left out, as a frozen layer's weight gradient is: of its bias, if any, dy alone gives one. */
static bool is_left_out(const cnn_layer_plan *plan, cnn_conv_pass pass)
{
    return pass == CNN_CONV_BACKWARD_WEIGHT && plan->tensors[0].role == CNN_ROLE_STATE;
}

static bool is_whole(const conv_state *state, cnn_conv_pass pass)
{
    const cnn_conv_algorithm *algorithm = state->choice.of[pass];
    return algorithm->whole && algorithm->whole(&state->geometry, pass);
}

static void plan_parts(cnn_layer_plan *plan, conv_state *state)
{
    const cnn_conv_geometry *g = &state->geometry;
    const int panels = g->output.channels / CNN_PANEL;
    state->alone_filters = g->groups == 1 && panels > 1 && plan->multiply_adds > ALONE_LEAST;
    const int alone = state->alone_filters ? panels : state->choice.of[CNN_CONV_FORWARD]->alone_parts(g);
    plan->alone_parts = alone < 2 ? 0 : alone < CNN_CONV_PARTS ? alone : CNN_CONV_PARTS;
    plan->forward_parts = is_whole(state, CNN_CONV_FORWARD) ? CNN_CONV_PARTS : 0;
    const bool left_out = is_left_out(plan, CNN_CONV_BACKWARD_WEIGHT);
    plan->backward_parts = is_whole(state, CNN_CONV_BACKWARD_WEIGHT) && !left_out ? CNN_CONV_PARTS : 0;
    plan->backward_input_parts = is_whole(state, CNN_CONV_BACKWARD_INPUT) ? CNN_CONV_PARTS : 0;
}

/** "im2col", or where the passes differ "winograd, im2col, winograd": forward, input gradient, weight gradient; and
 * each pass by itself. */
static void describe(cnn_layer_plan *plan, conv_state *state)
{
    const cnn_conv_geometry *geometry = &state->geometry;
    const cnn_conv_algorithm *const *of = state->choice.of;
    if (of[0] == of[1] && of[0] == of[2]) {
        snprintf(state->description, sizeof state->description, "%s", of[0]->name);
    } else {
        snprintf(state->description, sizeof state->description, "%s, %s, %s", of[0]->name, of[1]->name, of[2]->name);
    }
    plan->algorithm = state->description;
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        const bool whole = is_whole(state, (cnn_conv_pass)pass);
        const cnn_conv_slice slice =
            whole ? cnn_conv_whole_slice(geometry, (cnn_conv_pass)pass, 0) : cnn_conv_everything(geometry);
        of[pass]->describe(geometry, (cnn_conv_pass)pass, slice, state->methods[pass], sizeof state->methods[pass]);
        plan->methods[pass] = is_left_out(plan, (cnn_conv_pass)pass) ? NULL : state->methods[pass];
    }
}

static void plan_prepared(cnn_layer_plan *plan, conv_state *state)
{
    const cnn_conv_geometry *g = &state->geometry;
    const cnn_conv_algorithm *forward = state->choice.of[CNN_CONV_FORWARD];
    const cnn_conv_algorithm *input = state->choice.of[CNN_CONV_BACKWARD_INPUT];
    const size_t turned = input->prepared_size(g, CNN_CONV_BACKWARD_INPUT);
    const size_t size = forward->prepared_size(g, CNN_CONV_FORWARD);
    state->prepared_forward = size + (CNN_ALIGNMENT - size % CNN_ALIGNMENT) % CNN_ALIGNMENT;
    state->prepare_forward = forward->prepare_parts(g, CNN_CONV_FORWARD);
    plan->prepared_size = state->prepared_forward;
    if (!cnn_add_size(state->prepared_forward, turned, &plan->prepared_size_training)) {
        plan->prepared_size_training = SIZE_MAX;
    }
    plan->prepare_parts = state->prepare_forward;
    plan->prepare_parts_training = state->prepare_forward + input->prepare_parts(g, CNN_CONV_BACKWARD_INPUT);
}

/** Declares what follows from the chosen algorithms. */
static void plan_choice(cnn_layer_plan *plan, conv_state *state)
{
    const cnn_conv_geometry *geometry = &state->geometry;
    plan->scratch_size = 0;
    for (int pass = 0; pass < CNN_CONV_PASSES; pass++) {
        const cnn_conv_algorithm *algorithm = state->choice.of[pass];
        const bool left_out = is_left_out(plan, (cnn_conv_pass)pass);
        const size_t scratch = left_out ? 0 : algorithm->scratch_size(geometry, (cnn_conv_pass)pass);
        plan->scratch_size = scratch > plan->scratch_size ? scratch : plan->scratch_size;
    }
    plan_prepared(plan, state);
    plan_parts(plan, state);
    describe(plan, state);
}

static cnn_status conv_plan(cnn_layer_plan *plan, const void *options, void *state_memory, cnn_error *error)
{
    conv_state *state = state_memory;
    const cnn_conv_geometry *geometry = &state->geometry;
    cnn_status status = plan_geometry(plan, options, &state->geometry, error);
    if (status == CNN_OK) {
        status = cnn_plan_output(plan, geometry->output, error);
    }
    if (status == CNN_OK) {
        status = plan_tensors(plan, options, geometry, error);
    }
    if (status == CNN_OK) {
        status = choose_algorithms(state, options, plan->images, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    plan_choice(plan, state);
    plan->backward_reads_input = !is_left_out(plan, CNN_CONV_BACKWARD_WEIGHT);
    plan->rectifies = true;
    return CNN_OK;
}

static cnn_status conv_tune(cnn_layer_plan *plan, const void *options_memory, void *state_memory,
                            const cnn_layer_tuning *tuning, cnn_error *error)
{
    const cnn_conv_options *options = options_memory;
    conv_state *state = state_memory;
    if (options->algorithm > 0) {
        return CNN_OK;
    }
    const cnn_status status = cnn_conv_measure(&state->geometry, tuning, &state->choice, error);
    if (status == CNN_OK) {
        plan_choice(plan, state);
    }
    return status;
}

static void conv_prepare(const cnn_layer_call *call)
{
    const conv_state *state = call->state;
    cnn_layer_call own = *call;
    cnn_conv_pass pass = CNN_CONV_FORWARD;
    if (call->part >= state->prepare_forward) {
        own.part -= state->prepare_forward;
        own.prepared = (unsigned char *)call->prepared + state->prepared_forward;
        pass = CNN_CONV_BACKWARD_INPUT;
    }
    state->choice.of[pass]->prepare(&state->geometry, pass, &own);
}

/* ---- passes */

static void run(const cnn_layer_call *call, cnn_conv_pass pass, cnn_conv_slice slice)
{
    const conv_state *state = call->state;
    state->choice.of[pass]->run[pass](&state->geometry, call, slice);
}

static void conv_forward(const cnn_layer_call *call)
{
    const conv_state *state = call->state;
    const cnn_conv_geometry *g = &state->geometry;
    cnn_conv_slice slice = cnn_conv_everything(g);
    if (call->alone && !state->alone_filters) {
        slice.piece = call->part;
        slice.pieces = call->parts;
    } else if (call->parts > 1) {
        slice.filters = share(g->output.channels, call->part, call->parts);
    }
    run(call, CNN_CONV_FORWARD, slice);
}

static void conv_backward(const cnn_layer_call *call)
{
    const conv_state *state = call->state;
    const cnn_conv_geometry *g = &state->geometry;
    if (call->gradients[0] == NULL) { /* frozen: dbias[f] = sum over the pixels of dy */
        const size_t filters = (size_t)g->output.channels, rows = (size_t)call->n * cnn_shape_size(g->output) / filters;
        if (g->bias) {
            cnn_vector_sum_rows(call->gradients[1], call->dy, rows, filters, 0);
        }
        return;
    }
    run(call, CNN_CONV_BACKWARD_WEIGHT,
        call->parts > 1 ? cnn_conv_whole_slice(g, CNN_CONV_BACKWARD_WEIGHT, call->part) : cnn_conv_everything(g));
}

static void conv_backward_input(const cnn_layer_call *call)
{
    const conv_state *state = call->state;
    const cnn_conv_geometry *g = &state->geometry;
    cnn_layer_call own = *call;
    own.prepared = (unsigned char *)call->prepared + state->prepared_forward;
    run(&own, CNN_CONV_BACKWARD_INPUT,
        call->parts > 1 ? cnn_conv_whole_slice(g, CNN_CONV_BACKWARD_INPUT, call->part) : cnn_conv_everything(g));
}

static void conv_require_bias(void *options)
{
    cnn_weights_require_bias(&((cnn_conv_options *)options)->weights);
}

const cnn_layer_kind CNN_LAYER(conv) = {
    .name = "conv",
    .help = "convolution: each filter weighs the pixels under its kernel",
    .options = conv_options,
    .options_size = sizeof(cnn_conv_options),
    .state_size = sizeof(conv_state),
    .plan = conv_plan,
    .tune = conv_tune,
    .prepare = conv_prepare,
    .forward = conv_forward,
    .backward = conv_backward,
    .backward_input = conv_backward_input,
    .require_bias = conv_require_bias,
};

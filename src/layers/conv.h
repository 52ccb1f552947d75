/* Convolution's inner seam: a layer's geometry, and the algorithms that compute it. Each pass takes the first of the
 * list that is possible and worthwhile, or the fastest where they are measured. */
#ifndef CNN_LAYERS_CONV_H
#define CNN_LAYERS_CONV_H

#include "layers/weights.h"

typedef struct cnn_conv_options {
    int filters;
    int kernel[2], stride[2];
    int padding; /* on each side, or CNN_OPTION_WORD of "same", "valid" */
    int groups;
    cnn_weight_options weights;
    int frozen;    /* the weights stay as they begin; a bias is trained all the same */
    int algorithm; /* 0: the best of the list, else 1 + index of that one */
} cnn_conv_options;

/** y[n][oy][ox][f] = bias[f] + sum over ky, kx, c of x[n][oy * stride_h + ky - top][ox * stride_w + kx - left][c] *
 * weight[f][ky][kx][c], pixels outside being zero; with groups, filter f sees the channels of its group only. */
typedef struct cnn_conv_geometry {
    cnn_shape input, output;
    int kernel_h, kernel_w, stride_h, stride_w;
    int top, left; /* padding; below and to the right it follows from the sizes */
    int groups, group_channels, group_filters;
    bool bias;
} cnn_conv_geometry;

typedef enum cnn_conv_pass {
    CNN_CONV_FORWARD = CNN_PASS_FORWARD,
    CNN_CONV_BACKWARD_INPUT = CNN_PASS_INPUT_GRADIENT,
    CNN_CONV_BACKWARD_WEIGHT = CNN_PASS_WEIGHT_GRADIENT
} cnn_conv_pass;
#define CNN_CONV_PASSES CNN_LAYER_PASSES

/** What a call computes of its pass: some filters (forward and weight gradient) and channels (input gradient and weight
 * gradient), and of the images' pixels piece `piece` of `pieces`. */
typedef struct cnn_conv_slice {
    cnn_span filters, channels;
    int piece, pieces;
} cnn_conv_slice;

typedef struct cnn_conv_algorithm {
    const char *name;
    /** Whether it can compute all passes of such a layer. */
    bool (*possible)(const cnn_conv_geometry *geometry);
    /** Where possible: whether the pass is faster, over lanes of `images`, than with what follows in the list. */
    bool (*worthwhile)(const cnn_conv_geometry *geometry, cnn_conv_pass pass, int images);
    /** Bytes of scratch for the pass, whatever the number of images. */
    size_t (*scratch_size)(const cnn_conv_geometry *geometry, cnn_conv_pass pass);
    /* What forward and input gradient find in call->prepared, each its own, as in cnn_layer_kind; 0 parts where a pass
     * needs nothing. */
    size_t (*prepared_size)(const cnn_conv_geometry *geometry, cnn_conv_pass pass);
    int (*prepare_parts)(const cnn_conv_geometry *geometry, cnn_conv_pass pass);
    void (*prepare)(const cnn_conv_geometry *geometry, cnn_conv_pass pass, const cnn_layer_call *call);
    /** Whether the pass is faster over the whole batch, in slices of filters and channels, than in lanes; then run[]
     * takes such slices. NULL: never. */
    bool (*whole)(const cnn_conv_geometry *geometry, cnn_conv_pass pass);
    /** How it computes such a slice of the pass, with its grouping: "im2col, 256 rows a strip". */
    void (*describe)(const cnn_conv_geometry *geometry, cnn_conv_pass pass, cnn_conv_slice slice, char *out,
                     size_t size);
    /** By pass: y with bias, rectified where call->rectify says so; dx; the gradients of weight and bias, the latter
     * whole in the slice with filter 0 and channel 0. Forward takes any slice, but all filters where there are groups.
     */
    void (*run[CNN_CONV_PASSES])(const cnn_conv_geometry *geometry, const cnn_layer_call *call, cnn_conv_slice slice);
    /** Into how many pieces of pixels one image's forward may be cut for several threads; 0 where it is too little. */
    int (*alone_parts)(const cnn_conv_geometry *geometry);
} cnn_conv_algorithm;

#define cnn_conv_everything CNN_VARIANT(cnn_conv_everything)
#define cnn_conv_whole_slice CNN_VARIANT(cnn_conv_whole_slice)
#define cnn_conv_measure CNN_VARIANT(cnn_conv_measure)
#define cnn_conv_algorithms CNN_VARIANT(cnn_conv_algorithms)
#define cnn_conv_winograd CNN_VARIANT(cnn_conv_winograd)
#define cnn_conv_im2col CNN_VARIANT(cnn_conv_im2col)

/** All of a pass, and what part `part` of CNN_CONV_PARTS computes of it over the whole batch: some of the filters, or
 * of the channels; of the weight gradient half of the filters by half of the channels. */
#define CNN_CONV_PARTS 4
cnn_conv_slice cnn_conv_everything(const cnn_conv_geometry *geometry);
cnn_conv_slice cnn_conv_whole_slice(const cnn_conv_geometry *geometry, cnn_conv_pass pass, int part);

/** Best first, NULL-terminated; the last is possible and worthwhile for everything. */
extern const cnn_conv_algorithm *const cnn_conv_algorithms[];

/** The algorithm of each pass, by pass. */
typedef struct cnn_conv_choice {
    const cnn_conv_algorithm *of[CNN_CONV_PASSES];
} cnn_conv_choice;

/** Measures all possible algorithms on arbitrary numbers, and puts the fastest into *choice for each pass that the
 * tuning names; passes that will not run follow forward. Where one alone is possible, *choice stays. Fails for lack of
 * memory only. */
cnn_status cnn_conv_measure(const cnn_conv_geometry *geometry, const cnn_layer_tuning *tuning, cnn_conv_choice *choice,
                            cnn_error *error);

extern const cnn_conv_algorithm cnn_conv_winograd;
extern const cnn_conv_algorithm cnn_conv_im2col;

#endif

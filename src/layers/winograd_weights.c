/* Transformed weights: vectors run over channels where the planes' rows are filters, and over filters, after a
 * transposition in squares, where they are channels. */
#include "layers/winograd_weights.h"

#include "layers/winograd_tiles.h"

#define TAPS 25   /* the most */
#define SQUARE 16 /* a vector: channels and filters of a square */

/** turned[channel][tap][filter] of a square of the weights, from filter `first` and channel `channel` on. */
static void turn_square(const cnn_conv_geometry *g, const cnn_real *weights, int first, int count, int channel,
                        cnn_real turned[SQUARE][TAPS][SQUARE])
{
    const int taps = g->kernel_h * g->kernel_w, channels = g->input.channels;
    const int width = channels - channel < SQUARE ? channels - channel : SQUARE;
    for (int f = 0; f < count; f++) {
        for (int i = 0; i < taps; i++) {
            const cnn_real *from = weights + (size_t)((first + f) * taps + i) * (size_t)channels + (size_t)channel;
            for (int c = 0; c < width; c++) {
                turned[c][i][f] = from[c];
            }
        }
    }
}

void cnn_winograd_prepare(const cnn_conv_geometry *g, const cnn_real *weights, int first, int count, cnn_real *planes)
{
    cnn_real turned[SQUARE][TAPS][SQUARE];
    const int taps = g->kernel_h * g->kernel_w, channels = g->input.channels;
    const size_t stride = cnn_winograd_stride(channels, g->output.channels);
    const cnn_panel panel = cnn_panel_at(channels, g->output.channels, first);
    for (int c = 0; c < channels; c++) {
        if (c % SQUARE == 0) {
            turn_square(g, weights, first, count, c, turned);
        }
        const cnn_real *tile[TAPS];
        for (int i = 0; i < taps; i++) {
            tile[i] = turned[c % SQUARE][i];
        }
        cnn_winograd_evaluate(g->kernel_h, tile, (size_t)count, planes + panel.offset + (size_t)c * (size_t)panel.width,
                              stride);
    }
}

void cnn_winograd_prepare_turned(const cnn_conv_geometry *g, const cnn_real *weights, int first, int count,
                                 cnn_real *planes)
{
    const int taps = g->kernel_h * g->kernel_w, channels = g->input.channels, filters = g->output.channels;
    const size_t stride = cnn_winograd_stride(filters, channels);
    for (int c = 0; c < channels; c += CNN_PANEL) {
        const cnn_panel panel = cnn_panel_at(filters, channels, c);
        for (int f = first; f < first + count; f++) {
            const cnn_real *tile[TAPS];
            for (int i = 0; i < taps; i++) {
                tile[taps - 1 - i] = weights + (size_t)(f * taps + i) * (size_t)channels + (size_t)c;
            }
            cnn_winograd_evaluate(g->kernel_h, tile, (size_t)panel.width,
                                  planes + panel.offset + (size_t)f * (size_t)panel.width, stride);
        }
    }
}

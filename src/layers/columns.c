/* im2col and its adjoint. The windows of one output row are walked together: those wholly inside the image need no
 * checks, and each of their kernel rows is one contiguous run of kernel_w * channels numbers (one run a pixel where
 * there are groups). Runs of a few numbers, as grey and colour images have, are copied with constant sizes: a call of
 * memcpy costs more than the copy. */
#include "layers/columns.h"

#include "layers/planning.h"

#include <string.h>

/** Some windows of one output row: their first's top left input pixel (it may lie outside), and how many they are. */
typedef struct window_row {
    size_t image;
    int y, x, count;
} window_row;

/** The windows of the strip from its output pixel `done` on, up to the end of their output row or the strip's. */
static window_row row_at(const cnn_strip *strip, int done)
{
    const cnn_conv_geometry *g = strip->geometry;
    const size_t width = (size_t)g->output.width, area = (size_t)g->output.height * width;
    const size_t pixel = strip->first + (size_t)done;
    const int oy = (int)(pixel % area / width), ox = (int)(pixel % width);
    const int left = strip->count - done, row_left = g->output.width - ox;
    return (window_row){.image = pixel / area,
                        .y = oy * g->stride_h - g->top,
                        .x = ox * g->stride_w - g->left,
                        .count = left < row_left ? left : row_left};
}

/** Which windows of the row, as first .. end - 1, lie wholly inside the image. */
static cnn_span inside(const cnn_conv_geometry *g, const window_row *row)
{
    const int room = g->input.width - g->kernel_w - row->x;
    if (row->y < 0 || row->y > g->input.height - g->kernel_h || room < 0) {
        return (cnn_span){0, 0};
    }
    const int first = row->x < 0 ? (-row->x + g->stride_w - 1) / g->stride_w : 0, end = room / g->stride_w + 1;
    if (first >= end || first >= row->count) {
        return (cnn_span){0, 0};
    }
    return (cnn_span){first, end < row->count ? end : row->count};
}

/** Where the group's channels of pixel (y, x) of an image begin; both may be outside. */
static ptrdiff_t pixel_at(const cnn_strip *strip, size_t image, int y, int x)
{
    const cnn_conv_geometry *g = strip->geometry;
    const ptrdiff_t row = (ptrdiff_t)image * g->input.height + y;
    return (row * g->input.width + x) * g->input.channels + (ptrdiff_t)strip->group * g->group_channels;
}

/** columns[counts[0]][counts[1]][run] from x: windows are spacing[0] numbers apart, and their rows spacing[1]. */
static inline void copy_windows(const cnn_real *restrict x, const size_t spacing[2], const int counts[2], size_t run,
                                cnn_real *restrict columns)
{
    for (int i = 0; i < counts[0]; i++, x += spacing[0]) {
        for (int ky = 0; ky < counts[1]; ky++, columns += run) {
            memcpy(columns, x + (size_t)ky * spacing[1], run * sizeof *columns);
        }
    }
}

/** The same for runs of at least 16: whole blocks of 16, the last of which overlaps the one before. */
static inline void copy_wide_windows(const cnn_real *restrict x, const size_t spacing[2], const int counts[2],
                                     size_t run, cnn_real *restrict columns)
{
    for (int i = 0; i < counts[0]; i++, x += spacing[0]) {
        for (int ky = 0; ky < counts[1]; ky++, columns += run) {
            const cnn_real *row = x + (size_t)ky * spacing[1];
            for (size_t at = 0; at < run - 16; at += 16) {
                memcpy(columns + at, row + at, 16 * sizeof *columns);
            }
            memcpy(columns + run - 16, row + run - 16, 16 * sizeof *columns);
        }
    }
}

/** The same for any run. */
static void copy_inside(const cnn_real *restrict x, const size_t spacing[2], const int counts[2], size_t run,
                        cnn_real *restrict columns)
{
    switch (run) {
    case 3:
        copy_windows(x, spacing, counts, 3, columns);
        break;
    case 5:
        copy_windows(x, spacing, counts, 5, columns);
        break;
    case 7:
        copy_windows(x, spacing, counts, 7, columns);
        break;
    case 9:
        copy_windows(x, spacing, counts, 9, columns);
        break;
    case 15:
        copy_windows(x, spacing, counts, 15, columns);
        break;
    default:
        if (run >= 16) {
            copy_wide_windows(x, spacing, counts, run, columns);
        } else {
            copy_windows(x, spacing, counts, run, columns);
        }
    }
}

/** Copies the kernel rows of one window that may leave the image, or that has gaps because of groups. */
static void gather_window(const cnn_strip *strip, const window_row *row, int index, const cnn_real *restrict x,
                          cnn_real *restrict columns)
{
    const cnn_conv_geometry *g = strip->geometry;
    const int left = row->x + index * g->stride_w;
    const size_t channels = (size_t)g->group_channels, run = (size_t)g->kernel_w * channels;
    const cnn_span ky = cnn_span_within(row->y, g->kernel_h, g->input.height);
    const cnn_span kx = cnn_span_within(left, g->kernel_w, g->input.width);
    if (ky.end - ky.first < g->kernel_h || kx.end - kx.first < g->kernel_w) {
        memset(columns, 0, (size_t)g->kernel_h * run * sizeof *columns);
    }
    for (int y = ky.first; y < ky.end && kx.first < kx.end; y++) {
        const cnn_real *from = x + pixel_at(strip, row->image, row->y + y, left + kx.first);
        cnn_real *to = columns + (size_t)y * run + (size_t)kx.first * channels;
        const size_t pixels = (size_t)(kx.end - kx.first);
        if (g->groups == 1) {
            memcpy(to, from, pixels * channels * sizeof *to);
            continue;
        }
        for (size_t i = 0; i < pixels; i++) {
            for (size_t c = 0; c < channels; c++) {
                to[i * channels + c] = from[i * (size_t)g->input.channels + c];
            }
        }
    }
}

void cnn_columns_gather(const cnn_strip *strip, const cnn_real *x, cnn_real *columns)
{
    const cnn_conv_geometry *g = strip->geometry;
    const size_t run = (size_t)g->kernel_w * (size_t)g->group_channels, size = (size_t)g->kernel_h * run;
    const size_t spacing[2] = {(size_t)g->stride_w * (size_t)g->input.channels,
                               (size_t)g->input.width * (size_t)g->input.channels};
    window_row row;
    for (int done = 0; done < strip->count; done += row.count, columns += (size_t)row.count * size) {
        row = row_at(strip, done);
        const cnn_span in = g->groups == 1 ? inside(g, &row) : (cnn_span){0, 0};
        for (int i = 0; i < in.first; i++) {
            gather_window(strip, &row, i, x, columns + (size_t)i * size);
        }
        if (in.first < in.end) {
            copy_inside(x + pixel_at(strip, row.image, row.y, row.x + in.first * g->stride_w), spacing,
                        (const int[]){in.end - in.first, g->kernel_h}, run, columns + (size_t)in.first * size);
        }
        for (int i = in.end; i < row.count; i++) {
            gather_window(strip, &row, i, x, columns + (size_t)i * size);
        }
    }
}

/** dx[pixels][group_channels] += columns, a kernel row of one window. */
static inline void add_run(const cnn_conv_geometry *g, const cnn_real *restrict columns, int pixels,
                           cnn_real *restrict dx)
{
    const size_t channels = (size_t)g->group_channels, count = (size_t)pixels;
    if (g->groups == 1) {
        for (size_t i = 0; i < count * channels; i++) {
            dx[i] += columns[i];
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < channels; c++) {
            dx[i * (size_t)g->input.channels + c] += columns[i * channels + c];
        }
    }
}

void cnn_columns_scatter(const cnn_strip *strip, const cnn_real *columns, cnn_real *dx)
{
    const cnn_conv_geometry *g = strip->geometry;
    const size_t channels = (size_t)g->group_channels, run = (size_t)g->kernel_w * channels;
    window_row row;
    for (int done = 0; done < strip->count; done += row.count) {
        row = row_at(strip, done);
        const cnn_span ky = cnn_span_within(row.y, g->kernel_h, g->input.height);
        for (int i = 0; i < row.count; i++, columns += (size_t)g->kernel_h * run) {
            const int left = row.x + i * g->stride_w;
            const cnn_span kx = cnn_span_within(left, g->kernel_w, g->input.width);
            if (kx.first >= kx.end) {
                continue;
            }
            for (int y = ky.first; y < ky.end; y++) {
                add_run(g, columns + (size_t)y * run + (size_t)kx.first * channels, kx.end - kx.first,
                        dx + pixel_at(strip, row.image, row.y + y, left + kx.first));
            }
        }
    }
}

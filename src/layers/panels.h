/* Panels: how prepared weights are stored for products without transposition. A matrix [rows][columns] is kept as
 * panels of CNN_PANEL columns, one after the other, each contiguous: OpenBLAS's kernels walk down blocks of that
 * width, and from distant caches contiguous ones come a tenth faster for products of 32 rows, a half for 4. */
#ifndef CNN_LAYERS_PANELS_H
#define CNN_LAYERS_PANELS_H

#include "layers/planning.h"
#include "math/gemm.h"

#define CNN_PANEL CNN_GEMM_WIDE

/** Where a column begins. */
typedef struct cnn_panel {
    size_t offset; /* of its first row's number */
    int width;     /* from one row to the next */
    int left;      /* columns of the panel from this one on */
} cnn_panel;

static inline cnn_panel cnn_panel_at(int rows, int columns, int column)
{
    const int within = column % CNN_PANEL, first = column - within, rest = columns - first;
    const int width = rest < CNN_PANEL ? rest : CNN_PANEL;
    return (cnn_panel){(size_t)first * (size_t)rows + (size_t)within, width, width - within};
}

/** c = a b + keep * c over the span's columns of b, which is [columns of a][`columns`] in panels; c begins with the
 * span's first. The factors are near, as in cnn_gemm_near(). */
static inline void cnn_panels_multiply(cnn_matrix a, const cnn_real *b, int columns, cnn_span span, cnn_product c)
{
    for (int column = span.first, count; column < span.end; column += count) {
        const cnn_panel panel = cnn_panel_at(a.columns, columns, column);
        count = panel.left < span.end - column ? panel.left : span.end - column;
        const cnn_matrix part = {b + panel.offset, a.columns, count, panel.width};
        cnn_gemm_near(a, part, (cnn_product){c.data + (column - span.first), c.stride, c.keep});
    }
}

#endif

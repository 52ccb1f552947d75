/* What a chart is drawn on. A kind of file is a constant struct of functions; drawing cannot fail, and an allocation
 * that did is told by finish(). Units are a screen's pixels, from the upper left corner, x to the right and y down. */
#ifndef CNN_REPORT_CANVAS_H
#define CNN_REPORT_CANVAS_H

#include "base/status.h"

typedef struct cnn_point {
    double x, y;
} cnn_point;

/** The most lengths of a dash pattern, which begins with a dash. */
#define CNN_DASHES 4

typedef struct cnn_stroke {
    uint32_t colour; /* 0xRRGGBB */
    double width;
    double dashes[CNN_DASHES]; /* lengths drawn and left out in turn, up to the first 0; ends are round, beyond them */
} cnn_stroke;

typedef enum cnn_anchor { CNN_ANCHOR_START, CNN_ANCHOR_MIDDLE, CNN_ANCHOR_END } cnn_anchor;

typedef struct cnn_label {
    const char *text; /* UTF-8 is expected, not taken for granted */
    size_t length;    /* bytes of it that are written */
    bool cut;         /* and an ellipsis after them */
    bool bold;
    bool upwards; /* turned by a quarter, to be read from below to above */
    double size;  /* of the font */
    cnn_point at; /* on the baseline */
    cnn_anchor anchor;
    uint32_t colour;
} cnn_label;

typedef struct cnn_canvas cnn_canvas;

typedef struct cnn_canvas_kind {
    const char *suffix; /* of its files: ".svg" */
    /** A white canvas; NULL when memory is out. */
    cnn_canvas *(*open)(int width, int height);
    /** Joins the points, at least 1: a single one is a dot. */
    void (*line)(cnn_canvas *canvas, const cnn_point *points, size_t count, const cnn_stroke *stroke);
    void (*label)(cnn_canvas *canvas, const cnn_label *label);
    /** The file's content in *bytes, the caller's to cnn_free(). */
    cnn_status (*finish)(cnn_canvas *canvas, unsigned char **bytes, size_t *size, cnn_error *error);
    void (*free)(cnn_canvas *canvas); /* accepts NULL */
} cnn_canvas_kind;

extern const cnn_canvas_kind cnn_canvas_svg;
extern const cnn_canvas_kind cnn_canvas_png;

#endif

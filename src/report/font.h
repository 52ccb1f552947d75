/* Letters as strokes of a pen, so that a picture needs no font file and text is smooth at any size, upright or turned;
 * and the widths of text, by which charts are laid out. Printable ASCII is known, all else becomes "?". */
#ifndef CNN_REPORT_FONT_H
#define CNN_REPORT_FONT_H

#include "report/canvas.h"

/** Width of the pen, in parts of the font's size. */
#define CNN_FONT_PEN 0.088
#define CNN_FONT_PEN_BOLD 0.125

/** What a label says where it was cut. */
#define CNN_FONT_ELLIPSIS "..."

/** The bytes of the first character of `text`, `length` of them in all and at least 1, and its width at size 1. A byte
 * that begins no UTF-8 character counts as one. */
size_t cnn_font_character(const char *text, size_t length, double *width);

/** The width of `length` bytes. */
double cnn_font_width(const char *text, size_t length, double size);

/** Draws one straight piece of a stroke; both ends may be the same. */
typedef void cnn_font_pen(void *context, cnn_point from, cnn_point to);

/** Draws the character that `text` begins with, at size 1: its baseline begins at (0, 0), and y grows downwards. */
void cnn_font_draw(const char *text, cnn_font_pen *draw, void *context);

#endif

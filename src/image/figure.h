/* The digit among all that is inked: its strokes, without specks, page edges and neighbours. */
#ifndef CNN_IMAGE_FIGURE_H
#define CNN_IMAGE_FIGURE_H

#include "image/ink.h"

/** Memory for finding figures in a picture, [height][width] each. */
typedef struct cnn_figure_room {
    uint8_t *marks;
    int *queue;
} cnn_figure_room;

/** Sets the contrast of all parts to 0 that touch the border: a page's edge, a table, a neighbour. Parts are connected
 * pixels of contrast `threshold` and more. Returns how conspicuous they were: the sum of their contrasts, weighted by
 * their nearness to the centre; 0 where there were none. */
double cnn_figure_clear_border(const cnn_plane *contrast, float threshold, const cnn_figure_room *room);

/** Finds the digit: the most conspicuous part, and those close to it. kept [height][width] becomes 1 there, 0
 * elsewhere. Returns how conspicuous it is; 0 where there is none. */
double cnn_figure_find(const cnn_plane *contrast, float threshold, const cnn_figure_room *room, uint8_t *kept);

#endif

/* An axis: the range of its values, and round numbers within it. */
#ifndef CNN_REPORT_AXIS_H
#define CNN_REPORT_AXIS_H

#include "cnn.h"

/** Values of a larger magnitude are not drawn, so that no difference overflows. */
#define CNN_AXIS_LARGEST 1e300
#define CNN_AXIS_TICKS 96
#define CNN_AXIS_LABEL 32

typedef struct cnn_axis {
    bool log;         /* of base 10 */
    bool whole;       /* all values are whole numbers */
    double low, high; /* of the values, or of their logarithms on a log axis; low > high while there are none */
} cnn_axis;

/** An axis without values. */
cnn_axis cnn_axis_new(bool log);

/** Whether the axis can show a value: a finite one of at most CNN_AXIS_LARGEST, and a positive one if it is log. */
bool cnn_axis_shows(const cnn_axis *axis, double value);

/** Widens the range so that it takes in a value that the axis shows. */
void cnn_axis_add(cnn_axis *axis, double value);

/** Ends the adding: leaves `margin`, a part of the range, free on both sides, but not so that values of one sign seem
 * to cross zero; and makes a range where there was no value or one. */
void cnn_axis_settle(cnn_axis *axis, double margin);

/** Where a value is on a settled axis: 0 at its low end, 1 at its high end. */
double cnn_axis_place(const cnn_axis *axis, double value);

typedef struct cnn_tick {
    double place;               /* 0 .. 1 */
    char label[CNN_AXIS_LABEL]; /* "0.25", "1e-6"; "" of the lines between the labelled ones of a log axis */
} cnn_tick;

/** Ticks of a settled axis, of which about `most` are labelled, 2 at least; returns their number. */
int cnn_axis_ticks(const cnn_axis *axis, int most, cnn_tick ticks[CNN_AXIS_TICKS]);

#endif

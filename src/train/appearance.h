/* What pictures are like at first sight, without the network. See appearance.c. */
#ifndef CNN_TRAIN_APPEARANCE_H
#define CNN_TRAIN_APPEARANCE_H

#include "net/model.h"

/** Brightness, contrast, roughness and evenness of an image [height][width][channels]. */
void cnn_appearance_measure(const uint8_t *pixels, cnn_shape shape, double figures[CNN_APPEARANCE_COUNT]);

/** Distance of the figure that is nearest to an end of its range, or furthest outside: negative where one is so. */
double cnn_appearance_margin(const double figures[CNN_APPEARANCE_COUNT], const double ranges[CNN_APPEARANCE_COUNT][2]);

/** Sorts rising, as the ends of ranges and thresholds are read off. */
void cnn_sort_numbers(double *numbers, size_t count);

/** The ranges beyond each end of which lie 0.05% of the figures [CNN_APPEARANCE_COUNT][count], which are sorted; false
 * where these are too few to tell. */
bool cnn_appearance_fit(double *figures, int count, double ranges[CNN_APPEARANCE_COUNT][2]);

#endif

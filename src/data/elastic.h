/* Elastic distortions: see elastic.c. */
#ifndef CNN_DATA_ELASTIC_H
#define CNN_DATA_ELASTIC_H

#include "base/random.h"
#include "base/status.h"

/** What displacements are drawn from. */
typedef struct cnn_elastic {
    double alpha; /* standard deviation in pixels, along each axis, away from the border */
    double sigma; /* of the Gaussian that smooths, in pixels: how far neighbours go together */
} cnn_elastic;

/** The numbers of room that a field needs. */
size_t cnn_elastic_room(const cnn_elastic *elastic, cnn_shape shape);

/** Draws a field [2][height][width] to the beginning of `room`, [cnn_elastic_room()]: by how many pixels each pixel
 * moves to the right, then down. */
void cnn_elastic_draw(const cnn_elastic *elastic, cnn_shape shape, cnn_random *random, float *room);

#endif

/* Eigenvectors of small symmetric matrices. */
#ifndef CNN_MATH_EIGEN_H
#define CNN_MATH_EIGEN_H

#include <stddef.h>

/** Eigenvalues and eigenvectors of a symmetric matrix [size][size], which is used up: its diagonal becomes the
 * eigenvalues, unsorted, and row i of `vectors` [size][size] the unit vector of number i. */
void cnn_eigen_symmetric(double *matrix, size_t size, double *vectors);

#endif

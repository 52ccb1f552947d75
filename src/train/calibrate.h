/* Calibration: what the images held back say of a trained model's certainty. See calibrate.c. */
#ifndef CNN_TRAIN_CALIBRATE_H
#define CNN_TRAIN_CALIBRATE_H

#include "train/trainer.h"

/** How familiar an image is to the model that gave the logits [classes], which are already divided by its temperature:
 * log(sum over c of exp(logits[c])), the free energy with the other sign. */
double cnn_familiarity(const cnn_real *logits, int classes);

/** The temperature at which softmax(logits / temperature) gives the labels of logits [count][classes] their least mean
 * cross-entropy; from 0.01 to 100, rounded to four decimals. */
double cnn_fit_temperature(const cnn_real *logits, const int *labels, int count, int classes);

/** The threshold below which 0.5% of the familiarities [count] lie, which are sorted for it; rounded down to four
 * decimals. -INFINITY where they are too few to tell, fewer than 199. */
double cnn_fit_familiarity(double *familiarities, int count);

/** Gives the model, a copy of the trainer's with its weights, the appearance of the images trained on, and from those
 * held back, where there are such, the temperature and the familiarity that its recipe does not name. */
cnn_status cnn_trainer_calibrate(const cnn_trainer *trainer, cnn_model *model, cnn_error *error);

#endif

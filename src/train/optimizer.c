/* The list of optimizers, by cnn_optimizer_name. A new one is a file and a line here. */
#include "train/optimizer.h"

extern const cnn_optimizer cnn_sgd, cnn_adamw, cnn_adam, cnn_rmsprop, cnn_muon;

const cnn_optimizer *const cnn_optimizers[] = {&cnn_sgd, &cnn_adamw, &cnn_adam, &cnn_rmsprop, &cnn_muon};

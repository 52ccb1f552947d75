/* The images of `cnn compare`: those to train on and, where runs are tested, those for that. Recipes may read images of
 * several sizes and fits, one of which is open at a time. */
#ifndef CNN_CLI_COMPARE_DATA_H
#define CNN_CLI_COMPARE_DATA_H

#include "cnn.h"
#include "command.h"

typedef struct cnn_compare_data {
    const char *spec;
    bool tested;               /* the test images are opened, too */
    cnn_dataset *train, *test; /* NULL where they are not open */
    cnn_shape shape;           /* of those that are open, and how pictures come to it */
    cnn_fit fit;
} cnn_compare_data;

/** Opens the images as the recipe reads them, where they are not open yet. The test images' classes are among those
 * trained on. Tells on stderr why it failed. */
cnn_exit cnn_compare_data_open(cnn_compare_data *data, const cnn_recipe *recipe);
void cnn_compare_data_close(cnn_compare_data *data);

#endif

/* What `cnn compare` keeps of each run in a folder, to find it again: the result, a checkpoint while it is trained, and
 * its model where tests are asked for. */
#ifndef CNN_CLI_COMPARE_STORE_H
#define CNN_CLI_COMPARE_STORE_H

#include "compare_run.h"

/** A run's files and what they are made of. */
typedef struct cnn_run_files {
    char *recipe; /* canonical text, the library's */
    char seed[24];
    char *result, *checkpoint, *model;
} cnn_run_files;

/** Tells on stderr why it failed; whatever comes of it, cnn_run_files_clear() follows. */
cnn_exit cnn_run_files_name(const cnn_run_order *order, cnn_run_files *f);
void cnn_run_files_clear(cnn_run_files *f);

/** Fills *run, which is zeroed, with all that is stored; false where nothing is, or it is damaged or another run's. */
bool cnn_run_read(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run);
/** Stores the run, and removes its checkpoint. Tells on stderr why it failed. */
cnn_exit cnn_run_write(const cnn_run_order *order, const cnn_run_files *f, cnn_run *run);

#endif

/* NAME.history.csv: see history.h. */
#include "history.h"

#include "output.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>

double cnn_history_rate(const cnn_progress *progress)
{
    return progress->seconds > 0 ? progress->images / progress->seconds : 0;
}

/* Left empty where nothing is known. */
static void write_inspection(FILE *file, const cnn_trainer *trainer, int epoch)
{
    cnn_inspection inspection;
    if (cnn_trainer_inspection(trainer, epoch, &inspection, NULL) != CNN_OK) {
        fputs(",,,,\n", file);
        return;
    }
    fprintf(file, ",%.7g,%.7g,%.7g,%.7g\n", inspection.dead, inspection.zeros, inspection.gradient_norm,
            inspection.update_ratio);
    cnn_free(inspection.layers);
}

static void write_row(FILE *file, const cnn_progress *epoch)
{
    fprintf(file, "%d,%.7g,%.7g,", epoch->epoch, epoch->loss, epoch->accuracy);
    if (epoch->validated) {
        fprintf(file, "%.7g,%.7g,", epoch->validation_loss, epoch->validation_accuracy);
    } else {
        fputs(",,", file);
    }
    fprintf(file, "%.7g,%.1f,%.6f", epoch->learning_rate, cnn_history_rate(epoch), epoch->seconds);
}

static void write_rows(FILE *file, const cnn_trainer *trainer)
{
    fputs("epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,images_per_second,seconds,"
          "dead,zeros,gradient_norm,update_ratio\n",
          file);
    cnn_progress epoch;
    for (int number = 1; cnn_trainer_epoch(trainer, number, &epoch); number++) {
        write_row(file, &epoch);
        write_inspection(file, trainer, number);
    }
}

bool cnn_history_write(const cnn_trainer *trainer, const char *path)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (stream) {
        write_rows(stream, trainer);
    }
    if (!stream || !cnn_text_finish(stream, &text)) {
        cnn_complain_memory();
        return false;
    }
    const bool written = cnn_path_write(path, text, length);
    free(text);
    return written;
}

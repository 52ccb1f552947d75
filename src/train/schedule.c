/* Learning-rate schedules. Warm-up rises linearly to the full rate; the schedule proper begins where it ends. */
#include "train/optimizer.h"

#include <math.h>

/** The share of the full rate after `progress`, 0 .. 1, of what follows the warm-up. */
static double share_at(const cnn_train_options *options, double progress, double epoch)
{
    static const double pi = 3.14159265358979323846;
    switch ((cnn_schedule_name)options->schedule) {
    case CNN_SCHEDULE_STEP:
        return pow(options->step_factor, floor(epoch / options->step_every));
    case CNN_SCHEDULE_COSINE: /* Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts */
        return options->lr_final + (1 - options->lr_final) * (1 + cos(pi * progress)) / 2;
    case CNN_SCHEDULE_LINEAR:
        return 1 - (1 - options->lr_final) * progress;
    case CNN_SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}

double cnn_schedule_rate(const cnn_train_options *options, int64_t step, int steps_per_epoch)
{
    const double steps = (double)options->epochs * steps_per_epoch;
    const double warmup = options->warmup * steps_per_epoch;
    if ((double)step < warmup) {
        return options->lr * ((double)step + 1) / (warmup + 1);
    }
    const int64_t epoch = step / steps_per_epoch;
    const double progress = ((double)step - warmup) / (steps - warmup);
    return options->lr * share_at(options, progress, (double)epoch);
}

/* Inspections in checkpoints, as two entries of their metadata, lists of numbers:
 *
 *   checkpoint.inspections  for each epoch, separated by semicolons: its number, images, and the layers' figures
 *   checkpoint.inspecting   within an epoch's last steps: images, and for each layer its sums and a digit a unit, 1
 *                           where it was not 0 somewhere
 *
 * Neither is in checkpoints of version 0.1, whose epochs then stay without inspection. */
#include "base/memory.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

#define EPOCHS_KEY "checkpoint.inspections"
#define CURRENT_KEY "checkpoint.inspecting"

/** The most figures that are kept, those of the latest epochs: a file's header has its limit. */
#define MOST_RECORDS 40000

enum { RECORD_NUMBERS = 8, SUM_NUMBERS = 4 };

/* ---- writing */

/** 9 digits for a float, 17 for a double, which read back to the bit; "nan" for what is not finite. */
static void append_number(cnn_text *text, double value, int digits)
{
    if (isfinite(value)) {
        cnn_text_appendf(text, " %.*g", digits, value);
    } else {
        cnn_text_append(text, " nan");
    }
}

static void append_record(cnn_text *text, const cnn_layer_record *record)
{
    const float numbers[RECORD_NUMBERS] = {record->mean,         record->deviation,     record->zeros,
                                           record->saturated,    record->gradient_norm, record->weight_norm,
                                           record->update_ratio, (float)record->dead};
    for (int i = 0; i < RECORD_NUMBERS; i++) {
        append_number(text, (double)numbers[i], 9);
    }
}

static void append_epochs(const cnn_trainer *t, cnn_text *text)
{
    const cnn_inspector *in = t->inspector;
    const int layers = in->watch->layer_count, most = MOST_RECORDS / (layers > 0 ? layers : 1);
    const int kept = most > 1 ? most : 1;
    for (int epoch = t->epoch > kept ? t->epoch - kept : 0; epoch < t->epoch; epoch++) {
        if (in->images[epoch] == 0) {
            continue;
        }
        cnn_text_appendf(text, "%d %d", epoch + 1, in->images[epoch]);
        for (int i = 0; i < layers; i++) {
            append_record(text, &in->records[(size_t)epoch * (size_t)layers + (size_t)i]);
        }
        cnn_text_append(text, ";");
    }
}

static void append_current(const cnn_watch *watch, cnn_text *text)
{
    cnn_text_appendf(text, "%d", watch->images);
    for (int i = 0; i < watch->layer_count; i++) {
        const cnn_moments *moments = &watch->moments[i];
        const double sums[SUM_NUMBERS] = {moments->sum, moments->squares, moments->zeros, moments->saturated};
        for (int s = 0; s < SUM_NUMBERS; s++) {
            append_number(text, sums[s], 17);
        }
        cnn_text_append(text, " ");
        for (int u = 0; u < watch->layers[i].units; u++) {
            cnn_text_append(text, watch->live[watch->layers[i].first + u] ? "1" : "0");
        }
    }
    cnn_text_append(text, ";");
}

cnn_status cnn_inspector_save(const cnn_trainer *t, cnn_model *checkpoint, cnn_error *error)
{
    cnn_text epochs = {0}, current = {0};
    append_epochs(t, &epochs);
    cnn_status status = cnn_model_take_metadata(checkpoint, EPOCHS_KEY, &epochs, error);
    if (status == CNN_OK && t->inspector->watch->images > 0) {
        append_current(t->inspector->watch, &current);
        status = cnn_model_take_metadata(checkpoint, CURRENT_KEY, &current, error);
    }
    cnn_text_clear(&epochs);
    cnn_text_clear(&current);
    return status;
}

/* ---- reading */

/** Takes the next word, which a blank or semicolon ends, as a number; false where it is none. */
static bool read_number(const char **text, double *value)
{
    const char *word = *text + (**text == ' ');
    const size_t length = strcspn(word, " ;");
    *text = word + length;
    *value = NAN;
    return (length == 3 && memcmp(word, "nan", 3) == 0) || cnn_parse_number(word, length, value);
}

static bool read_count(const char **text, int most, int *count)
{
    double value;
    if (!read_number(text, &value) || !(value >= 0 && value <= most) || value != floor(value)) {
        return false;
    }
    *count = (int)value;
    return true;
}

static bool read_record(const char **text, int units, cnn_layer_record *record)
{
    float *const numbers[] = {&record->mean,          &record->deviation,   &record->zeros,       &record->saturated,
                              &record->gradient_norm, &record->weight_norm, &record->update_ratio};
    for (int i = 0; i < RECORD_NUMBERS - 1; i++) {
        double value;
        if (!read_number(text, &value)) {
            return false;
        }
        *numbers[i] = (float)value;
    }
    return read_count(text, units, &record->dead);
}

static bool read_epochs(cnn_trainer *t, const char *text)
{
    const cnn_watch *watch = t->inspector->watch;
    while (*text != '\0') {
        int epoch, images;
        if (!read_count(&text, t->epoch, &epoch) || epoch < 1 || !read_count(&text, t->train_count, &images)) {
            return false;
        }
        cnn_layer_record *records = t->inspector->records + (size_t)(epoch - 1) * (size_t)watch->layer_count;
        for (int i = 0; i < watch->layer_count; i++) {
            if (!read_record(&text, watch->layers[i].units, &records[i])) {
                return false;
            }
        }
        if (*text++ != ';') {
            return false;
        }
        t->inspector->images[epoch - 1] = images;
    }
    return true;
}

static bool read_units(const char **text, int units, unsigned char *live)
{
    const char *word = *text + (**text == ' ');
    if (strspn(word, "01") != (size_t)units) {
        return false;
    }
    for (int u = 0; u < units; u++) {
        live[u] = word[u] == '1';
    }
    *text = word + units;
    return true;
}

static bool read_current(cnn_trainer *t, const char *text)
{
    cnn_watch *watch = t->inspector->watch;
    if (!read_count(&text, t->train_count, &watch->images)) {
        return false;
    }
    for (int i = 0; i < watch->layer_count; i++) {
        cnn_moments *moments = &watch->moments[i];
        double *const sums[SUM_NUMBERS] = {&moments->sum, &moments->squares, &moments->zeros, &moments->saturated};
        for (int s = 0; s < SUM_NUMBERS; s++) {
            if (!read_number(&text, sums[s])) {
                return false;
            }
        }
        if (!read_units(&text, watch->layers[i].units, watch->live + watch->layers[i].first)) {
            return false;
        }
    }
    return strcmp(text, ";") == 0;
}

bool cnn_inspector_load(cnn_trainer *t, const cnn_model *checkpoint)
{
    const char *epochs = cnn_model_metadata(checkpoint, EPOCHS_KEY);
    const char *current = cnn_model_metadata(checkpoint, CURRENT_KEY);
    return (epochs == NULL || read_epochs(t, epochs)) && (current == NULL || read_current(t, current));
}

/* Writing a model file: the header as text, the tensors behind it, and last the checksum into its place in the header.
 * The same content always gives the same bytes. */
#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "net/modelfile.h"

#include <math.h>
#include <string.h>

/** The entries that stand first; the others follow in the order of their keys. */
static const char *const leading_keys[] = {"format", "version", "recipe", "classes", NULL};

typedef struct writer {
    const cnn_model *model;
    const cnn_state_block *states;
    int state_count;
    cnn_modelfile_tensor *tensors;
    int tensor_count;
    char *header;
    size_t header_size;
    size_t digits; /* where the checksum's begin in the header */
} writer;

static bool stands_elsewhere(const char *key)
{
    for (int i = 0; leading_keys[i] != NULL; i++) {
        if (strcmp(key, leading_keys[i]) == 0) {
            return true;
        }
    }
    return strcmp(key, "scale.mean") == 0 || strcmp(key, "scale.deviation") == 0;
}

static void append_entry(cnn_text *text, const char *key, const char *value)
{
    cnn_modelfile_quote(text, key);
    cnn_text_append(text, ":");
    cnn_modelfile_quote(text, value);
    cnn_text_append(text, ",");
}

/** From the model's field, not from its metadata: it is what the model computes with. */
static cnn_status append_scale(const writer *w, const char *key, const double *numbers, cnn_text *text,
                               cnn_error *error)
{
    cnn_text list = {0};
    cnn_modelfile_numbers(&list, numbers, w->model->network->input.channels);
    char *value = cnn_text_take(&list, error);
    if (value == NULL) {
        return CNN_MEMORY;
    }
    append_entry(text, key, value);
    cnn_free(value);
    return CNN_OK;
}

static cnn_status append_metadata(const writer *w, cnn_text *text, cnn_error *error)
{
    const cnn_model *model = w->model;
    cnn_text_append(text, "\"__metadata__\":{");
    for (int i = 0; leading_keys[i] != NULL; i++) {
        append_entry(text, leading_keys[i], cnn_model_metadata(model, leading_keys[i]));
    }
    append_entry(text, "kind", cnn_modelfile_kind(w->state_count));
    cnn_status status = append_scale(w, "scale.mean", model->mean, text, error);
    if (status == CNN_OK) {
        status = append_scale(w, "scale.deviation", model->deviation, text, error);
    }
    for (int i = 0; i < model->metadata_count; i++) {
        if (!stands_elsewhere(model->keys[i])) {
            append_entry(text, model->keys[i], model->values[i]);
        }
    }
    return status;
}

static void append_tensor(const cnn_modelfile_tensor *tensor, cnn_text *text)
{
    cnn_text_append(text, ",");
    cnn_modelfile_quote(text, tensor->name);
    cnn_text_append(text, ":{\"dtype\":\"F32\",\"shape\":[");
    for (int i = 0; i < tensor->tensor->rank; i++) {
        cnn_text_appendf(text, "%s%d", i > 0 ? "," : "", tensor->tensor->sizes[i]);
    }
    cnn_text_appendf(text, "],\"data_offsets\":[%zu,%zu]}", tensor->begin, tensor->end);
}

static cnn_status make_header(writer *w, cnn_error *error)
{
    cnn_text text = {0};
    cnn_text_append(&text, "{");
    const cnn_status status = append_metadata(w, &text, error);
    if (status != CNN_OK) {
        cnn_text_clear(&text);
        return status;
    }
    cnn_text_append(&text, CNN_MODELFILE_CRC_KEY);
    w->digits = text.length;
    cnn_text_append(&text, "00000000\"}");
    for (int i = 0; i < w->tensor_count; i++) {
        append_tensor(&w->tensors[i], &text);
    }
    cnn_text_append(&text, "}");
    while (!text.failed && (8 + text.length) % CNN_MODELFILE_ALIGNMENT != 0) {
        cnn_text_append(&text, " ");
    }
    w->header_size = text.length;
    w->header = cnn_text_take(&text, error);
    return w->header != NULL ? CNN_OK : CNN_MEMORY;
}

static cnn_status write_tensor(const cnn_modelfile_tensor *tensor, const cnn_real *values, unsigned char *out,
                               cnn_error *error)
{
    float chunk[CNN_MODELFILE_CHUNK];
    for (size_t first = 0; first < tensor->count; first += CNN_MODELFILE_CHUNK) {
        const size_t left = tensor->count - first;
        const size_t n = left < CNN_MODELFILE_CHUNK ? left : CNN_MODELFILE_CHUNK;
        for (size_t i = 0; i < n; i++) {
            chunk[i] = (float)values[first + i];
            if (!isfinite(chunk[i])) {
                return cnn_fail(error, CNN_DIVERGED, "tensor %s holds a number that is not finite: it is not saved",
                                tensor->name);
            }
        }
        cnn_write_floats_little(out + first * sizeof(float), chunk, n);
    }
    return CNN_OK;
}

/** Everything but the checksum into `out`. */
static cnn_status write_content(const writer *w, unsigned char *out, cnn_error *error)
{
    cnn_write_u64_little(out, w->header_size);
    memcpy(out + 8, w->header, w->header_size);
    unsigned char *data = out + 8 + w->header_size;
    cnn_status status = CNN_OK;
    for (int i = 0; i < w->tensor_count && status == CNN_OK; i++) {
        const cnn_modelfile_tensor *tensor = &w->tensors[i];
        const cnn_real *block = tensor->state < 0 ? w->model->parameters : w->states[tensor->state].values;
        status = write_tensor(tensor, block + tensor->offset, data + tensor->begin, error);
    }
    return status;
}

static cnn_status write_file(const writer *w, unsigned char **bytes, size_t *size, cnn_error *error)
{
    const size_t data_size = cnn_modelfile_data_size(w->tensors, w->tensor_count);
    if (w->header_size > CNN_MODELFILE_HEADER_SIZE || data_size > CNN_MODELFILE_SIZE - 8 - w->header_size ||
        cnn_modelfile_values(w->header, w->header_size) > CNN_MODELFILE_VALUES) {
        return cnn_fail(error, CNN_USAGE, "the model is too large for a file: %zu bytes of text, %zu of weights",
                        w->header_size, data_size);
    }
    const size_t total = 8 + w->header_size + data_size;
    unsigned char *out = cnn_alloc(total, 1);
    if (out == NULL) {
        return cnn_fail_memory(error);
    }
    const cnn_status status = write_content(w, out, error);
    if (status != CNN_OK) {
        cnn_free(out);
        return status;
    }
    char crc[CNN_MODELFILE_CRC_DIGITS + 1];
    cnn_modelfile_crc(out, total, 8 + w->digits, crc);
    memcpy(out + 8 + w->digits, crc, CNN_MODELFILE_CRC_DIGITS);
    *bytes = out;
    *size = total;
    return CNN_OK;
}

cnn_status cnn_model_encode(const cnn_model *model, const cnn_state_block *states, int state_count,
                            unsigned char **bytes, size_t *size, cnn_error *error)
{
    writer w = {.model = model, .states = states, .state_count = state_count};
    cnn_status status = cnn_modelfile_plan(model->network, states, state_count, &w.tensors, &w.tensor_count, error);
    if (status == CNN_OK) {
        status = make_header(&w, error);
    }
    if (status == CNN_OK) {
        status = write_file(&w, bytes, size, error);
    }
    cnn_free(w.header);
    cnn_free(w.tensors);
    return status;
}

cnn_status cnn_model_save(const cnn_model *model, const char *path, cnn_error *error)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    cnn_status status = cnn_model_encode(model, NULL, 0, &bytes, &size, error);
    if (status != CNN_OK) {
        return status;
    }
    const cnn_piece piece = {bytes, size};
    status = cnn_file_write(path, &piece, 1, error);
    cnn_free(bytes);
    return status;
}

/* Reading a model file, of which nothing is trusted. The recipe is planned first, so that every size is known before a
 * tensor is looked at; whatever then differs from what the writer would have written is refused, with the reason. */
#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "net/modelfile.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

typedef struct reader {
    const char *name; /* of the file, for messages */
    const unsigned char *bytes;
    size_t size;
    size_t data_at; /* the header's end */
    json_t *root;
    json_t *metadata;
    const cnn_state_block *states;
    int state_count;
    cnn_modelfile_tensor *tensors;
    int tensor_count;
} reader;

/** A string of the metadata, NULL where it has none. */
static const char *metadata_text(const reader *r, const char *key)
{
    return json_string_value(json_object_get(r->metadata, key));
}

/** The value of a JSON text, or NULL: *memory tells whether for want of memory, which jansson calls an invalid token or
 * nothing at all. */
static json_t *parse_json(const char *text, size_t length, json_error_t *cause, bool *memory)
{
    errno = 0;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, cause);
    *memory = value == NULL && errno == ENOMEM;
    return value;
}

static cnn_status open_header(reader *r, cnn_error *error)
{
    cnn_reader bytes = {.bytes = r->bytes, .size = r->size};
    const uint64_t length = cnn_read_u64_little(&bytes);
    const unsigned char *first = cnn_read_span(&bytes, 1);
    if (first == NULL || *first != '{' || length > CNN_MODELFILE_HEADER_SIZE) {
        return cnn_fail(error, CNN_FORMAT, "%s: is not a cnn model (safetensors)", r->name);
    }
    if (length > r->size - 8) {
        return cnn_fail(error, CNN_FORMAT, "%s: damaged: the file ends within its header", r->name);
    }
    r->data_at = 8 + (size_t)length;
    json_error_t cause;
    bool memory;
    r->root = parse_json((const char *)first, (size_t)length, &cause, &memory);
    if (memory) {
        return cnn_fail_memory(error);
    }
    if (r->root == NULL) {
        return cnn_fail(error, CNN_FORMAT, "%s: damaged: its header is not valid JSON (%s)", r->name, cause.text);
    }
    r->metadata = json_object_get(r->root, "__metadata__");
    const char *format = metadata_text(r, "format");
    if (format == NULL || strncmp(format, "cnn ", 4) != 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: is a safetensors file, but not a cnn model", r->name);
    }
    if (strcmp(format, CNN_MODELFILE_FORMAT) != 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: its format '%s' is unknown to this version, %s, which reads '%s'",
                        r->name, format, cnn_version(), CNN_MODELFILE_FORMAT);
    }
    return CNN_OK;
}

/** Where the checksum's digits begin: behind the first CNN_MODELFILE_CRC_KEY of the header. Within a JSON string its
 * quotes would be escaped, so no other entry's text contains it. 0 where the header has none. */
static size_t find_digits(const reader *r)
{
    const size_t key_size = sizeof CNN_MODELFILE_CRC_KEY - 1;
    for (size_t at = 8; at + key_size + CNN_MODELFILE_CRC_DIGITS <= r->data_at; at++) {
        if (memcmp(r->bytes + at, CNN_MODELFILE_CRC_KEY, key_size) == 0) {
            return at + key_size;
        }
    }
    return 0;
}

static cnn_status check_crc(const reader *r, cnn_error *error)
{
    const size_t digits = find_digits(r);
    if (digits == 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: damaged: it has no checksum", r->name);
    }
    char crc[CNN_MODELFILE_CRC_DIGITS + 1];
    cnn_modelfile_crc(r->bytes, r->size, digits, crc);
    if (memcmp(r->bytes + digits, crc, CNN_MODELFILE_CRC_DIGITS) != 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: damaged: its checksum does not match (is the file complete?)", r->name);
    }
    return CNN_OK;
}

static cnn_status check_kind(const reader *r, cnn_error *error)
{
    const char *kind = metadata_text(r, "kind");
    if (kind != NULL && strcmp(kind, cnn_modelfile_kind(r->state_count)) == 0) {
        return CNN_OK;
    }
    if (kind != NULL && strcmp(kind, "checkpoint") == 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: is a checkpoint: go on with `cnn train --resume`", r->name);
    }
    if (kind != NULL && strcmp(kind, "model") == 0) {
        return cnn_fail(error, CNN_FORMAT, "%s: is a model, not the checkpoint of a training", r->name);
    }
    return cnn_fail(error, CNN_FORMAT, "%s: says neither that it is a model nor a checkpoint", r->name);
}

/** Gives an error from elsewhere the file's name, and CNN_FORMAT unless it is a matter of memory or the machine. */
static cnn_status fail_in_file(const reader *r, const cnn_error *cause, cnn_error *error)
{
    if (cause->status == CNN_MEMORY) {
        return cnn_fail_memory(error);
    }
    if (cause->status == CNN_PLATFORM) {
        return cnn_fail(error, CNN_PLATFORM, "%s", cause->message);
    }
    return cnn_fail(error, CNN_FORMAT, "%s: %s", r->name, cause->message);
}

/** The planned model of the file's recipe. */
static cnn_model *plan_model(const reader *r, cnn_error *error)
{
    const char *text = metadata_text(r, "recipe");
    if (text == NULL || metadata_text(r, "version") == NULL) {
        cnn_fail(error, CNN_FORMAT, "%s: does not say its %s", r->name, text == NULL ? "recipe" : "version");
        return NULL;
    }
    cnn_error cause;
    cnn_recipe *recipe = cnn_recipe_parse(text, "recipe", &cause);
    cnn_model *model = recipe != NULL ? cnn_model_plan(recipe, &cause) : NULL;
    if (model == NULL) {
        fail_in_file(r, &cause, error);
    }
    return model;
}

static bool integers_match(const json_t *list, const size_t *expected, size_t count)
{
    if (json_array_size(list) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        const json_int_t value = json_integer_value(entry);
        if (!json_is_integer(entry) || value < 0 || (uint64_t)value != expected[i]) {
            return false;
        }
    }
    return true;
}

static bool tensor_matches(const json_t *entry, const cnn_modelfile_tensor *tensor)
{
    size_t sizes[4] = {0};
    const size_t rank = (size_t)tensor->tensor->rank;
    for (size_t i = 0; i < rank; i++) {
        sizes[i] = (size_t)tensor->tensor->sizes[i];
    }
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    return json_object_size(entry) == 3 && type != NULL && strcmp(type, "F32") == 0 &&
           integers_match(json_object_get(entry, "shape"), sizes, rank) &&
           integers_match(json_object_get(entry, "data_offsets"), (const size_t[]){tensor->begin, tensor->end}, 2);
}

static cnn_status check_tensors(const reader *r, cnn_error *error)
{
    for (int i = 0; i < r->tensor_count; i++) {
        const cnn_modelfile_tensor *tensor = &r->tensors[i];
        const json_t *entry = json_object_get(r->root, tensor->name);
        if (entry == NULL) {
            return cnn_fail(error, CNN_FORMAT, "%s: has no tensor %s, which its recipe needs", r->name, tensor->name);
        }
        if (!tensor_matches(entry, tensor)) {
            return cnn_fail(error, CNN_FORMAT,
                            "%s: tensor %s has not the type, the shape or the place that its recipe needs "
                            "(F32, %zu values at bytes %zu to %zu)",
                            r->name, tensor->name, tensor->count, tensor->begin, tensor->end);
        }
    }
    const size_t found = json_object_size(r->root) - 1, data_size = r->size - r->data_at;
    if (found != (size_t)r->tensor_count) {
        return cnn_fail(error, CNN_FORMAT, "%s: has %zu tensors where its recipe needs %d", r->name, found,
                        r->tensor_count);
    }
    const size_t needed = cnn_modelfile_data_size(r->tensors, r->tensor_count);
    if (data_size != needed) {
        return cnn_fail(error, CNN_FORMAT, "%s: has %zu bytes of tensors where its recipe needs %zu", r->name,
                        data_size, needed);
    }
    return CNN_OK;
}

/** The next values of a tensor, from `first` on, as many as fit a chunk; their number. */
static size_t read_chunk(const reader *r, const cnn_modelfile_tensor *tensor, size_t first, float *chunk)
{
    const size_t left = tensor->count - first;
    const size_t n = left < CNN_MODELFILE_CHUNK ? left : CNN_MODELFILE_CHUNK;
    cnn_read_floats_little(chunk, r->bytes + r->data_at + tensor->begin + first * sizeof(float), n);
    return n;
}

static cnn_status check_values(const reader *r, cnn_error *error)
{
    float chunk[CNN_MODELFILE_CHUNK];
    for (int i = 0; i < r->tensor_count; i++) {
        const cnn_modelfile_tensor *tensor = &r->tensors[i];
        const bool variance = strcmp(tensor->tensor->name, "variance") == 0; /* also of a state that stores it */
        for (size_t first = 0; first < tensor->count; first += CNN_MODELFILE_CHUNK) {
            const size_t n = read_chunk(r, tensor, first, chunk);
            for (size_t k = 0; k < n; k++) {
                if (!isfinite(chunk[k]) || (variance && chunk[k] < 0)) {
                    return cnn_fail(error, CNN_FORMAT, "%s: tensor %s holds a number that is %s", r->name, tensor->name,
                                    isfinite(chunk[k]) ? "negative" : "not finite");
                }
            }
        }
    }
    return CNN_OK;
}

static void read_values(const reader *r, cnn_model *model)
{
    float chunk[CNN_MODELFILE_CHUNK];
    for (int i = 0; i < r->tensor_count; i++) {
        const cnn_modelfile_tensor *tensor = &r->tensors[i];
        cnn_real *block = tensor->state < 0 ? model->parameters : r->states[tensor->state].values;
        for (size_t first = 0; first < tensor->count; first += CNN_MODELFILE_CHUNK) {
            const size_t n = read_chunk(r, tensor, first, chunk);
            for (size_t k = 0; k < n; k++) {
                block[tensor->offset + first + k] = chunk[k];
            }
        }
    }
}

/** The entries as they stand, but for those that writing makes. */
static cnn_status read_metadata(const reader *r, cnn_model *model, cnn_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(r->metadata, key, value)
    {
        if (!json_is_string(value)) {
            return cnn_fail(error, CNN_FORMAT, "%s: metadata '%s' is not a string", r->name, key);
        }
        if (strcmp(key, "kind") == 0 || strcmp(key, "crc32") == 0) {
            continue;
        }
        cnn_error cause;
        if (cnn_model_set_metadata(model, key, json_string_value(value), &cause) != CNN_OK) {
            return fail_in_file(r, &cause, error);
        }
    }
    return CNN_OK;
}

static cnn_status read_scale(const reader *r, cnn_model *model, cnn_error *error)
{
    double mean[4], deviation[4];
    const int channels = model->network->input.channels;
    if (!cnn_modelfile_parse_numbers(metadata_text(r, "scale.mean"), channels, mean) ||
        !cnn_modelfile_parse_numbers(metadata_text(r, "scale.deviation"), channels, deviation)) {
        return cnn_fail(error, CNN_FORMAT, "%s: scale.mean and scale.deviation need %d number%s each", r->name,
                        channels, channels == 1 ? "" : "s");
    }
    cnn_error cause;
    return cnn_model_set_scale(model, mean, deviation, &cause) == CNN_OK ? CNN_OK : fail_in_file(r, &cause, error);
}

static cnn_status set_classes(const reader *r, const json_t *list, cnn_model *model, cnn_error *error)
{
    const size_t count = json_array_size(list);
    const char **names = cnn_alloc(count, sizeof *names);
    if (names == NULL) {
        return cnn_fail_memory(error);
    }
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < count && status == CNN_OK; i++) {
        names[i] = json_string_value(json_array_get(list, i));
        if (names[i] == NULL) {
            status = cnn_fail(error, CNN_FORMAT, "%s: the name of class %zu is not a string", r->name, i);
        }
    }
    cnn_error cause;
    if (status == CNN_OK && cnn_model_set_classes(model, names, (int)count, &cause) != CNN_OK) {
        status = fail_in_file(r, &cause, error);
    }
    cnn_free(names);
    return status;
}

static cnn_status read_classes(const reader *r, cnn_model *model, cnn_error *error)
{
    const char *text = metadata_text(r, "classes");
    json_error_t cause;
    bool memory = false;
    json_t *list = text != NULL ? parse_json(text, strlen(text), &cause, &memory) : NULL;
    cnn_status status = CNN_OK;
    if (memory) {
        status = cnn_fail_memory(error);
    } else if (json_array_size(list) != (size_t)model->network->class_count) {
        status = cnn_fail(error, CNN_FORMAT, "%s: needs a list of %d class names, one for each of its outputs", r->name,
                          model->network->class_count);
    } else {
        status = set_classes(r, list, model, error);
    }
    json_decref(list);
    return status;
}

static cnn_status read_calibration(const reader *r, cnn_model *model, cnn_error *error)
{
    cnn_error cause;
    return cnn_model_read_calibration(model, &cause) == CNN_OK ? CNN_OK : fail_in_file(r, &cause, error);
}

/** First all that can be refused, then memory, then the values: nothing is filled before all is checked. */
static cnn_status read_model(reader *r, cnn_model *model, cnn_error *error)
{
    cnn_error cause;
    cnn_status status =
        cnn_modelfile_plan(model->network, r->states, r->state_count, &r->tensors, &r->tensor_count, &cause);
    if (status != CNN_OK) {
        return cnn_fail(error, status, "%s: %s", r->name, cause.message);
    }
    cnn_status (*const checks[])(const reader *, cnn_error *) = {check_tensors, check_values};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && status == CNN_OK; i++) {
        status = checks[i](r, error);
    }
    cnn_status (*const parts[])(const reader *, cnn_model *, cnn_error *) = {read_metadata, read_scale, read_classes,
                                                                             read_calibration};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == CNN_OK; i++) {
        status = parts[i](r, model, error);
    }
    if (status == CNN_OK) {
        status = cnn_model_allocate(model, error);
    }
    if (status == CNN_OK) {
        read_values(r, model);
    }
    return status;
}

cnn_model *cnn_model_decode(const unsigned char *bytes, size_t size, const char *name, const cnn_state_block *states,
                            int state_count, cnn_error *error)
{
    reader r = {.name = name, .bytes = bytes, .size = size, .states = states, .state_count = state_count};
    cnn_model *model = NULL;
    cnn_status status = open_header(&r, error);
    if (status == CNN_OK) {
        status = check_crc(&r, error);
    }
    if (status == CNN_OK) {
        status = check_kind(&r, error);
    }
    if (status == CNN_OK) {
        model = plan_model(&r, error);
    }
    if (model != NULL && read_model(&r, model, error) != CNN_OK) {
        cnn_model_free(model);
        model = NULL;
    }
    cnn_free(r.tensors);
    json_decref(r.root);
    return model;
}

cnn_model *cnn_model_load_memory(const void *bytes, size_t size, cnn_error *error)
{
    return cnn_model_decode(bytes, size, "model", NULL, 0, error);
}

cnn_model *cnn_model_load(const char *path, cnn_error *error)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (cnn_file_read(path, CNN_MODELFILE_SIZE, &bytes, &size, error) != CNN_OK) {
        return NULL;
    }
    cnn_model *model = cnn_model_decode(bytes, size, path, NULL, 0, error);
    cnn_free(bytes);
    return model;
}

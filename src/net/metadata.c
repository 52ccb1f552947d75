/* A model's metadata: pairs of strings sorted by key, as the file's __metadata__ has them. */
#include "base/memory.h"
#include "net/model.h"

#include <string.h>

/** More entries are refused: they are inserted one by one, from files too. */
#define METADATA_COUNT 1024
#define KEY_SIZE 100
/** Of these a key is made. No quote among them: the checksum is found by its key's text. */
#define KEY_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/** The index of `key`, or where it belongs: *found tells which. */
static int find_key(const cnn_model *model, const char *key, bool *found)
{
    int first = 0, end = model->metadata_count;
    *found = false;
    while (first < end && !*found) {
        const int middle = first + (end - first) / 2;
        const int order = strcmp(model->keys[middle], key);
        *found = order == 0;
        if (order < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return *found ? end : first;
}

const char *cnn_model_metadata(const cnn_model *model, const char *key)
{
    bool found;
    const int at = find_key(model, key, &found);
    return found ? model->values[at] : NULL;
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const size_t length = cnn_utf8_length(text, left);
        if (length == 0) {
            return false;
        }
        text += length;
        left -= length;
    }
    return true;
}

static void remove_entry(cnn_model *model, int at)
{
    cnn_free(model->keys[at]);
    cnn_free(model->values[at]);
    model->metadata_count--;
    const size_t after = (size_t)(model->metadata_count - at);
    memmove(model->keys + at, model->keys + at + 1, after * sizeof *model->keys);
    memmove(model->values + at, model->values + at + 1, after * sizeof *model->values);
}

/** Puts `key` and `value` in at `at`; false, and neither taken over, when memory is out. */
static bool insert_entry(cnn_model *model, int at, char *key, char *value)
{
    const size_t count = (size_t)model->metadata_count;
    char **keys = cnn_resize(model->keys, count, count + 1, sizeof *keys);
    model->keys = keys != NULL ? keys : model->keys;
    char **values = cnn_resize(model->values, count, count + 1, sizeof *values);
    model->values = values != NULL ? values : model->values;
    if (keys == NULL || values == NULL) {
        return false;
    }
    memmove(keys + at + 1, keys + at, (count - (size_t)at) * sizeof *keys);
    memmove(values + at + 1, values + at, (count - (size_t)at) * sizeof *values);
    keys[at] = key;
    values[at] = value;
    model->metadata_count++;
    return true;
}

static cnn_status add_entry(cnn_model *model, int at, const char *key, char *value, cnn_error *error)
{
    const size_t length = strlen(key);
    if (length == 0 || length > KEY_SIZE || strspn(key, KEY_CHARACTERS) < length) {
        return cnn_fail(error, CNN_USAGE, "metadata: '%.*s': a key is 1 to %d letters, digits, '.', '_', '-'", KEY_SIZE,
                        key, KEY_SIZE);
    }
    if (strcmp(key, "kind") == 0 || strcmp(key, "crc32") == 0) {
        return cnn_fail(error, CNN_USAGE, "metadata: '%s' is made when a file is written", key);
    }
    if (model->metadata_count == METADATA_COUNT) {
        return cnn_fail(error, CNN_USAGE, "metadata: no room for '%s' beside %d other entries", key, METADATA_COUNT);
    }
    char *key_copy = cnn_copy_text(key, strlen(key));
    if (key_copy == NULL || !insert_entry(model, at, key_copy, value)) {
        cnn_free(key_copy);
        return cnn_fail_memory(error);
    }
    return CNN_OK;
}

cnn_status cnn_model_set_metadata(cnn_model *model, const char *key, const char *value, cnn_error *error)
{
    bool found;
    const int at = find_key(model, key, &found);
    if (value == NULL) {
        if (found) {
            remove_entry(model, at);
        }
        return CNN_OK;
    }
    if (!is_utf8(value)) {
        return cnn_fail(error, CNN_USAGE, "metadata: the value of '%s' is not UTF-8", key);
    }
    char *copy = cnn_copy_text(value, strlen(value));
    if (copy == NULL) {
        return cnn_fail_memory(error);
    }
    if (found) {
        cnn_free(model->values[at]);
        model->values[at] = copy;
        return CNN_OK;
    }
    const cnn_status status = add_entry(model, at, key, copy, error);
    if (status != CNN_OK) {
        cnn_free(copy);
    }
    return status;
}

cnn_status cnn_model_take_metadata(cnn_model *model, const char *key, cnn_text *text, cnn_error *error)
{
    char *value = cnn_text_take(text, error);
    if (value == NULL) {
        return CNN_MEMORY;
    }
    const cnn_status status = cnn_model_set_metadata(model, key, value, error);
    cnn_free(value);
    return status;
}

cnn_status cnn_model_set_number(cnn_model *model, const char *key, double value, cnn_error *error)
{
    char number[CNN_NUMBER_LENGTH];
    cnn_format_number(value, number);
    return cnn_model_set_metadata(model, key, number, error);
}

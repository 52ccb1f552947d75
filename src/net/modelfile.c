/* The model file's common part: which tensors a file has and where, its checksum, and JSON text. */
#include "net/modelfile.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static cnn_status check_states(const cnn_network *network, const cnn_state_block *states, int state_count,
                               cnn_error *error)
{
    for (int i = 0; i < state_count; i++) {
        if (states[i].count != network->parameter_count) {
            return cnn_fail(error, CNN_MISMATCH,
                            "%zu values of the optimizer's %s for a network of %zu: the recipe is another",
                            states[i].count, states[i].prefix, network->parameter_count);
        }
        if (strlen(states[i].prefix) >= CNN_TENSOR_NAME - 1) {
            return cnn_fail(error, CNN_USAGE, "the optimizer state's name %s is too long", states[i].prefix);
        }
    }
    return CNN_OK;
}

/** The tensor of `slot` in the parameters, or in a state block with this prefix. */
static cnn_modelfile_tensor place_tensor(const cnn_network *network, int slot, const char *prefix, size_t begin)
{
    const cnn_slot *place = &network->slots[slot];
    cnn_modelfile_tensor result = {.tensor = cnn_network_tensor(network, slot),
                                   .offset = place->offset,
                                   .count = place->count,
                                   .begin = begin,
                                   .end = begin + place->count * sizeof(float)};
    char name[CNN_TENSOR_NAME];
    cnn_network_tensor_name(network, slot, name);
    snprintf(result.name, sizeof result.name, "%s%s%s", prefix, prefix[0] != '\0' ? "/" : "", name);
    return result;
}

cnn_status cnn_modelfile_plan(const cnn_network *network, const cnn_state_block *states, int state_count,
                              cnn_modelfile_tensor **list, int *count, cnn_error *error)
{
    const cnn_status status = check_states(network, states, state_count, error);
    if (status != CNN_OK) {
        return status;
    }
    const size_t blocks = (size_t)state_count + 1;
    if (network->parameter_count > SIZE_MAX / sizeof(float) / blocks ||
        (size_t)network->slot_count > INT_MAX / blocks) {
        return cnn_fail_memory(error);
    }
    cnn_modelfile_tensor *tensors = cnn_alloc((size_t)network->slot_count * blocks, sizeof *tensors);
    if (tensors == NULL) {
        return cnn_fail_memory(error);
    }
    int placed = 0;
    size_t end = 0;
    for (int state = -1; state < state_count; state++) {
        for (int slot = 0; slot < network->slot_count; slot++) {
            const bool trained = cnn_network_tensor(network, slot)->role != CNN_ROLE_STATE;
            if (state < 0 || states[state].whole || trained) {
                tensors[placed] = place_tensor(network, slot, state < 0 ? "" : states[state].prefix, end);
                tensors[placed].state = state;
                end = tensors[placed++].end;
            }
        }
    }
    *list = tensors;
    *count = placed;
    return CNN_OK;
}

size_t cnn_modelfile_data_size(const cnn_modelfile_tensor *list, int count)
{
    return count > 0 ? list[count - 1].end : 0;
}

const char *cnn_modelfile_kind(int state_count)
{
    return state_count > 0 ? "checkpoint" : "model";
}

void cnn_modelfile_crc(const unsigned char *bytes, size_t size, size_t digits, char out[CNN_MODELFILE_CRC_DIGITS + 1])
{
    const size_t rest = digits + CNN_MODELFILE_CRC_DIGITS;
    uLong crc = crc32_z(0, bytes, digits);
    crc = crc32_z(crc, (const unsigned char *)"00000000", CNN_MODELFILE_CRC_DIGITS);
    crc = crc32_z(crc, bytes + rest, size - rest);
    snprintf(out, CNN_MODELFILE_CRC_DIGITS + 1, "%08lx", crc & 0xffffffffUL);
}

size_t cnn_modelfile_values(const char *json, size_t size)
{
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        const char c = json[i];
        quoted = quoted != (c == '"');
        i += quoted && c == '\\';
        count += !quoted && (c == '{' || c == '[' || c == ',' || c == ':');
    }
    return count;
}

void cnn_modelfile_quote(cnn_text *text, const char *string)
{
    cnn_text_append(text, "\"");
    while (*string != '\0') {
        size_t plain = 0;
        while ((unsigned char)string[plain] >= 0x20 && string[plain] != '"' && string[plain] != '\\') {
            plain++;
        }
        cnn_text_append_span(text, string, plain);
        string += plain;
        if (*string == '\n') {
            cnn_text_append(text, "\\n");
        } else if (*string == '"' || *string == '\\') {
            cnn_text_appendf(text, "\\%c", *string);
        } else if (*string != '\0') {
            cnn_text_appendf(text, "\\u%04x", (unsigned)*string);
        }
        string += *string != '\0';
    }
    cnn_text_append(text, "\"");
}

void cnn_modelfile_strings(cnn_text *text, const char *const *strings, int count)
{
    cnn_text_append(text, "[");
    for (int i = 0; i < count; i++) {
        cnn_text_append(text, i > 0 ? "," : "");
        cnn_modelfile_quote(text, strings[i]);
    }
    cnn_text_append(text, "]");
}

void cnn_modelfile_numbers(cnn_text *text, const double *numbers, int count)
{
    cnn_text_append(text, "[");
    for (int i = 0; i < count; i++) {
        char number[CNN_NUMBER_LENGTH];
        cnn_format_number(numbers[i], number);
        cnn_text_appendf(text, "%s%s", i > 0 ? "," : "", number);
    }
    cnn_text_append(text, "]");
}

bool cnn_modelfile_parse_numbers(const char *text, int count, double *out)
{
    if (text == NULL || *text++ != '[') {
        return false;
    }
    for (int i = 0; i < count; i++) {
        const size_t length = strcspn(text, ",]");
        if (text[length] != (i + 1 < count ? ',' : ']') || !cnn_parse_number(text, length, &out[i])) {
            return false;
        }
        text += length + 1;
    }
    return *text == '\0';
}

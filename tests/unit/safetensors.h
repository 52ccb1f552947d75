/* A reader of safetensors files that shares nothing with the library: from the format's description
 * (https://github.com/huggingface/safetensors, "Format"), strict, for well-formed files only. It checks what any other
 * reader of that format relies on. */
#ifndef CNN_TESTS_SAFETENSORS_H
#define CNN_TESTS_SAFETENSORS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SAFETENSORS_MOST 64

typedef struct safetensor {
    char name[160];
    size_t shape[8];
    int rank;
    size_t begin, end;
} safetensor;

typedef struct safetensors {
    const unsigned char *data;
    size_t data_size;
    char keys[SAFETENSORS_MOST][64];
    char values[SAFETENSORS_MOST][1024];
    int metadata_count;
    safetensor tensors[SAFETENSORS_MOST];
    int count;
    const char *at; /* in the header */
} safetensors;

static inline bool safetensors_take(safetensors *s, const char *text)
{
    const size_t length = strlen(text);
    if (strncmp(s->at, text, length) != 0) {
        return false;
    }
    s->at += length;
    return true;
}

/** A JSON string of ASCII and plain UTF-8 with the escapes \n \" \\. */
static inline bool safetensors_string(safetensors *s, char *out, size_t size)
{
    size_t length = 0;
    if (*s->at++ != '"') {
        return false;
    }
    while (*s->at != '"' && *s->at != '\0' && length + 1 < size) {
        char c = *s->at++;
        if (c == '\\') {
            c = *s->at++;
            c = c == 'n' ? '\n' : c;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    return *s->at++ == '"';
}

static inline bool safetensors_number(safetensors *s, size_t *out)
{
    char *end;
    *out = (size_t)strtoull(s->at, &end, 10);
    const bool found = end > s->at;
    s->at = end;
    return found;
}

static inline bool safetensors_metadata(safetensors *s)
{
    do {
        const int i = s->metadata_count++;
        if (i == SAFETENSORS_MOST || !safetensors_string(s, s->keys[i], sizeof s->keys[i]) ||
            !safetensors_take(s, ":") || !safetensors_string(s, s->values[i], sizeof s->values[i])) {
            return false;
        }
    } while (safetensors_take(s, ","));
    return safetensors_take(s, "}");
}

/** {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}: as long as the shape says, behind the tensor before. */
static inline bool safetensors_tensor(safetensors *s)
{
    safetensor *tensor = &s->tensors[s->count];
    size_t bytes = sizeof(float);
    const size_t expected_begin = s->count > 0 ? s->tensors[s->count - 1].end : 0;
    if (!safetensors_take(s, "{\"dtype\":\"F32\",\"shape\":[")) {
        return false;
    }
    do {
        if (tensor->rank == 8 || !safetensors_number(s, &tensor->shape[tensor->rank])) {
            return false;
        }
        bytes *= tensor->shape[tensor->rank++];
    } while (safetensors_take(s, ","));
    s->count++;
    return safetensors_take(s, "],\"data_offsets\":[") && safetensors_number(s, &tensor->begin) &&
           safetensors_take(s, ",") && safetensors_number(s, &tensor->end) && safetensors_take(s, "]}") &&
           tensor->begin == expected_begin && tensor->end == tensor->begin + bytes;
}

/** Whether the file is one that every reader of the format accepts; fills *s. */
static inline bool safetensors_parse(const unsigned char *bytes, size_t size, safetensors *s)
{
    uint64_t told = 0;
    for (int i = 7; i >= 0; i--) {
        told = told << 8 | bytes[i];
    }
    if (told > size - 8) {
        return false;
    }
    const size_t length = (size_t)told;
    char *header = calloc(length + 1, 1);
    memcpy(header, bytes + 8, length);
    memset(s, 0, sizeof *s);
    s->at = header;
    s->data = bytes + 8 + length;
    s->data_size = size - 8 - length;
    bool fine = safetensors_take(s, "{\"__metadata__\":{") && safetensors_metadata(s);
    while (fine && s->count < SAFETENSORS_MOST && safetensors_take(s, ",")) {
        fine = safetensors_string(s, s->tensors[s->count].name, sizeof s->tensors[0].name) &&
               safetensors_take(s, ":") && safetensors_tensor(s);
    }
    fine = fine && safetensors_take(s, "}");
    fine = fine && strspn(s->at, " ") == strlen(s->at);
    free(header);
    return fine && s->count > 0 && s->tensors[s->count - 1].end == s->data_size;
}

static inline const char *safetensors_value(const safetensors *s, const char *key)
{
    for (int i = 0; i < s->metadata_count; i++) {
        if (strcmp(s->keys[i], key) == 0) {
            return s->values[i];
        }
    }
    return NULL;
}

/** Value `index` of a tensor, little-endian on any machine. */
static inline float safetensors_float(const safetensors *s, const safetensor *tensor, size_t index)
{
    const unsigned char *b = s->data + tensor->begin + 4 * index;
    const uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif

/* The model file: what its writer and its reader agree on.
 *
 * A safetensors file: 8 bytes little-endian header length, a JSON header padded with spaces, raw little-endian float32.
 * The header's __metadata__ holds the model's own entries and, made at writing, "kind" and "crc32": the CRC-32 of the
 * whole file with its own 8 digits taken as zeros. Tensors stand in the network's order, without holes. */
#ifndef CNN_NET_MODELFILE_H
#define CNN_NET_MODELFILE_H

#include "net/model.h"

#define CNN_MODELFILE_FORMAT "cnn 1"
/** The largest file that is written and read, and the largest header in it. */
#define CNN_MODELFILE_SIZE ((size_t)1 << 31)
#define CNN_MODELFILE_HEADER_SIZE ((size_t)1 << 24)
/** The most values in a header, as cnn_modelfile_values() counts them: JSON's parser takes up to 110 bytes for each, a
 * tensor has 14. */
#define CNN_MODELFILE_VALUES ((size_t)1 << 19)
/** The data begins at a multiple of this. */
#define CNN_MODELFILE_ALIGNMENT 64
#define CNN_MODELFILE_CRC_KEY "\"crc32\":\""
#define CNN_MODELFILE_CRC_DIGITS 8

/** Values converted at once between reals and the file's floats. */
#define CNN_MODELFILE_CHUNK 1024

/** One tensor of a file: its name, whose values it has, and where they lie among the data's bytes. */
typedef struct cnn_modelfile_tensor {
    char name[2 * CNN_TENSOR_NAME];
    const cnn_tensor *tensor;
    int state;            /* index of the state block, -1: the parameters */
    size_t offset, count; /* of the values within their block */
    size_t begin, end;    /* bytes */
} cnn_modelfile_tensor;

/** The planned network alone, without parameters, classes and metadata: what reading begins with. The recipe is taken
 * over, on failure too. */
cnn_model *cnn_model_plan(cnn_recipe *recipe, cnn_error *error);
/** Gives a planned model its parameters, all zero. */
cnn_status cnn_model_allocate(cnn_model *model, cnn_error *error);

/** All tensors of a file in their order, parameters first, then each state's, all or the trained ones; *list is the
 * caller's to cnn_free(). Fails with CNN_MISMATCH where a state block is not of the network's size. */
cnn_status cnn_modelfile_plan(const cnn_network *network, const cnn_state_block *states, int state_count,
                              cnn_modelfile_tensor **list, int *count, cnn_error *error);
/** The bytes of all data: the last tensor's end. */
size_t cnn_modelfile_data_size(const cnn_modelfile_tensor *list, int count);

/** "model", or "checkpoint" with state blocks. */
const char *cnn_modelfile_kind(int state_count);

/** The CRC-32 of a file whose digits begin at byte `digits`, as text. */
void cnn_modelfile_crc(const unsigned char *bytes, size_t size, size_t digits, char out[CNN_MODELFILE_CRC_DIGITS + 1]);

/** At least as many as the values in JSON text: the braces, brackets, commas and colons that begin or follow one. */
size_t cnn_modelfile_values(const char *json, size_t size);
/** Appends a JSON string with its quotes. */
void cnn_modelfile_quote(cnn_text *text, const char *string);
/** Appends a JSON array of `count` strings, of `count` numbers (which read back as they are). */
void cnn_modelfile_strings(cnn_text *text, const char *const *strings, int count);
void cnn_modelfile_numbers(cnn_text *text, const double *numbers, int count);
/** A list of `count` numbers, "[0.5,0.25]", into out; false where `text` is none, or NULL. Without JSON's parser, which
 * asks the locale for numbers. */
bool cnn_modelfile_parse_numbers(const char *text, int count, double *out);

#endif

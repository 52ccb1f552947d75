/* Model files. What loads is saved to a file of the same tensors, which loads and is saved to the same
 * bytes. */
#include "net/model.h"

#include "base/bytes.h"
#include "container.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***words);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    json_object_seed(1); /* the same order of work each time */
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return fuzz_container_mutate(data, size, most, seed);
}

/** The file's tensors, behind its header. */
static fuzz_input tensors(const uint8_t *bytes, size_t size)
{
    cnn_reader reader = {.bytes = bytes, .size = size};
    const size_t header = 8 + (size_t)cnn_read_u64_little(&reader);
    assert(header <= size);
    return (fuzz_input){bytes + header, size - header};
}

static void check_saved(const cnn_model *model, fuzz_input expected)
{
    cnn_error error = fuzz_no_error();
    unsigned char *first, *second;
    size_t first_size, second_size;
    assert(cnn_model_encode(model, NULL, 0, &first, &first_size, &error) == CNN_OK);
    const fuzz_input saved = tensors(first, first_size);
    assert(saved.size == expected.size && memcmp(saved.bytes, expected.bytes, saved.size) == 0);
    cnn_model *again = cnn_model_load_memory(first, first_size, &error);
    assert(again != NULL);
    assert(cnn_model_encode(again, NULL, 0, &second, &second_size, &error) == CNN_OK);
    assert(first_size == second_size && memcmp(first, second, first_size) == 0);
    cnn_model_free(again);
    cnn_free(first);
    cnn_free(second);
}

/** What a program does with a model before it classifies. */
static void check_described(const cnn_model *model)
{
    cnn_layer_info layer;
    int layers = 0;
    while (cnn_model_layer(model, layers, &layer)) {
        assert(strlen(layer.name) > 0 && strlen(layer.text) > 0);
        layers++;
    }
    assert(layers > 0 && cnn_model_class_count(model) >= 2);
    for (int i = 0; i < cnn_model_class_count(model); i++) {
        assert(strlen(cnn_model_class_name(model, i)) > 0);
    }
    assert(cnn_model_metadata(model, "recipe") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 17) + 2048 * size);
    cnn_model *model = cnn_model_load_memory(data, size, &error);
    if (model == NULL) {
        fuzz_check_error(&error);
    } else {
        check_described(model);
        check_saved(model, tensors(data, size));
    }
    cnn_model_free(model);
    fuzz_end();
    return 0;
}

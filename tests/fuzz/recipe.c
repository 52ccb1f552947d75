/* Recipes, as files and as assignments. An input is a file's content and, behind a byte 0xff (which no text has),
 * assignments as --set gives them, one a line. What parses prints canonically, and that parses back to the same; its
 * network is planned, without memory for its weights. */
#include "fuzz.h"
#include "net/network.h"

#include <stdlib.h>
#include <string.h>

/** More take time and show no more. */
enum { MOST_ASSIGNMENTS = 3 };

/** The recipe's text must be a fixed point: it parses, and to itself. */
static void check_text(const cnn_recipe *recipe)
{
    cnn_error error = fuzz_no_error();
    char *text = cnn_recipe_text(recipe, &error);
    assert(text != NULL);
    cnn_recipe *again = cnn_recipe_parse(text, "again", &error);
    assert(again != NULL);
    char *second = cnn_recipe_text(again, &error);
    assert(second != NULL && strcmp(text, second) == 0);
    cnn_free(second);
    cnn_recipe_free(again);
    cnn_free(text);
}

static void check_network(const cnn_recipe *recipe)
{
    cnn_error error = fuzz_no_error();
    cnn_network *network = cnn_network_new(recipe, &error);
    if (network == NULL) {
        fuzz_check_error(&error);
        return;
    }
    assert(network->class_count >= 2 && network->node_count > 0);
    cnn_network_free(network);
}

/** An assignment changes the recipe, or is refused and changes nothing. */
static void assign(cnn_recipe *recipe, const char *assignment)
{
    cnn_error error = fuzz_no_error();
    char *before = cnn_recipe_text(recipe, NULL);
    if (cnn_recipe_set(recipe, assignment, &error) != CNN_OK) {
        fuzz_check_error(&error);
        char *after = cnn_recipe_text(recipe, NULL);
        assert(strcmp(before, after) == 0);
        cnn_free(after);
    } else {
        check_text(recipe);
    }
    cnn_free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fuzz_file file;
    fuzz_input input = {data, size};
    const fuzz_input text = fuzz_take_until(&input, 0xff);
    if (file.descriptor == 0) {
        file = fuzz_file_new();
    }
    fuzz_file_fill(&file, text.bytes, text.size);
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 17) + 1024 * size);
    cnn_recipe *recipe = cnn_recipe_load(file.path, &error);
    if (recipe == NULL) {
        fuzz_check_error(&error);
    } else {
        check_text(recipe);
        check_network(recipe);
    }
    for (int i = 0; recipe != NULL && input.size > 0 && i < MOST_ASSIGNMENTS; i++) {
        char *assignment = fuzz_string(fuzz_take_until(&input, '\n'));
        assign(recipe, assignment);
        free(assignment);
    }
    cnn_recipe_free(recipe);
    fuzz_end();
    return 0;
}

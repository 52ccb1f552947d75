/* A network out of a recipe with places to fill. To be included by one file of a test. */
#ifndef CNN_TESTS_NETWORK_H
#define CNN_TESTS_NETWORK_H

#include "base/text.h"
#include "net/network.h"
#include "unit/unit.h"

#include <string.h>

/** The recipe's network with `put` at the places of "%s"; the test fails where there is none. */
static cnn_network *network_with(const char *text, const char *put, cnn_recipe **recipe)
{
    cnn_text whole = {0};
    for (const char *at = strstr(text, "%s"); at != NULL; at = strstr(text, "%s")) {
        cnn_text_append_span(&whole, text, (size_t)(at - text));
        cnn_text_append(&whole, put);
        text = at + 2;
    }
    cnn_text_append(&whole, text);
    cnn_error error = {0};
    *recipe = whole.failed ? NULL : cnn_recipe_parse(whole.data, "test.recipe", &error);
    cnn_network *network = *recipe != NULL ? cnn_network_new(*recipe, &error) : NULL;
    cnn_text_clear(&whole);
    if (network == NULL) {
        fail_msg("%s", error.message);
    }
    return network;
}

#endif

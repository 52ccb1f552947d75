/* JSON by jansson, which is not to be trusted where memory is out: it says so seldom, and where its buffer cannot grow
 * it leaves a byte out of a string without a word. What parsing twice agrees on is what the text says. */
#include "net/json.h"

#include <string.h>

/** Whether jansson gave up for want of memory. Its code seldom says so: it leaves no text, or takes the string that it
 * could not copy for a wrong token. No token that is wrong ends with a quote: of strings it complains otherwise. */
static bool lacked_memory(const char *text, const json_error_t *cause)
{
    const bool is_string = cause->position > 0 && text[cause->position - 1] == '"';
    return cause->text[0] == '\0' ||
           (is_string && (strncmp(cause->text, "invalid token", strlen("invalid token")) == 0 ||
                          strncmp(cause->text, "string or '}' expected", strlen("string or '}' expected")) == 0));
}

cnn_status cnn_json_parse(const char *text, size_t length, json_t **root, json_error_t *cause)
{
    json_t *first = json_loadb(text, length, JSON_REJECT_DUPLICATES, cause);
    json_t *second = first != NULL ? json_loadb(text, length, JSON_REJECT_DUPLICATES, cause) : NULL;
    const bool same = json_equal(first, second) != 0;
    json_decref(second);
    if (same) {
        *root = first;
        return CNN_OK;
    }
    const bool malformed = first == NULL && !lacked_memory(text, cause);
    json_decref(first);
    return malformed ? CNN_FORMAT : CNN_MEMORY;
}

/* A small model's file for the tests of the format. */
#ifndef CNN_TESTS_MODELFILE_H
#define CNN_TESTS_MODELFILE_H

#include "net/model.h"
#include "unit/forge.h"

static const char recipe_text[] = "input 3x3x1\nconv filters=2 kernel=3\nbatchnorm\nglobalavgpool\ndense units=2\n";

static inline cnn_model *make_model(const char *recipe_text_or_null)
{
    cnn_recipe *recipe =
        cnn_recipe_parse(recipe_text_or_null != NULL ? recipe_text_or_null : recipe_text, "test", NULL);
    assert_non_null(recipe);
    cnn_model *model = cnn_model_new(recipe, 5, NULL);
    assert_non_null(model);
    cnn_recipe_free(recipe);
    return model;
}

static inline file encode(const cnn_model *model)
{
    file result = {0};
    assert_int_equal(cnn_model_encode(model, NULL, 0, &result.bytes, &result.size, NULL), CNN_OK);
    return result;
}

static inline file make_file(void)
{
    cnn_model *model = make_model(NULL);
    const file result = encode(model);
    cnn_model_free(model);
    return result;
}

/** Decodes a copy that ends where its memory ends, so that sanitizers see reads beyond it. */
static inline cnn_model *decode(const unsigned char *bytes, size_t size, cnn_error *error)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, bytes, size);
    error->message[0] = '\0';
    cnn_model *model = cnn_model_decode(copy, size, "some.model", NULL, 0, error);
    free(copy);
    return model;
}

/** It is refused, with one line that begins with the file's name and holds `reason`. */
static inline void assert_refused(const unsigned char *bytes, size_t size, const char *reason)
{
    cnn_error error;
    cnn_model *model = decode(bytes, size, &error);
    if (model != NULL || strstr(error.message, reason) == NULL) {
        fail_msg("expected '%s', found %s '%s'", reason, model != NULL ? "a model" : "the message", error.message);
    }
    assert_int_equal(error.status, CNN_FORMAT);
    assert_int_equal(strncmp(error.message, "some.model: ", 12), 0);
    assert_null(strchr(error.message, '\n'));
}

#endif

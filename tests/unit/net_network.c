/* What layers must make together to be a network: the place and words of every refusal. */
#include "net/network.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define INPUT "input 8x8x3\n"

static void assert_refused(const char *text, const char *message)
{
    cnn_error error = {.message = ""};
    cnn_recipe *recipe = cnn_recipe_parse(text, "r", &error);
    assert_string_equal(error.message, "");
    assert_null(cnn_network_new(recipe, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.status, CNN_USAGE);
    cnn_recipe_free(recipe);
}

static void a_network_ends_in_its_classes(void **state)
{
    (void)state;
    static const char whole[] = ": end it with a dense layer of one unit a class";
    char message[200];
    const struct {
        const char *text, *end;
    } cases[] = {
        {INPUT "conv filters=4 kernel=8x7\n", "r:2:1: conv: the network ends in 1x2x4"},
        {INPUT "conv filters=4 kernel=7x8\nrelu\n", "r:3:1: relu: the network ends in 2x1x4"},
        {INPUT "relu\ndense units=1\ntrain\n", "r:3:1: dense: the network ends in 1x1x1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(message, sizeof message, "%s%s", cases[i].end, whole);
        assert_refused(cases[i].text, message);
    }
    assert_refused(INPUT "train\n", "r: the recipe has no layer");
}

static void a_residual_keeps_its_shape(void **state)
{
    (void)state;
    static const char end[] = "globalavgpool\ndense units=2\n";
    const struct {
        const char *residual, *message;
    } cases[] = {
        {"residual {\n}\n", "r:2:1: residual: the body is empty"},
        {"residual {\nconv filters=4 padding=same\n}\n",
         "r:2:1: residual: the body turns 8x8x3 into 8x8x4: add projection=conv, or keep the shape"},
        {"residual {\nconv filters=3 kernel=3x1\n}\n",
         "r:2:1: residual: the body turns 8x8x3 into 6x8x3: add projection=conv, or keep the shape"},
        {"residual {\nconv filters=3 kernel=1x3\n}\n",
         "r:2:1: residual: the body turns 8x8x3 into 8x6x3: add projection=conv, or keep the shape"},
        {"relu\nresidual projection=conv {\nconv filters=3 kernel=1x3\n}\n",
         "r:3:1: residual: no stride projects 8x8 to the body's 8x6"},
        {"relu\nresidual projection=conv {\nconv filters=3 kernel=3x1\n}\n",
         "r:3:1: residual: no stride projects 8x8 to the body's 6x8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300];
        snprintf(text, sizeof text, INPUT "%s%s", cases[i].residual, end);
        assert_refused(text, cases[i].message);
    }
}

/** A recipe that is added to line by line is whole only when its user says so: by making a model. */
static void an_unfinished_recipe_is_no_network(void **state)
{
    (void)state;
    static const char *const lines[] = {"input 8x8x3", "residual {", "relu"};
    cnn_error error = {.message = ""};
    cnn_recipe *recipe = cnn_recipe_new(NULL);
    assert_null(cnn_network_new(recipe, &error));
    assert_non_null(strstr(error.message, "the recipe has no input statement: begin it with one"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(cnn_recipe_add(recipe, lines[i], NULL), CNN_OK);
    }
    assert_null(cnn_network_new(recipe, &error));
    assert_non_null(strstr(error.message, "a residual is not closed: '}' is missing"));
    assert_int_equal(error.status, CNN_USAGE);
    cnn_recipe_free(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_ends_in_its_classes),
        cmocka_unit_test(a_residual_keeps_its_shape),
        cmocka_unit_test(an_unfinished_recipe_is_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

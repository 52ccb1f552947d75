/* Changing a recipe where memory runs out at any place: the change is made whole, or reported and not made at all. */
#include "base/memory.h"
#include "cnn.h"
#include "unit/unit.h"

static const char *const text =
    "input 8x8x1\nconv filters=4\nrelu\nresidual {\n  conv filters=4 padding=same\n  relu\n}\n"
    "dense units=2\ntrain epochs=3\n";

static void assert_text(const cnn_recipe *recipe, const char *expected)
{
    char *found = cnn_recipe_text(recipe, NULL);
    assert_string_equal(found, expected);
    cnn_free(found);
}

/** The assignment, with one allocation after the other failing, until none is left to fail. */
static void check(const char *assignment, const char *expected, long least)
{
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", NULL);
    cnn_status status = CNN_MEMORY;
    long failures = -1;
    while (status != CNN_OK) {
        cnn_error error = {.status = CNN_OK};
        assert_text(recipe, text);
        cnn_alloc_fail_after(++failures, false);
        status = cnn_recipe_set(recipe, assignment, &error);
        cnn_alloc_fail_after(-1, false);
        assert_int_equal(error.status, status);
        assert_true(status == CNN_OK || status == CNN_MEMORY);
    }
    assert_true(failures >= least);
    assert_text(recipe, expected);
    cnn_recipe_free(recipe);
}

static void changes_are_made_whole_or_not_at_all(void **state)
{
    (void)state;
    check("relu=leakyrelu slope=0.2",
          "input 8x8x1\nconv filters=4\nleakyrelu slope=0.2\nresidual {\n  conv filters=4 padding=same\n"
          "  leakyrelu slope=0.2\n}\ndense units=2\ntrain epochs=3\n",
          20);
    check("conv2.frozen=on",
          "input 8x8x1\nconv filters=4\nrelu\nresidual {\n  conv filters=4 padding=same frozen=on\n  relu\n}\n"
          "dense units=2\ntrain epochs=3\n",
          2);
    check("augment.shift=2",
          "input 8x8x1\nconv filters=4\nrelu\nresidual {\n  conv filters=4 padding=same\n  relu\n}\n"
          "dense units=2\ntrain epochs=3\naugment shift=2\n",
          3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes_are_made_whole_or_not_at_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which recipes change the training images. */
#include "net/recipe.h"
#include "unit/unit.h"

#include <stdio.h>

static bool augments(const char *statement)
{
    char text[128];
    snprintf(text, sizeof text, "input 28x28x1\n%s\n", statement);
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", NULL);
    assert_non_null(recipe);
    const bool result = cnn_recipe_augments(recipe);
    cnn_recipe_free(recipe);
    return result;
}

static void every_change_counts_alone(void **state)
{
    (void)state;
    const char *const words[] = {"shift=1",     "flip=on",  "flip=alternate", "rotate=1",     "scale=0.1",  "shear=1",
                                 "elastic=0.5", "cutout=1", "erase=0.1",      "brightness=1", "contrast=1", "mixup=1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char statement[64];
        snprintf(statement, sizeof statement, "augment %s", words[i]);
        assert_true(augments(statement));
    }
}

static void what_only_says_how_does_not(void **state)
{
    (void)state;
    assert_false(augments(""));
    assert_false(augments("augment"));
    assert_false(augments("augment fill=reflect elastic-sigma=2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_counts_alone),
        cmocka_unit_test(what_only_says_how_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The choice of a level: the best that the processor has, or the one that is asked for, or a message. */
#include "base/isa.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { BEST = CNN_ISA_COUNT - 1, UNTOUCHED = 99 };

/** cnn_isa_find() on a processor that has the levels up to `most`. */
static cnn_status find(const char *wanted, int most, int *found, cnn_error *error)
{
    bool available[CNN_ISA_COUNT];
    cnn_isa isa = (cnn_isa)UNTOUCHED;
    for (int i = 0; i < CNN_ISA_COUNT; i++) {
        available[i] = i <= most;
    }
    const cnn_status status = cnn_isa_find(wanted, available, &isa, error);
    *found = (int)isa;
    return status;
}

static void best_unless_named(void **state)
{
    (void)state;
    int found;
    for (int most = 0; most < CNN_ISA_COUNT; most++) {
        assert_int_equal(find(NULL, most, &found, NULL), CNN_OK);
        assert_int_equal(found, most);
        assert_int_equal(find("", most, &found, NULL), CNN_OK);
        assert_int_equal(found, most);
        for (int i = 0; i <= most; i++) {
            assert_int_equal(find(cnn_isa_name((cnn_isa)i), most, &found, NULL), CNN_OK);
            assert_int_equal(found, i);
        }
    }
}

static void names_that_are_none(void **state)
{
    (void)state;
    char long_name[3000];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const char *const wrong[] = {"v3", "x86-64", "Baseline", "baseline ", "x86-64-v5", long_name};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int found;
        cnn_error error;
        assert_int_equal(find(wrong[i], BEST, &found, &error), CNN_PLATFORM);
        assert_int_equal(found, UNTOUCHED);
        assert_int_equal(error.status, CNN_PLATFORM);
        assert_non_null(strstr(error.message, "CNN_ISA="));
        assert_non_null(strstr(error.message, "unset it, or use one of baseline"));
        assert_non_null(strstr(error.message, cnn_isa_name((cnn_isa)BEST)));
    }
}

static void levels_that_the_processor_lacks(void **state)
{
    (void)state;
    for (int most = 0; most < BEST; most++) {
        int found;
        cnn_error error;
        assert_int_equal(find(cnn_isa_name((cnn_isa)BEST), most, &found, &error), CNN_PLATFORM);
        assert_int_equal(found, UNTOUCHED);
        assert_non_null(strstr(error.message, cnn_isa_name((cnn_isa)BEST)));
        assert_non_null(strstr(error.message, cnn_isa_name((cnn_isa)most)));
        assert_non_null(strstr(error.message, "this processor lacks"));
    }
}

static void environment(void **state)
{
    (void)state;
    cnn_isa isa;
    assert_true(cnn_isa_is_available(CNN_ISA_baseline));
    assert_int_equal(setenv("CNN_ISA", "baseline", 1), 0);
    assert_int_equal(cnn_isa_choose(&isa, NULL), CNN_OK);
    assert_int_equal(isa, CNN_ISA_baseline);
    assert_int_equal(setenv("CNN_ISA", "fastest", 1), 0);
    assert_int_equal(cnn_isa_choose(&isa, NULL), CNN_PLATFORM);
    assert_int_equal(unsetenv("CNN_ISA"), 0);
    assert_int_equal(cnn_isa_choose(&isa, NULL), CNN_OK);
    assert_true(cnn_isa_is_available(isa));
    for (int i = (int)isa + 1; i < CNN_ISA_COUNT; i++) {
        assert_false(cnn_isa_is_available((cnn_isa)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_unless_named),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(levels_that_the_processor_lacks),
        cmocka_unit_test(environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Growing text, and numbers to and from text in any locale. */
#include "base/memory.h"
#include "base/text.h"
#include "unit/unit.h"

#include <float.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_grows(void **state)
{
    (void)state;
    cnn_text text = {0};
    for (int i = 0; i < 1000; i++) {
        cnn_text_appendf(&text, "%d,", i);
    }
    cnn_text_append(&text, "end");
    cnn_text_append_span(&text, "!?", 1);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 4);
    char *taken = cnn_text_take(&text, NULL);
    assert_memory_equal(taken, "0,1,2,", 6);
    assert_string_equal(taken + strlen(taken) - 8, "999,end!");
    assert_null(text.data);
    cnn_free(taken);
    taken = cnn_text_take(&text, NULL);
    assert_string_equal(taken, "");
    cnn_free(taken);
}

static void text_survives_lack_of_memory(void **state)
{
    (void)state;
    cnn_error error;
    cnn_text text = {0};
    cnn_text_append(&text, "kept");
    cnn_alloc_fail_after(0, false);
    cnn_text_appendf(&text, "%100d", 1);
    cnn_text_append(&text, "ignored");
    assert_true(text.failed);
    assert_null(cnn_text_take(&text, &error));
    assert_int_equal(error.status, CNN_MEMORY);
    assert_null(text.data);
}

static bool integer(const char *text, int64_t *value)
{
    return cnn_parse_integer(text, strlen(text), value);
}

static void parses_integers(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_true(integer("9223372036854775807", &value) && value == INT64_MAX);
    assert_true(integer("-9223372036854775808", &value) && value == INT64_MIN);
    assert_true(integer("+007", &value) && value == 7);
    assert_true(integer("-0", &value) && value == 0);
    const char *wrong[] = {"",   "-", "+", " 1", "1 ", "1.0", "0x10", "9223372036854775808", "-9223372036854775809",
                           "1e3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(integer(wrong[i], &value));
    }
    assert_true(cnn_parse_integer("12345", 3, &value) && value == 123);
}

static bool number(const char *text, double *value)
{
    return cnn_parse_number(text, strlen(text), value);
}

static void parses_numbers(void **state)
{
    (void)state;
    double value = 0;
    assert_true(number("5e-4", &value) && value == 5e-4);
    assert_true(number("-.5", &value) && value == -0.5);
    assert_true(number("5.", &value) && value == 5);
    assert_true(number("+1E+2", &value) && value == 100);
    assert_true(number("1e-999", &value) && value == 0);
    const char *wrong[] = {"",    ".",   "-",     "e5",  "1e",    "1e+",   " 1", "1 ",
                           "inf", "nan", "0x1p3", "1,5", "1.2.3", "1e999", "1f", "--1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(number(wrong[i], &value));
    }
    assert_true(cnn_parse_number("1.25x", 3, &value) && value == 1.2);
}

static void formats_shortest(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {5e-4, "0.0005"},
                 {100, "100"},
                 {1e20, "1e+20"},
                 {-3, "-3"},
                 {1.0 / 3, "0.3333333333333333"},
                 {65536, "65536"},
                 {1e-8, "1e-08"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {5e-324, "5e-324"},
                 {123456.75, "123456.75"},
                 {0, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CNN_NUMBER_LENGTH];
        double back;
        cnn_format_number(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
        assert_true(number(out, &back) && back == cases[i].value);
    }
}

/** Sets a locale with a decimal comma, which is made first where the machine has none but can make it (localedef and
 * the package `locales`). */
static bool set_comma_locale(void)
{
    const char *names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL) {
            return true;
        }
    }
    char folder[] = "/tmp/cnn-locale-XXXXXX";
    char command[200];
    if (mkdtemp(folder) == NULL || setenv("LOCPATH", folder, 1) != 0) {
        return false;
    }
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", folder, folder);
    const bool made = system(command) == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 && made;
}

static void ignores_the_locale(void **state)
{
    (void)state;
    if (!set_comma_locale()) {
        skip();
    }
    cnn_text text = {0};
    cnn_error error;
    double value = 0;
    assert_true(strtod("1.5", NULL) == 1);
    assert_true(number("1.5", &value) && value == 1.5);
    cnn_text_appendf(&text, "%.2f", 2.25);
    cnn_fail(&error, CNN_IO, "%.1f: %s", 1.5, cnn_errno_text(2));
    assert_string_equal(text.data, "2.25");
    assert_string_equal(error.message, "1.5: No such file or directory");
    assert_true(strtod("1.5", NULL) == 1);
    cnn_text_clear(&text);
    setlocale(LC_ALL, "C");
}

static void measures_characters(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t length;
    } cases[] = {{"a", 1},
                 {"\xc3\xa9", 2},
                 {"\xe2\x82\xac", 3},
                 {"\xf0\x9f\x98\x80", 4},
                 {"", 0},
                 {"\x80", 0},
                 {"\xc0\x80", 0},
                 {"\xc3", 0},
                 {"\xe0\x80\x80", 0},
                 {"\xed\xa0\x80", 0},
                 {"\xf4\x90\x80\x80", 0},
                 {"\xf0\x80\x80\x80", 0},
                 {"\xf5\x80\x80\x80", 0},
                 {"\xe2\x82", 0},
                 {"\xe2(\xa1", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cnn_utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
    }
}

static void finds_the_nearer_word(void **state)
{
    (void)state;
    assert_true(cnn_is_nearer("maxpol", 6, "maxpool", NULL));
    assert_false(cnn_is_nearer("maxpol", 6, "avgpool", NULL));
    assert_true(cnn_is_nearer("maxpol", 6, "maxpool", "maxpal1"));
    assert_false(cnn_is_nearer("maxpol", 6, "maxpal1", "maxpool"));
    assert_false(cnn_is_nearer("x", 1, "lr", NULL));
    assert_false(cnn_is_nearer("0123456789012345678901234567890123456789", 40, "conv", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),          cmocka_unit_test(text_survives_lack_of_memory),
        cmocka_unit_test(parses_integers),     cmocka_unit_test(parses_numbers),
        cmocka_unit_test(formats_shortest),    cmocka_unit_test(ignores_the_locale),
        cmocka_unit_test(measures_characters), cmocka_unit_test(finds_the_nearer_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

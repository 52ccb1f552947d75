/* Errors stay one line of valid text whatever they quote. */
#include "base/status.h"
#include "base/text.h"
#include "unit/unit.h"

#include <string.h>

static void fills_and_returns(void **state)
{
    (void)state;
    cnn_error error;
    assert_int_equal(cnn_fail(&error, CNN_IO, "cannot read '%s'", "a"), CNN_IO);
    assert_int_equal(error.status, CNN_IO);
    assert_string_equal(error.message, "cannot read 'a'");
    assert_int_equal(cnn_fail(NULL, CNN_FORMAT, "%d", 1), CNN_FORMAT);
    assert_int_equal(cnn_fail_memory(&error), CNN_MEMORY);
    assert_string_equal(error.message, "out of memory");
}

static void may_quote_itself(void **state)
{
    (void)state;
    cnn_error error;
    cnn_fail(&error, CNN_USAGE, "inner");
    cnn_fail(&error, CNN_USAGE, "outer: %s", error.message);
    assert_string_equal(error.message, "outer: inner");
}

static void replaces_what_breaks_a_line(void **state)
{
    (void)state;
    cnn_error error;
    cnn_fail(&error, CNN_IO, "%s", "a\nb\x1b[31m\x7f \xc2\x9b \xff\xe2\x82 \xc3\xa9\xe2\x82\xac");
    assert_string_equal(error.message, "a?b?[31m? ? ??? \xc3\xa9\xe2\x82\xac");
}

/** Of a long line the middle is left out, in whole characters. */
static void keeps_both_ends(void **state)
{
    (void)state;
    cnn_error error;
    static char path[4096];
    for (size_t i = 0; i + 2 < sizeof path; i += 2) {
        memcpy(path + i, "\xc3\xa9", 2);
    }
    for (size_t shift = 0; shift < 4; shift++) {
        cnn_fail(&error, CNN_IO, "cannot open '%s%s': no such file", &"xyz"[shift], path);
        const size_t length = strlen(error.message);
        assert_true(length < sizeof error.message && length >= sizeof error.message - 4);
        assert_memory_equal(error.message, "cannot open '", 13);
        assert_string_equal(error.message + length - 15, "': no such file");
        assert_non_null(strstr(error.message, "\xc3\xa9...\xc3\xa9"));
        for (size_t at = 0; at < length;) {
            const size_t step = cnn_utf8_length(error.message + at, length - at);
            assert_true(step > 0);
            at += step;
        }
    }
}

/** What just fits stays whole. */
static void cuts_nothing_that_fits(void **state)
{
    (void)state;
    cnn_error error;
    char longest[sizeof error.message];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cnn_fail(&error, CNN_IO, "%s", longest);
    assert_string_equal(error.message, longest);
    cnn_fail(&error, CNN_IO, "%sy", longest);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_non_null(strstr(error.message, "x...x"));
    assert_int_equal(error.message[sizeof error.message - 2], 'y');
}

static void names_every_status(void **state)
{
    (void)state;
    assert_string_equal(cnn_status_text(CNN_OK), "success");
    assert_string_equal(cnn_status_text(CNN_PLATFORM), "the machine, its BLAS library or CNN_ISA is unsuitable");
    assert_string_equal(cnn_status_text((cnn_status)99), "unknown status");
    assert_string_equal(cnn_version(), "0.1.0");
    assert_true(cnn_processor_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_and_returns),           cmocka_unit_test(may_quote_itself),
        cmocka_unit_test(replaces_what_breaks_a_line), cmocka_unit_test(keeps_both_ends),
        cmocka_unit_test(cuts_nothing_that_fits),      cmocka_unit_test(names_every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

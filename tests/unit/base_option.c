/* Option tables: parsing, ranges, defaults, canonical text and help, over a table with one option of each type. */
#include "base/memory.h"
#include "base/option.h"
#include "unit/unit.h"

#include <string.h>

typedef struct sample {
    cnn_shape shape;
    int filters, kernel[2], padding, bias;
    double lr, warmup;
} sample;

#define AT(field) offsetof(sample, field)
static const cnn_option table[] = {
    {"filters", CNN_OPTION_INTEGER, AT(filters), 1, 100, NULL, NULL, "output channels", false},
    {"kernel", CNN_OPTION_PAIR, AT(kernel), 0, 9, "3", NULL, "window", false},
    {"padding", CNN_OPTION_INTEGER, AT(padding), 0, 9, "valid", ((const char *const[]){"same", "valid", NULL}),
     "border", false},
    {"bias", CNN_OPTION_CHOICE, AT(bias), 0, 0, "on", CNN_OPTION_OFF_ON, "offset", false},
    {"lr", CNN_OPTION_NUMBER, AT(lr), -1, 10, "0.05", NULL, "rate", false},
    {"warmup", CNN_OPTION_NUMBER, AT(warmup), 0, 5, "auto", ((const char *const[]){"auto", NULL}), "rise", false},
    {"shape", CNN_OPTION_SHAPE, AT(shape), 1, 4096, NULL, NULL, "size", true},
    {0}};

static void defaults(void **state)
{
    (void)state;
    sample s;
    memset(&s, 0xff, sizeof s);
    cnn_options_default(table, &s);
    assert_true(s.filters == 0 && s.shape.height == 0 && s.shape.channels == 0);
    assert_true(s.kernel[0] == 3 && s.kernel[1] == 3 && s.padding == CNN_OPTION_WORD(1) && s.bias == 1);
    assert_true(s.lr == 0.05 && s.warmup == CNN_OPTION_WORD(0));
}

static void sets_fields(void **state)
{
    (void)state;
    sample s;
    cnn_options_default(table, &s);
    assert_int_equal(cnn_options_set(table, &s, "filters", "100", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, "kernel", "0x5", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, "padding", "same", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, "bias", "off", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, "lr", "-0", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, "warmup", "2.5", NULL), CNN_OK);
    assert_int_equal(cnn_options_set(table, &s, NULL, "28x32x1", NULL), CNN_OK);
    assert_true(s.filters == 100 && s.kernel[0] == 0 && s.kernel[1] == 5 && s.padding == CNN_OPTION_WORD(0));
    assert_true(s.bias == 0 && s.warmup == 2.5);
    assert_true(s.shape.height == 28 && s.shape.width == 32 && s.shape.channels == 1);
    cnn_text text = {0};
    cnn_options_print(table, &s, &text);
    assert_string_equal(text.data, " 28x32x1 filters=100 kernel=0x5 padding=same bias=off lr=0 warmup=2.5");
    cnn_text_clear(&text);
    cnn_options_set(table, &s, "kernel", "3x3", NULL);
    cnn_options_set(table, &s, "padding", "valid", NULL);
    cnn_options_set(table, &s, "bias", "on", NULL);
    cnn_options_set(table, &s, "lr", "5e-2", NULL);
    cnn_options_set(table, &s, "warmup", "auto", NULL);
    cnn_options_print(table, &s, &text);
    assert_string_equal(text.data, " 28x32x1 filters=100");
    cnn_text_clear(&text);
}

static void refuses(void **state)
{
    (void)state;
    const struct {
        const char *name, *value, *message;
    } cases[] = {
        {"filters", "0", "filters=0: must be a whole number, 1 to 100"},
        {"filters", "101", "filters=101: must be a whole number, 1 to 100"},
        {"filters", "4294967297", "filters=4294967297: must be a whole number, 1 to 100"},
        {"filters", "2.0", "filters=2.0: must be a whole number, 1 to 100"},
        {"filters", "", "filters=: must be a whole number, 1 to 100"},
        {"kernel", "3x", "kernel=3x: must be SIZE or HEIGHTxWIDTH, each 0 to 9"},
        {"kernel", "x3", "kernel=x3: must be SIZE or HEIGHTxWIDTH, each 0 to 9"},
        {"kernel", "3x3x3", "kernel=3x3x3: must be SIZE or HEIGHTxWIDTH, each 0 to 9"},
        {"kernel", "10", "kernel=10: must be SIZE or HEIGHTxWIDTH, each 0 to 9"},
        {"kernel", "", "kernel=: must be SIZE or HEIGHTxWIDTH, each 0 to 9"},
        {"padding", "SAME", "padding=SAME: must be same or valid or a whole number, 0 to 9"},
        {"padding", "-1000000", "padding=-1000000: must be same or valid or a whole number, 0 to 9"},
        {"bias", "1", "bias=1: must be off or on"},
        {"lr", "nan", "lr=nan: must be a number, -1 to 10"},
        {"lr", "10.01", "lr=10.01: must be a number, -1 to 10"},
        {NULL, "28x28", "shape=28x28: must be HEIGHTxWIDTHxCHANNELS, each 1 to 4096"},
        {NULL, "28x28x0", "shape=28x28x0: must be HEIGHTxWIDTHxCHANNELS, each 1 to 4096"},
        {"kernal", "3", "unknown option 'kernal'; did you mean 'kernel'?"},
        {"zzz", "3", "unknown option 'zzz'; known are: filters, kernel, padding, bias, lr, warmup"},
    };
    sample s;
    sample before;
    cnn_options_default(table, &s);
    before = s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_error error;
        assert_int_equal(cnn_options_set(table, &s, cases[i].name, cases[i].value, &error), CNN_USAGE);
        assert_string_equal(error.message, cases[i].message);
        assert_memory_equal(&s, &before, sizeof s);
    }
}

static void refuses_all_of_an_empty_table(void **state)
{
    (void)state;
    const cnn_option none[] = {{0}};
    cnn_error error;
    assert_int_equal(cnn_options_set(none, NULL, "size", "2", &error), CNN_USAGE);
    assert_string_equal(error.message, "unknown option 'size'; there are none");
    assert_int_equal(cnn_options_set(none, NULL, NULL, "2", &error), CNN_USAGE);
    assert_string_equal(error.message, "'2' is not of the form option=value");
}

static void helps(void **state)
{
    (void)state;
    cnn_text text = {0};
    cnn_options_help(table, &text);
    const char *parts[] = {"filters=1..100 ",  "required",     "kernel=0..9 or HxW ", "padding=same|valid|0..9 ",
                           "default valid",    "bias=off|on ", "lr=-1..10 ",          "HxWxC, each 1..4096 ",
                           "output channels\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_non_null(strstr(text.data, parts[i]));
    }
    cnn_text_clear(&text);
}

static void reports_lack_of_memory(void **state)
{
    (void)state;
    sample s;
    cnn_error error;
    cnn_options_default(table, &s);
    cnn_alloc_fail_after(0, true);
    assert_int_equal(cnn_options_set(table, &s, "filters", "0", &error), CNN_MEMORY);
    assert_int_equal(cnn_options_set(table, &s, "zzz", "0", &error), CNN_MEMORY);
    cnn_alloc_fail_after(-1, false);
    for (long after = 0; after < 20; after++) {
        cnn_text text = {0};
        cnn_alloc_fail_after(after, false);
        cnn_options_help(table, &text);
        cnn_alloc_fail_after(-1, false);
        assert_true(text.failed || strstr(text.data, "rise") != NULL);
        cnn_text_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(sets_fields),
        cmocka_unit_test(refuses),  cmocka_unit_test(refuses_all_of_an_empty_table),
        cmocka_unit_test(helps),    cmocka_unit_test(reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

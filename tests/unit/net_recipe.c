/* Recipes: text to statements and back, the place and words of every error, changes of single options. */
#include "base/memory.h"
#include "net/recipe.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char residual_text[] = "input 32x32x3 scale=unit\n"
                                    "conv filters=16\n"
                                    "residual projection=conv {\n"
                                    "  conv filters=32 stride=2 padding=same bias=off\n"
                                    "  residual {\n"
                                    "    relu\n"
                                    "  }\n"
                                    "}\n"
                                    "globalavgpool\n"
                                    "dense units=10\n"
                                    "train epochs=3 lr=0.1 schedule=step step-every=2 val=0.1\n"
                                    "augment shift=4 fill=reflect flip=on\n";

static cnn_recipe *parse(const char *text)
{
    cnn_error error = {.message = ""};
    cnn_recipe *recipe = cnn_recipe_parse(text, "test.recipe", &error);
    assert_string_equal(error.message, "");
    assert_non_null(recipe);
    return recipe;
}

static void assert_text(const cnn_recipe *recipe, const char *expected)
{
    char *text = cnn_recipe_text(recipe, NULL);
    assert_string_equal(text, expected);
    cnn_free(text);
}

static void prints_canonically(void **state)
{
    (void)state;
    cnn_recipe *recipe = parse("# a comment\r\n"
                               "\tinput   scale=standardize 28x28x1# another\n"
                               "\n"
                               "maxpool size=2x2   \n"
                               "  dense bias=on units=010\r\n"
                               "train weight-decay=5e-4 lr=0.050 epochs=10");
    assert_text(recipe, "input 28x28x1\nmaxpool\ndense units=10\ntrain weight-decay=0.0005\n");
    cnn_recipe_free(recipe);
}

static void text_reads_back(void **state)
{
    (void)state;
    cnn_recipe *recipe = parse(residual_text);
    assert_text(recipe, residual_text);
    cnn_recipe *copy = cnn_recipe_copy(recipe, NULL);
    cnn_recipe_free(recipe);
    assert_text(copy, residual_text);
    assert_int_equal(cnn_recipe_add(copy, "relu", NULL), CNN_OK);
    assert_string_equal(copy->statements[copy->count - 1].name, "relu2");
    cnn_recipe_free(copy);
}

static void names_and_places_statements(void **state)
{
    (void)state;
    cnn_recipe *recipe = parse(residual_text);
    const char *names[] = {"input", "conv1", "residual1",      "conv2",  "residual2", "relu1",
                           "}",     "}",     "globalavgpool1", "dense1", "train",     "augment"};
    assert_int_equal(recipe->count, sizeof names / sizeof *names);
    for (int i = 0; i < recipe->count; i++) {
        assert_string_equal(recipe->statements[i].name, names[i]);
        assert_int_equal(recipe->statements[i].line, i + 1);
    }
    assert_int_equal(recipe->statements[5].column, 5);
    assert_int_equal(recipe->depth, 0);
    cnn_recipe_free(recipe);
}

static void gives_options(void **state)
{
    (void)state;
    cnn_train_options train;
    cnn_augment_options augment;
    cnn_recipe *recipe = parse(residual_text);
    cnn_recipe_train_options(recipe, &train);
    assert_true(train.epochs == 3 && train.batch == 64 && train.lr == 0.1 && train.schedule == CNN_SCHEDULE_STEP);
    assert_true(train.val == 0.1 && train.momentum == 0.9 && !train.nesterov);
    cnn_recipe_augment_options(recipe, &augment);
    assert_true(augment.shift == 4 && augment.fill == CNN_FILL_REFLECT && augment.flip && augment.rotate == 0);
    assert_true(cnn_recipe_augments(recipe));
    assert_true(cnn_recipe_input(recipe).height == 32 && cnn_recipe_input(recipe).channels == 3);
    cnn_recipe_free(recipe);
    recipe = parse("input 28x28x1\naugment fill=reflect\n");
    cnn_recipe_train_options(recipe, &train);
    assert_true(train.epochs == 10 && train.lr == 0.05 && train.optimizer == CNN_OPTIMIZER_SGD);
    assert_false(cnn_recipe_augments(recipe));
    assert_true(train.clip == 0 && train.lookahead == 0 && train.lookahead_share == 0.5);
    assert_true(train.bias_lr == 1 && train.average == 0);
    cnn_recipe_free(recipe);
    recipe = parse("input 28x28x1\ntrain optimizer=muon nesterov=on lookahead=5 clip=0\naugment mixup=0.4\n");
    assert_true(cnn_recipe_augments(recipe));
    assert_text(recipe, "input 28x28x1\ntrain optimizer=muon nesterov=on lookahead=5\naugment mixup=0.4\n");
    cnn_recipe_free(recipe);
    recipe = parse("input fit=digit 28x28x1\n");
    assert_true(cnn_recipe_fit(recipe) == CNN_FIT_DIGIT);
    assert_text(recipe, "input 28x28x1 fit=digit\n");
    cnn_recipe_free(recipe);
    recipe = cnn_recipe_new(NULL);
    assert_true(cnn_recipe_fit(recipe) == CNN_FIT_CROP);
    assert_true(cnn_recipe_input(recipe).height == 0 && cnn_recipe_input(recipe).channels == 0);
    assert_text(recipe, "");
    cnn_recipe_free(recipe);
}

static void assert_fails(const char *text, const char *message)
{
    cnn_error error = {.message = ""};
    assert_null(cnn_recipe_parse(text, "r", &error));
    assert_int_equal(error.status, CNN_USAGE);
    assert_string_equal(error.message, message);
}

#define INPUT "input 28x28x1\n"

static void places_errors_of_options(void **state)
{
    (void)state;
    assert_fails(INPUT "conv filters=20 kernel=0\n",
                 "r:2:17: conv: kernel=0: must be SIZE or HEIGHTxWIDTH, each 1 to 1024");
    assert_fails(INPUT "  conv filter=20\n", "r:2:8: conv: unknown option 'filter'; did you mean 'filters'?");
    assert_fails(INPUT "conv kernel=3\n", "r:2:1: conv: filters= is missing");
    assert_fails(INPUT "dense units=1 units=2\n", "r:2:15: dense: units is given twice");
    assert_fails(INPUT "dense 10\n", "r:2:7: dense: '10' is not of the form option=value");
    assert_fails(INPUT "relu slope=1\n", "r:2:6: relu: unknown option 'slope'; there are none");
    assert_fails("input 28x28x1 28x28x1\n", "r:1:15: input: shape is given twice");
    assert_fails("input\n", "r:1:1: input: shape is missing");
    assert_fails("input 28x28x2\n", "r:1:1: input: 28x28x2: an image has 1 channel (grey) or 3 (colour)");
    assert_fails("input 28x28x3 fit=digit\n", "r:1:1: input: 28x28x3: fit=digit makes images of 1 channel (grey)");
    assert_fails(INPUT "train epochs=0\n", "r:2:7: train: epochs=0: must be a whole number, 1 to 100000");
    assert_fails(INPUT "train schedule=step\n", "r:2:1: train: schedule=step needs step-every=EPOCHS");
    assert_fails(INPUT "train momentum=0 nesterov=on\n", "r:2:1: train: nesterov=on needs momentum above 0");
    assert_fails(INPUT "train optimizer=muon momentum=0 nesterov=on\n",
                 "r:2:1: train: nesterov=on needs momentum above 0");
    assert_fails(INPUT "train optimizer=adagrad\n",
                 "r:2:7: train: optimizer=adagrad: must be sgd or adamw or adam or rmsprop or muon");
    assert_fails(INPUT "augment flip=always\n", "r:2:9: augment: flip=always: must be off or on or alternate");
    assert_fails(INPUT "train average=1\n", "r:2:7: train: average=1: must be a number, 0 to 0.999999");
    assert_fails(INPUT "train val=1.5\n",
                 "r:2:1: train: val=1.5: must be a share below 1, or a whole number of images");
}

#define KNOWN                                                                                                          \
    "input, train, augment, residual, }, conv, relu, leakyrelu, prelu, elu, selu, gelu, silu, softplus, sigmoid, "     \
    "tanh, softsign, abs, linear, maxout, maxpool, avgpool, globalavgpool, dense, dropout, batchnorm"

static void places_errors_of_statements(void **state)
{
    (void)state;
    assert_fails(INPUT "\n# x\n   maxpol\n", "r:4:4: unknown statement 'maxpol'; did you mean 'maxpool'?");
    assert_fails(INPUT "xyzzy\n", "r:2:1: unknown statement 'xyzzy'; known are: " KNOWN);
    assert_fails(INPUT "add\n", "r:2:1: unknown statement 'add'; known are: " KNOWN);
    assert_fails("relu\n", "r:1:1: relu: a recipe begins with its input, as in 'input 28x28x1'");
    assert_fails(INPUT "relu\n" INPUT, "r:3:1: input: there is one already, in line 1");
    assert_fails(INPUT "train\nrelu\ntrain\n", "r:4:1: train: there is one already, in line 2");
    assert_fails(INPUT "augment\n augment\n", "r:3:2: augment: there is one already, in line 2");
    assert_fails(INPUT "residual {\ntrain\n}\n", "r:3:1: train: cannot stand within a residual");
    assert_fails(INPUT "residual\n", "r:2:1: residual: '{' is missing at the end of the line");
    assert_fails(INPUT "residual { relu }\n", "r:2:12: residual: nothing but a comment may follow on this line");
    assert_fails(INPUT "relu {\n", "r:2:6: relu: only 'residual' takes a body in '{'");
    assert_fails(INPUT "}\n", "r:2:1: }: closes nothing: no residual is open");
    assert_fails(INPUT "residual {\n} }\n", "r:3:3: }: nothing but a comment may follow on this line");
    assert_fails(INPUT "residual {\nresidual {\n}\nresidual {\n}\n", "r:2:1: residual: is not closed: '}' is missing");
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    const char *message = "r:1:4: not text: a recipe is UTF-8 without control characters";
    assert_fails("abc\x01", message);
    assert_fails("abc\xff\n", message);
    assert_fails("abc\rd\n", message);
    cnn_recipe_free(parse("\xef\xbb\xbfinput 28x28x1 # \xc3\xa9\n"));
    char *text = cnn_alloc(5000, 1);
    memset(text, ' ', 4999);
    assert_fails(text, "r:1:4097: the line is longer than 4096 bytes");
    cnn_free(text);
}

/** Statements of `line`, `count` times after an input. */
static char *repeat(const char *line, int count)
{
    cnn_text text = {0};
    cnn_text_append(&text, INPUT);
    for (int i = 0; i < count; i++) {
        cnn_text_append(&text, line);
    }
    return cnn_text_take(&text, NULL);
}

static void bounds_length_and_depth(void **state)
{
    (void)state;
    char *text = repeat("relu\n", 4095);
    cnn_recipe_free(parse(text));
    cnn_free(text);
    text = repeat("relu\n", 4096);
    assert_fails(text, "r:4097:1: relu: too many statements: 4096 at most");
    cnn_free(text);
    text = repeat("residual {\n", 17);
    assert_fails(text, "r:18:1: residual: residuals are nested too deeply: 16 at most");
    cnn_free(text);
}

static void adds_line_by_line(void **state)
{
    (void)state;
    cnn_error error;
    cnn_recipe *recipe = cnn_recipe_new(NULL);
    assert_int_equal(cnn_recipe_add(recipe, "input 8x8x1", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_add(recipe, "conv", &error), CNN_USAGE);
    assert_string_equal(error.message, "recipe:2:1: conv: filters= is missing");
    assert_int_equal(cnn_recipe_add(recipe, "relu\nrelu", &error), CNN_USAGE);
    assert_int_equal(cnn_recipe_add(recipe, "residual {", NULL), CNN_OK);
    assert_int_equal(recipe->depth, 1);
    assert_int_equal(cnn_recipe_add(recipe, "}", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_add(recipe, "}", &error), CNN_USAGE);
    assert_string_equal(error.message, "recipe:4:1: }: closes nothing: no residual is open");
    assert_text(recipe, "input 8x8x1\nresidual {\n}\n");
    cnn_recipe_free(recipe);
}

static void sets_options(void **state)
{
    (void)state;
    cnn_recipe *recipe = parse("input 8x8x1\nconv filters=2\nconv filters=3\ndense units=2\n");
    assert_int_equal(cnn_recipe_set(recipe, "conv2.filters=5", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "conv2.kernel=1x3", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "input.shape=9x9x3", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "lr=0.25", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "train.epochs=2", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "augment.flip=on", NULL), CNN_OK);
    assert_text(recipe, "input 9x9x3\nconv filters=2\nconv filters=5 kernel=1x3\ndense units=2\n"
                        "train epochs=2 lr=0.25\naugment flip=on\n");
    cnn_recipe_free(recipe);
}

static void set_explains_and_changes_nothing(void **state)
{
    (void)state;
    const char text[] = "input 8x8x1\nconv filters=2\ndense units=2\n";
    const struct {
        const char *assignment, *message;
    } cases[] = {
        {"lr", "'lr' is not of the form KEY=VALUE or NAME.KEY=VALUE"},
        {"=1", "'=1' is not of the form KEY=VALUE or NAME.KEY=VALUE"},
        {"lrr=1", "train: unknown option 'lrr'; did you mean 'lr'?"},
        {"lr=high", "train: lr=high: must be a number, 1e-10 to 1000"},
        {"schedule=step", "train: schedule=step needs step-every=EPOCHS"},
        {"conv2.filters=3", "test.recipe has no 'conv2'; did you mean 'conv1'?"},
        {"xyzzy.filters=3", "test.recipe has no 'xyzzy'; it has: train, augment, input, conv1, dense1"},
        {"conv1.=3", "conv1: unknown option ''; known are: filters, kernel, stride, padding, groups, bias, init, fan, "
                     "limit, std, weight-decay, l1, max-norm, norm, frozen, algorithm"},
        {"conv1.filters=0", "conv1: filters=0: must be a whole number, 1 to 65536"},
        {"relu=maxpool", "test.recipe has no layer 'relu' to replace"},
        {"conv=", "conv=: must be a layer"},
        {"conv=train epochs=3", "conv=train epochs=3: must be a layer"},
        {"conv=conv", "test.recipe:2:1: conv: filters= is missing"},
        {"conv=covn filters=2", "test.recipe:2:1: unknown statement 'covn'; did you mean 'conv'?"},
        {"input.shape=8x8x2", "input: 8x8x2: an image has 1 channel (grey) or 3 (colour)"},
        {"augment.turn=3", "augment: unknown option 'turn'; known are: shift, fill, flip, rotate, scale, shear, "
                           "elastic, elastic-sigma, cutout, erase, brightness, contrast, mixup"},
    };
    cnn_recipe *recipe = parse(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_error error;
        assert_int_equal(cnn_recipe_set(recipe, cases[i].assignment, &error), CNN_USAGE);
        assert_string_equal(error.message, cases[i].message);
        assert_text(recipe, text);
    }
    cnn_recipe_free(recipe);
}

/** A statement in the place of all of a kind, within residuals too; names count on as if it had been written so. */
static void set_replaces_a_kind(void **state)
{
    (void)state;
    cnn_recipe *recipe =
        parse("input 8x8x1\nmaxpool\nconv filters=2\nrelu\nresidual {\nconv filters=2 kernel=1\nrelu\n}"
              "\nrelu\ndense units=2\ntrain lr=0.5\n");
    assert_int_equal(cnn_recipe_set(recipe, "relu=maxpool size=3 stride=1 padding=same", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "maxpool4.size=5", NULL), CNN_OK);
    assert_int_equal(cnn_recipe_set(recipe, "conv=conv filters=2 padding=same # all", NULL), CNN_OK);
    assert_text(recipe, "input 8x8x1\nmaxpool\nconv filters=2 padding=same\nmaxpool size=3 stride=1 padding=same\n"
                        "residual {\n  conv filters=2 padding=same\n  maxpool size=3 stride=1 padding=same\n}\n"
                        "maxpool size=5 stride=1 padding=same\ndense units=2\ntrain lr=0.5\n");
    assert_string_equal(recipe->statements[4].name, "residual1");
    assert_int_equal(recipe->statements[8].line, 9);
    cnn_recipe_free(recipe);
}

static void loads_files(void **state)
{
    (void)state;
    cnn_error error;
    char path[] = "/tmp/cnn-recipe-XXXXXX";
    const int file = mkstemp(path);
    assert_int_equal(write(file, "input 8x8x1\nrelu\0x\n", 19), 19);
    close(file);
    assert_null(cnn_recipe_load(path, &error));
    char message[200];
    snprintf(message, sizeof message, "%s:2:5: not text: a recipe is UTF-8 without control characters", path);
    assert_string_equal(error.message, message);
    assert_int_equal(truncate(path, 16), 0);
    cnn_recipe *recipe = cnn_recipe_load(path, &error);
    assert_text(recipe, "input 8x8x1\nrelu\n");
    cnn_recipe_free(recipe);
    assert_int_equal(truncate(path, 1024 * 1024 + 1), 0);
    assert_null(cnn_recipe_load(path, &error));
    assert_int_equal(error.status, CNN_FORMAT);
    unlink(path);
    assert_null(cnn_recipe_load(path, &error));
    assert_int_equal(error.status, CNN_IO);
}

static void reference_has_every_option(void **state)
{
    (void)state;
    char *text = cnn_recipe_reference(NULL);
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(CNN_ISA_baseline); *kind != NULL; kind++) {
        char heading[64];
        snprintf(heading, sizeof heading, "\n%s  %s\n", (*kind)->name, (*kind)->help);
        assert_int_equal(strstr(text, heading) != NULL, !(*kind)->internal);
    }
    const cnn_statement_type types[] = {CNN_STATEMENT_INPUT, CNN_STATEMENT_RESIDUAL, CNN_STATEMENT_TRAIN,
                                        CNN_STATEMENT_AUGMENT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const cnn_option *table = cnn_statement_table(&(cnn_statement){.type = types[i]});
        for (; table->name != NULL; table++) {
            assert_non_null(strstr(text, table->help));
        }
    }
    cnn_free(text);
}

/** Everything that allocates, under every single failure: it reports and leaks nothing. */
static void survives_lack_of_memory(void **state)
{
    (void)state;
    int successes = 0;
    for (long after = 0; successes == 0; after++) {
        cnn_error error = {.status = CNN_OK};
        cnn_alloc_fail_after(after, false);
        cnn_recipe *recipe = cnn_recipe_parse(residual_text, "r", &error);
        cnn_recipe *copy = recipe == NULL ? NULL : cnn_recipe_copy(recipe, &error);
        char *text = copy == NULL ? NULL : cnn_recipe_text(copy, &error);
        char *reference = text == NULL ? NULL : cnn_recipe_reference(&error);
        if (reference != NULL && cnn_recipe_set(copy, "conv1.filters=3", &error) == CNN_OK) {
            successes++;
        } else {
            assert_int_equal(error.status, CNN_MEMORY);
        }
        cnn_alloc_fail_after(-1, false);
        cnn_free(reference);
        cnn_free(text);
        cnn_recipe_free(copy);
        cnn_recipe_free(recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_canonically),
        cmocka_unit_test(text_reads_back),
        cmocka_unit_test(names_and_places_statements),
        cmocka_unit_test(gives_options),
        cmocka_unit_test(places_errors_of_options),
        cmocka_unit_test(places_errors_of_statements),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(bounds_length_and_depth),
        cmocka_unit_test(adds_line_by_line),
        cmocka_unit_test(sets_options),
        cmocka_unit_test(set_explains_and_changes_nothing),
        cmocka_unit_test(set_replaces_a_kind),
        cmocka_unit_test(loads_files),
        cmocka_unit_test(reference_has_every_option),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

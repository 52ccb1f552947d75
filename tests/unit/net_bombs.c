/* Small inputs that would take much memory if they were believed: headers of many, deep or long values, lists of names,
 * recipes of any size. What is refused is refused within the file's size and a fixed bound. */
#include "base/memory.h"
#include "net/modelfile.h"
#include "net/recipe_forms.h"
#include "unit/modelfile.h"
#include "unit/peak.h"

/** The memory beyond a file's size that reading it may take: JSON's values, up to the most that a header has, and the
 * strings, which are copied twice. */
#define BOUND ((size_t)128 * 1024 * 1024)

/** `count` times `piece`, between `before` and `after`; to be freed. */
static char *repeat(const char *before, const char *piece, size_t count, const char *after)
{
    const size_t piece_size = strlen(piece);
    char *text = malloc(strlen(before) + count * piece_size + strlen(after) + 1);
    char *to = text + sprintf(text, "%s", before);
    for (size_t i = 0; i < count; i++, to += piece_size) {
        memcpy(to, piece, piece_size);
    }
    strcpy(to, after);
    return text;
}

/** Refused with a line that holds `reason`, within the file's size and BOUND; the memory that it took. */
static size_t assert_bomb_refused(const file *f, const char *reason)
{
    cnn_error error = {0};
    const long begin = peak_begin();
    cnn_model *model = cnn_model_decode(f->bytes, f->size, "bomb", NULL, 0, &error);
    const size_t peak = peak_since(begin);
    assert_peak(begin, f->size, BOUND);
    if (model != NULL || strstr(error.message, reason) == NULL) {
        fail_msg("expected '%s', found %s '%s'", reason, model != NULL ? "a model" : "the message", error.message);
    }
    return peak;
}

/* ---- headers */

/** A sealed file with this header and no data. */
static file make_header(const char *header)
{
    const size_t size = strlen(header);
    file result = {malloc(8 + size), 8 + size};
    set_header_size(result.bytes, size);
    memcpy(result.bytes + 8, header, size);
    seal(&result);
    return result;
}

static void headers_of_many_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece, *after;
        int values; /* as CNN_MODELFILE_VALUES counts them */
    } bombs[] = {
        {",\"a\":[", "0,", "0]}", 1},
        {",\"a\":[", "{},", "0]}", 2},
        {",\"a\":[", "[],", "0]}", 2},
        {",\"a\":[", "{\"a\":0},", "0]}", 3},
        {",\"a\":[", "{\"a\":{\"b\":[]}},", "0]}", 6},
        {",\"a\":[", "\"\",", "0]}", 1},
        {",\"a\":\"", "xxxxxxxx", "\"}", 0},
        {",\"a\":\"", "\\u0001", "\"}", 0},
        {",\"a\":", "[", "}", 1},
        {",\"a\":", "{\"\":", "}", 2},
    };
    static const char start[] = "{\"__metadata__\":{\"format\":\"cnn 1\",\"crc32\":\"00000000\"}";
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        const bool is_string = bombs[i].values == 0; /* of the header's whole size */
        const size_t count = is_string ? (CNN_MODELFILE_HEADER_SIZE - 200) / strlen(bombs[i].piece)
                                       : CNN_MODELFILE_VALUES / (size_t)bombs[i].values;
        for (int beyond = 0; beyond < 2 - is_string; beyond++) {
            char before[128];
            snprintf(before, sizeof before, "%s%s", start, bombs[i].before);
            char *header =
                repeat(before, bombs[i].piece, is_string ? count : count - 16 + 32 * (size_t)beyond, bombs[i].after);
            file f = make_header(header);
            const size_t peak = assert_bomb_refused(&f, beyond ? "its header has more than 524288 values" : "bomb: ");
            assert_true(!beyond || peak < 4096);
            free(f.bytes);
            free(header);
        }
    }
}

static void class_names_are_counted_before_they_are_read(void **state)
{
    (void)state;
    const file f = make_file();
    static const char *const pieces[] = {"\\\"\\\",", "{},", "[],", "0,", "["};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char *names = repeat("\"[", pieces[i], 200000, "0]\"");
        const file forged = edit(&f, "\"[\\\"0\\\",\\\"1\\\"]\"", names);
        const size_t peak = assert_bomb_refused(&forged, "needs a list of 2 class names");
        assert_true(peak < 6 * forged.size); /* the header's string, no names */
        free(forged.bytes);
        free(names);
    }
    cnn_free(f.bytes);
}

/* ---- recipes */

/** A recipe in a file that has not its tensors: planned, no more, or refused at once. */
static void assert_recipe_refused(const file *f, const char *recipe, const char *reason)
{
    const file forged = edit(f, "input 3x3x1\\nconv filters=2\\nbatchnorm\\nglobalavgpool\\ndense units=2\\n", recipe);
    assert_bomb_refused(&forged, reason);
    free(forged.bytes);
}

static void recipes_of_many_statements_take_little(void **state)
{
    (void)state;
    const file f = make_file();
    static const char *const statements[] = {"batchnorm\\n",
                                             "conv filters=1 kernel=1\\n",
                                             "dense units=1\\n",
                                             "prelu\\n",
                                             "residual projection=batchnorm {\\nrelu\\n}\\n",
                                             "maxpool size=1\\n"};
    static const int counts[] = {4093, 4093, 4093, 4093, 1364, 4093};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        for (int more = 0; more < 2; more++) {
            char *recipe = repeat("input 4096x4096x1\\n", statements[i], (size_t)counts[i] + (size_t)more,
                                  "globalavgpool\\ndense units=2\\n");
            assert_recipe_refused(&f, recipe, more ? "too many statements: 4096 at most" : "tensor");
            free(recipe);
        }
    }
    char *comments = repeat("input 3x3x1\\n", "#\\n", 500000, "");
    assert_recipe_refused(&f, comments, "the recipe has no layer");
    free(comments);
    cnn_free(f.bytes);
}

static void recipes_of_too_many_weights_are_refused(void **state)
{
    (void)state;
    const file f = make_file();
    assert_recipe_refused(&f, "input 4096x4096x3\\ndense units=10\\n", "tensor dense1.weight has not");
    assert_recipe_refused(&f, "input 4096x4096x3\\ndense units=43\\n", "the weight is too large: more than 2147483647");
    assert_recipe_refused(&f, "input 1x1x1\\ndense units=16777216\\ndense units=29\\n", "tensor dense1.weight has not");
    assert_recipe_refused(&f, "input 1x1x1\\ndense units=16777216\\ndense units=33\\n",
                          "more than 536870912 weights: no model file holds them");
    assert_recipe_refused(&f, "input 1x1x1\\ndense units=65536\\n", "tensor dense1.weight has not");
    assert_recipe_refused(&f, "input 1x1x1\\ndense units=65537\\n", "65537 classes are too many: at most 65536");
    assert_recipe_refused(&f, "input 4096x4096x3\\nconv filters=65536\\ndense units=2\\n", "is too large");
    cnn_free(f.bytes);
}

static const char *const sizes[] = {"0",
                                    "1",
                                    "-1",
                                    "1024",
                                    "65536",
                                    "2147483647",
                                    "2147483648",
                                    "-2147483648",
                                    "4294967295",
                                    "4294967296",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "18446744073709551615",
                                    "18446744073709551616"};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/** Parsed and planned, or refused with one line that names the place; in any case within BOUND. */
static bool try_recipe(const char *text)
{
    cnn_error error = {0};
    const long begin = peak_begin();
    cnn_recipe *recipe = cnn_recipe_parse(text, "some.recipe", &error);
    cnn_network *network = recipe != NULL ? cnn_network_new(recipe, &error) : NULL;
    assert_peak(begin, strlen(text), (size_t)256 * 1024);
    const bool planned = network != NULL;
    if (!planned && (error.status != CNN_USAGE || strncmp(error.message, "some.recipe:", 12) != 0)) {
        fail_msg("%s: '%s'", text, error.message);
    }
    assert_true(planned || strchr(error.message, '\n') == NULL);
    cnn_network_free(network);
    cnn_recipe_free(recipe);
    return planned;
}

/** Every option of a statement as every size, the others as they must be given. */
static int try_options(const char *word, const cnn_option *table, const char *body)
{
    int planned = 0;
    for (const cnn_option *option = table; option != NULL && option->name != NULL; option++) {
        for (int s = 0; s < SIZES; s++) {
            char text[512];
            int length = snprintf(text, sizeof text, "input 64x64x3\n%s", word);
            for (const cnn_option *other = table; other->name != NULL; other++) {
                if (other != option && other->fallback == NULL) {
                    length += snprintf(text + length, sizeof text - (size_t)length, " %s=2", other->name);
                }
            }
            snprintf(text + length, sizeof text - (size_t)length, " %s=%s%s\nglobalavgpool\ndense units=2\n",
                     option->name, sizes[s], body);
            planned += try_recipe(text);
        }
    }
    return planned;
}

static void every_size_of_every_statement_is_checked(void **state)
{
    (void)state;
    int planned = 0;
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(CNN_ISA_baseline); *kind != NULL; kind++) {
        if (!(*kind)->internal) {
            planned += try_options((*kind)->name, (*kind)->options, "");
        }
    }
    for (const cnn_statement_form *form = cnn_statement_forms; form->word != NULL; form++) {
        if (form->table != NULL && form->type != CNN_STATEMENT_INPUT) {
            planned += try_options(form->word, form->table, form->type == CNN_STATEMENT_RESIDUAL ? " {\nrelu\n}" : "");
        }
    }
    for (int h = 0; h < SIZES; h++) {
        for (int w = 0; w < SIZES; w++) {
            for (int c = 0; c < SIZES; c++) {
                char text[256];
                snprintf(text, sizeof text, "input %sx%sx%s\nrelu\ndense units=2\n", sizes[h], sizes[w], sizes[c]);
                planned += try_recipe(text);
            }
        }
    }
    assert_in_range(planned, 100, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_many_values_are_refused),
        cmocka_unit_test(class_names_are_counted_before_they_are_read),
        cmocka_unit_test(recipes_of_many_statements_take_little),
        cmocka_unit_test(recipes_of_too_many_weights_are_refused),
        cmocka_unit_test(every_size_of_every_statement_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

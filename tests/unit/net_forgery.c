/* Model files that are foreign or forged with a right checksum: each is refused, with the reason. Damage of every
 * kind to every part is net_damage.c's. */
#include "unit/modelfile.h"
#include "unit/safetensors.h"

/* ---- foreign files */

static void what_is_no_model_is_called_that(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "{",
                                        "12345678",
                                        "A text file, longer than eight bytes.\n",
                                        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
                                        "{\"json\": \"but no safetensors\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_refused((const unsigned char *)texts[i], strlen(texts[i]), "is not a cnn model (safetensors)");
    }
    static const char *const foreign[] = {"{}", "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                                          "{\"__metadata__\":{}}", "{\"__metadata__\":{\"format\":\"pt\"}}",
                                          "{\"__metadata__\":[\"format\"]}"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        unsigned char bytes[200];
        set_header_size(bytes, strlen(foreign[i]));
        memcpy(bytes + 8, foreign[i], strlen(foreign[i]));
        assert_refused(bytes, 8 + strlen(foreign[i]), "is a safetensors file, but not a cnn model");
    }
}

static void header_sizes_are_not_trusted(void **state)
{
    (void)state;
    const file f = make_file();
    unsigned char *bytes = malloc(f.size);
    memcpy(bytes, f.bytes, f.size);
    const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, (uint64_t)1 << 32, (1u << 24) + 1};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        set_header_size(bytes, far[i]);
        assert_refused(bytes, f.size, "is not a cnn model");
    }
    const uint64_t near[] = {f.size - 7, f.size, 1u << 24};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        set_header_size(bytes, near[i]);
        assert_refused(bytes, f.size, "damaged: the file ends within its header");
    }
    const uint64_t inside[] = {0, 1, 2, header_size(&f) - 70, f.size - 8};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        set_header_size(bytes, inside[i]);
        assert_refused(bytes, f.size, "damaged: its header is not valid JSON");
    }
    free(bytes);
    cnn_free(f.bytes);
}

/* ---- forgery: the checksum is right */

typedef struct forgery {
    const char *from, *to, *reason;
} forgery;

static void assert_forgeries_refused(const forgery *forgeries, size_t count)
{
    const file f = make_file();
    for (size_t i = 0; i < count; i++) {
        const file forged = edit(&f, forgeries[i].from, forgeries[i].to);
        assert_refused(forged.bytes, forged.size, forgeries[i].reason);
        free(forged.bytes);
    }
    cnn_free(f.bytes);
}

#define CONV "\"conv1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3,3,1],\"data_offsets\":[0,72]}"
#define DENSE "\"dense1.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[112,128]}"

static void forged_tensors_are_refused(void **state)
{
    (void)state;
    static const char place[] = "has not the type, the shape or the place";
    static const forgery forgeries[] = {
        {"[2,3,3,1]", "[3,2,3,1]", place},
        {"[2,3,3,1]", "[18]", place},
        {"[2,3,3,1]", "[2,3,3]", place},
        {"[2,3,3,1]", "[2,3,3,1,1]", place},
        {"[2,3,3,1]", "[2,3,3,1.0]", place},
        {"[2,3,3,1]", "[-2,-3,3,1]", place},
        {"[2,3,3,1]", "{}", place},
        {"\"F32\"", "\"F16\"", place},
        {"\"F32\"", "32", place},
        {"[0,72]", "[0,76]", place},
        {"[0,72]", "[4,76]", place},
        {"[0,72]", "[72,0]", place},
        {"[0,72]", "[0,72,0]", place},
        {"[0,72]", "[0,4294967368]", place},
        {"[0,72]", "[0,18446744073709551688]", "not valid JSON"},
        {"[0,72]", "[0,7.2e1]", place},
        {"[112,128]", "[0,16]", place},    /* over the first tensor */
        {"[112,128]", "[116,132]", place}, /* a hole before it */
        {CONV, "\"conv1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3,3,1],\"data_offsets\":[0,72],\"x\":0}", place},
        {CONV, "\"conv1.weight\":[]", place},
        {CONV, "\"conv1.weight\":null", place},
        {"\"conv1.weight\"", "\"conv2.weight\"", "has no tensor conv1.weight"},
        {DENSE ",", "", "has no tensor dense1.weight"},
        {DENSE, DENSE ",\"extra\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[136,136]}", "has 9 tensors"},
        {DENSE, DENSE "," DENSE, "not valid JSON"},
        {CONV ",", CONV ",\"__metadata__\":{},", "not valid JSON"},
    };
    assert_forgeries_refused(forgeries, sizeof forgeries / sizeof forgeries[0]);
}

#define LETTERS_25 "abcdefghijklmnopqrstuvwxy"
#define LETTERS_101 LETTERS_25 LETTERS_25 LETTERS_25 LETTERS_25 "z"

static void forged_metadata_is_refused(void **state)
{
    (void)state;
    static const forgery forgeries[] = {
        {"\"cnn 1\"", "\"cnn 2\"", "its format 'cnn 2' is unknown to this version"},
        {"\"cnn 1\"", "\"cnn 1\",\"format\":\"cnn 1\"", "not valid JSON"},
        {"\"kind\":\"model\",", "", "neither that it is a model nor a checkpoint"},
        {"\"kind\":\"model\"", "\"kind\":\"mode\"", "neither that it is a model nor a checkpoint"},
        {"\"kind\":\"model\"", "\"kind\":\"checkpoint\"", "go on with `cnn train --resume`"},
        {"\"version\":\"", "\"number\":1,\"version\":\"", "metadata 'number' is not a string"},
        {"\"version\":\"", "\"object\":{},\"version\":\"", "metadata 'object' is not a string"},
        {"\"version\":\"", "\"a key\":\"\",\"version\":\"", "a key is 1 to 100 letters"},
        {"\"version\":\"", "\"\":\"\",\"version\":\"", "metadata: '': a key is 1 to 100 letters"},
        {"\"version\":\"", "\"" LETTERS_101 "\":\"\",\"version\":\"", "a key is 1 to 100 letters"},
        {"\"version\":\"", "\"zero\":\"\\u0000\",\"version\":\"", "not valid JSON"},
        {"\"version\":\"", "\"utf\":\"\xff\",\"version\":\"", "not valid JSON"},
        {"\"crc32\"", "\"crc33\"", "it has no checksum"},
        {"\"recipe\":", "\"recipes\":", "does not say its recipe"},
        {"\"version\":", "\"vision\":", "does not say its version"},
        {"input 3x3x1", "input 3x3x3", "conv1.weight"},
        {"filters=2", "filters=4", "conv1.weight"},
        {"filters=2", "filters=0", "recipe:2:"},
        {"filters=2", "fitlers=2", "recipe:2:"},
        {"dense units=2", "dense units=2\\ndense units=2", "has no tensor dense2.weight"},
        {"batchnorm\\n", "", "tensor dense1.weight"},
        {"input 3x3x1", "input 3x3x1 {", "recipe:1:"},
    };
    assert_forgeries_refused(forgeries, sizeof forgeries / sizeof forgeries[0]);
}

static void forged_classes_and_scales_are_refused(void **state)
{
    (void)state;
    static const char names[] = "needs a list of 2 class names";
    static const char numbers[] = "need 1 number each";
    static const forgery forgeries[] = {
        {"[\\\"0\\\",\\\"1\\\"]", "[\\\"0\\\"]", names},
        {"[\\\"0\\\",\\\"1\\\"]", "[\\\"0\\\",\\\"1\\\",\\\"2\\\"]", names},
        {"[\\\"0\\\",\\\"1\\\"]", "{\\\"0\\\":0,\\\"1\\\":1}", names},
        {"[\\\"0\\\",\\\"1\\\"]", "\\\"01\\\"", names},
        {"[\\\"0\\\",\\\"1\\\"]", "", names},
        {"[\\\"0\\\",\\\"1\\\"]", "[0,1]", "the name of class 0 is not a string"},
        {"[\\\"0\\\",\\\"1\\\"]", "[\\\"0\\\",\\\"0\\\"]", "two classes have the same name '0'"},
        {"[\\\"0\\\",\\\"1\\\"]", "[\\\"0\\\",\\\"\\\"]", "the name of class 1 has 0 bytes"},
        {"\"classes\":", "\"glasses\":", names},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[0,0]\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[]\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"0\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[0\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[0]]\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[nan]\"", numbers},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[1e999]\"", numbers},
        {"\"scale.mean\":\"[0]\",", "", numbers},
        {"\"scale.deviation\":\"[1]\"", "\"scale.deviation\":\"[1,1]\"", numbers},
        {"\"scale.deviation\":\"[1]\"", "\"scale.deviation\":\"[0]\"", "a deviation above 0"},
        {"\"scale.deviation\":\"[1]\"", "\"scale.deviation\":\"[-1]\"", "a deviation above 0"},
    };
    assert_forgeries_refused(forgeries, sizeof forgeries / sizeof forgeries[0]);
}

static void as_many_numbers_as_channels_are_needed(void **state)
{
    (void)state;
    cnn_model *model = make_model("input 3x3x3\ndense units=2\n");
    const file f = encode(model);
    const file forged = edit(&f, "\"scale.mean\":\"[0,0,0]\"", "\"scale.mean\":\"[0,0]\"");
    assert_refused(forged.bytes, forged.size, "scale.mean and scale.deviation need 3 numbers each");
    free(forged.bytes);
    cnn_free(f.bytes);
    cnn_model_free(model);
}

static void forged_calibrations_are_refused(void **state)
{
    (void)state;
    static const char temperature[] = "the temperature must be a number from 0.01 to 100";
    static const char familiarity[] = "the familiarity must be a number from -100000 to 100000";
    static const char appearance[] = "the appearance needs 8 numbers";
    static const forgery forgeries[] = {
        {"\"version\":", "\"temperature\":\"0\",\"version\":", temperature},
        {"\"version\":", "\"temperature\":\"-1\",\"version\":", temperature},
        {"\"version\":", "\"temperature\":\"100.5\",\"version\":", temperature},
        {"\"version\":", "\"temperature\":\"nan\",\"version\":", "the temperature is not a number"},
        {"\"version\":", "\"temperature\":\"\",\"version\":", "the temperature is not a number"},
        {"\"version\":", "\"familiarity\":\"1e6\",\"version\":", familiarity},
        {"\"version\":", "\"familiarity\":\"-1e6\",\"version\":", familiarity},
        {"\"version\":", "\"familiarity\":\"inf\",\"version\":", "the familiarity is not a number"},
        {"\"version\":", "\"appearance\":\"[1,2,3,4,5,6,7]\",\"version\":", appearance},
        {"\"version\":", "\"appearance\":\"[1,2,3,4,5,6,7,8,9]\",\"version\":", appearance},
        {"\"version\":", "\"appearance\":\"[1,2,3,4,5,6,7,inf]\",\"version\":", appearance},
    };
    assert_forgeries_refused(forgeries, sizeof forgeries / sizeof forgeries[0]);
}

static void too_many_entries_are_refused_at_once(void **state)
{
    (void)state;
    const file f = make_file();
    char *entries = calloc(1, 2000 * 20 + 20);
    for (int i = 0; i < 2000; i++) {
        sprintf(entries + strlen(entries), "\"k%d\":\"\",", i);
    }
    strcat(entries, "\"version\":\"");
    const file forged = edit(&f, "\"version\":\"", entries);
    assert_refused(forged.bytes, forged.size, "metadata: no room for");
    free(forged.bytes);
    free(entries);
    cnn_free(f.bytes);
}

static void forged_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        int slot;
        unsigned char bits[4];
        const char *reason;
    } values[] = {
        {0, {0, 0, 0xc0, 0x7f}, "tensor conv1.weight holds a number that is not finite"},      /* NaN */
        {1, {1, 0, 0x80, 0x7f}, "tensor conv1.bias holds a number that is not finite"},        /* signalling NaN */
        {6, {0, 0, 0x80, 0xff}, "tensor dense1.weight holds a number that is not finite"},     /* -infinity */
        {5, {0, 0, 0x80, 0xbf}, "tensor batchnorm1.variance holds a number that is negative"}, /* -1 */
    };
    cnn_model *model = make_model(NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        file f = encode(model);
        static safetensors s;
        assert_true(safetensors_parse(f.bytes, f.size, &s));
        const size_t last = s.tensors[values[i].slot].end - 4;
        memcpy(f.bytes + 8 + header_size(&f) + last, values[i].bits, 4);
        seal(&f);
        assert_refused(f.bytes, f.size, values[i].reason);
        cnn_free(f.bytes);
    }
    cnn_model_free(model);
}

static void bytes_too_many_or_too_few_are_refused(void **state)
{
    (void)state;
    const file f = make_file();
    file changed = {calloc(f.size + 4, 1), f.size + 4};
    memcpy(changed.bytes, f.bytes, f.size);
    seal(&changed);
    assert_refused(changed.bytes, changed.size, "has 140 bytes of tensors where its recipe needs 136");
    changed.size = f.size - 4;
    seal(&changed);
    assert_refused(changed.bytes, changed.size, "has 132 bytes of tensors where its recipe needs 136");
    free(changed.bytes);
    cnn_free(f.bytes);
}

/** A recipe whose weights would take 2 GB is refused before they are allocated. */
static void a_recipe_too_large_is_refused_by_its_tensors(void **state)
{
    (void)state;
    const file f = make_file();
    const file forged =
        edit(&f, "globalavgpool\\ndense units=2",
             "globalavgpool\\ndense units=16000\\ndense units=16000\\ndense units=16000\\ndense units=2");
    assert_refused(forged.bytes, forged.size, "tensor dense1.weight has not the type, the shape or the place");
    free(forged.bytes);
    cnn_free(f.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_model_is_called_that),
        cmocka_unit_test(header_sizes_are_not_trusted),
        cmocka_unit_test(forged_tensors_are_refused),
        cmocka_unit_test(forged_metadata_is_refused),
        cmocka_unit_test(forged_classes_and_scales_are_refused),
        cmocka_unit_test(as_many_numbers_as_channels_are_needed),
        cmocka_unit_test(forged_calibrations_are_refused),
        cmocka_unit_test(too_many_entries_are_refused_at_once),
        cmocka_unit_test(forged_values_are_refused),
        cmocka_unit_test(bytes_too_many_or_too_few_are_refused),
        cmocka_unit_test(a_recipe_too_large_is_refused_by_its_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

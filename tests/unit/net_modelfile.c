/* The model file: safetensors that anyone can read, and the same bytes for the same content. */
#include "base/memory.h"
#include "unit/modelfile.h"
#include "unit/safetensors.h"

#include <math.h>
#include <unistd.h>

/* ---- writing */

static void the_file_is_safetensors(void **state)
{
    (void)state;
    cnn_model *model = make_model(NULL);
    assert_int_equal(cnn_model_set_classes(model, (const char *const[]){"a \"b\" \\", "\xc3\xa9t\xc3\xa9"}, 2, NULL),
                     CNN_OK);
    assert_int_equal(cnn_model_set_metadata(model, "origin.seed", "5", NULL), CNN_OK);
    file f = encode(model);
    static safetensors s;
    assert_true(safetensors_parse(f.bytes, f.size, &s));
    assert_int_equal((8 + header_size(&f)) % 8, 0);
    assert_string_equal(s.keys[0], "format");
    assert_string_equal(safetensors_value(&s, "format"), "cnn 1");
    assert_string_equal(safetensors_value(&s, "kind"), "model");
    assert_string_equal(safetensors_value(&s, "version"), cnn_version());
    assert_string_equal(safetensors_value(&s, "classes"), "[\"a \\\"b\\\" \\\\\",\"\xc3\xa9t\xc3\xa9\"]");
    assert_string_equal(safetensors_value(&s, "scale.mean"), "[0]");
    assert_string_equal(safetensors_value(&s, "origin.seed"), "5");
    assert_string_equal(safetensors_value(&s, "recipe"), cnn_model_metadata(model, "recipe"));
    assert_int_equal(s.count, model->network->slot_count);
    for (int i = 0; i < s.count; i++) {
        char name[CNN_TENSOR_NAME];
        cnn_network_tensor_name(model->network, i, name);
        assert_string_equal(s.tensors[i].name, name);
        assert_int_equal(s.tensors[i].rank, cnn_network_tensor(model->network, i)->rank);
        const cnn_slot *slot = &model->network->slots[i];
        for (size_t k = 0; k < slot->count; k++) {
            assert_true(safetensors_float(&s, &s.tensors[i], k) == (float)model->parameters[slot->offset + k]);
        }
    }
    char crc[9];
    memcpy(crc, safetensors_value(&s, "crc32"), 9);
    seal(&f);
    assert_memory_equal(find(&f, "\"crc32\":\"") + 9, crc, 8);
    cnn_free(f.bytes);
    cnn_model_free(model);
}

static void a_round_trip_gives_the_same_bytes(void **state)
{
    (void)state;
    cnn_model *model = make_model("input 5x5x3\nresidual projection=batchnorm {\nconv filters=2 kernel=3 "
                                  "padding=same\nbatchnorm gain=off\n}\ndense units=3\ntrain lr=0.1\n"
                                  "augment flip=alternate\n");
    const double mean[] = {0.1, 1.0 / 3, 0.4465}, deviation[] = {0.2470322, 1e-3, 0.26158784172796473};
    assert_int_equal(cnn_model_set_scale(model, mean, deviation, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_metadata(model, "note", "tab\there, \x01, line\nbreak, \"quoted\"", NULL), CNN_OK);
    const double appearance[CNN_APPEARANCE_COUNT][2] = {{0.1, 1.0 / 3}, {-7, 5e-9}, {2, 2}, {-1e300, 0}};
    assert_int_equal(cnn_model_set_temperature(model, 1.0 / 7, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_familiarity(model, -12.3456, NULL), CNN_OK);
    assert_int_equal(cnn_model_set_appearance(model, appearance, NULL), CNN_OK);
    file f = encode(model), again = {0};
    cnn_error error;
    cnn_model *read = decode(f.bytes, f.size, &error);
    assert_non_null(read);
    assert_memory_equal(read->parameters, model->parameters,
                        model->network->parameter_count * sizeof *model->parameters);
    assert_memory_equal(read->deviation, deviation, sizeof deviation);
    assert_true(read->temperature == 1.0 / 7 && read->familiarity == -12.3456 && read->has_appearance);
    assert_memory_equal(read->appearance, appearance, sizeof appearance);
    assert_string_equal(cnn_model_metadata(read, "note"), cnn_model_metadata(model, "note"));
    again = encode(read);
    assert_int_equal(again.size, f.size);
    assert_memory_equal(again.bytes, f.bytes, f.size);
    cnn_free(f.bytes);
    cnn_free(again.bytes);
    cnn_model_free(model);
    cnn_model_free(read);
}

/** The slopes of `prelu` are in the file like any tensor, and what they were trained to comes back. Weight decay is for
 * weights only. */
static void slopes_are_written_and_read(void **state)
{
    (void)state;
    cnn_model *model = make_model("input 5x5x3\nprelu init=0.125\nconv filters=4\nprelu per=layer\ndense units=2\n"
                                  "train weight-decay=0.5 l1=0.5\n");
    const cnn_network *network = model->network;
    int slopes = 0;
    for (int i = 0; i < network->slot_count; i++) {
        const cnn_tensor *tensor = cnn_network_tensor(network, i);
        assert_true(tensor->weight_decay == (tensor->role == CNN_ROLE_WEIGHT ? 0.5 : 0));
        if (strcmp(tensor->name, "slope") == 0) {
            assert_true(tensor->l1 == 0);
            cnn_real *values = model->parameters + network->slots[i].offset;
            assert_int_equal(network->slots[i].count, slopes == 0 ? 3 : 1);
            assert_true(values[0] == (slopes == 0 ? (cnn_real)0.125 : (cnn_real)0.25));
            values[0] = (cnn_real)-0.75;
            slopes++;
        }
    }
    assert_int_equal(slopes, 2);
    file f = encode(model);
    cnn_error error;
    cnn_model *read = decode(f.bytes, f.size, &error);
    assert_non_null(read);
    assert_memory_equal(read->parameters, model->parameters, network->parameter_count * sizeof *model->parameters);
    cnn_free(f.bytes);
    cnn_model_free(model);
    cnn_model_free(read);
}

static void a_network_without_weights_is_written_and_read(void **state)
{
    (void)state;
    cnn_model *model = make_model("input 5x5x3\nglobalavgpool\n");
    const file f = encode(model);
    assert_int_equal(f.size, 8 + header_size(&f));
    cnn_model *read = cnn_model_load_memory(f.bytes, f.size, NULL);
    assert_non_null(read);
    assert_int_equal(cnn_model_class_count(read), 3);
    cnn_free(f.bytes);
    cnn_model_free(model);
    cnn_model_free(read);
}

static void what_is_not_finite_is_not_written(void **state)
{
    (void)state;
    cnn_model *model = make_model(NULL);
    unsigned char *bytes = NULL;
    size_t size = 0;
    cnn_error error;
    model->parameters[model->network->slots[1].offset] = (cnn_real)NAN;
    assert_int_equal(cnn_model_encode(model, NULL, 0, &bytes, &size, &error), CNN_DIVERGED);
    assert_non_null(strstr(error.message, "conv1.bias"));
    assert_null(bytes);
    cnn_model_free(model);
}

static void saving_and_loading_go_through_a_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnn-model-XXXXXX", path[64], missing[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    snprintf(missing, sizeof missing, "%s/none/m.safetensors", folder);
    cnn_model *model = make_model(NULL);
    cnn_error error;
    assert_int_equal(cnn_model_save(model, path, NULL), CNN_OK);
    assert_int_equal(cnn_model_save(model, path, NULL), CNN_OK);
    cnn_model *read = cnn_model_load(path, NULL);
    assert_non_null(read);
    assert_string_equal(cnn_model_metadata(read, "recipe"), cnn_model_metadata(model, "recipe"));
    assert_int_equal(cnn_model_save(model, missing, &error), CNN_IO);
    assert_null(cnn_model_load(missing, &error));
    assert_int_equal(error.status, CNN_IO);
    assert_non_null(strstr(error.message, missing));
    assert_null(cnn_model_load(folder, &error));
    assert_int_equal(error.status, CNN_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* and nothing else was left there */
    cnn_model_free(model);
    cnn_model_free(read);
}

/* ---- checkpoints */

typedef struct checkpoint {
    cnn_model *model;
    cnn_state_block states[2];
} checkpoint;

static checkpoint make_checkpoint(void)
{
    checkpoint c = {.model = make_model(NULL)};
    static const char *const prefixes[] = {"momentum", "second"};
    for (int i = 0; i < 2; i++) {
        const size_t count = c.model->network->parameter_count;
        c.states[i] = (cnn_state_block){prefixes[i], calloc(count, sizeof(cnn_real)), count, false};
        for (size_t k = 0; k < count; k++) {
            c.states[i].values[k] = (cnn_real)(k + 1) / (cnn_real)(i + 2);
        }
    }
    assert_int_equal(cnn_model_set_metadata(c.model, "position.epoch", "3", NULL), CNN_OK);
    return c;
}

static void free_checkpoint(checkpoint *c)
{
    free(c->states[0].values);
    free(c->states[1].values);
    cnn_model_free(c->model);
}

static void a_checkpoint_keeps_the_trained_tensors_states(void **state)
{
    (void)state;
    checkpoint c = make_checkpoint(), back = make_checkpoint();
    file f = {0};
    static safetensors s;
    assert_int_equal(cnn_model_encode(c.model, c.states, 2, &f.bytes, &f.size, NULL), CNN_OK);
    assert_true(safetensors_parse(f.bytes, f.size, &s));
    assert_string_equal(safetensors_value(&s, "kind"), "checkpoint");
    assert_int_equal(s.count, 8 + 2 * 6);
    assert_string_equal(s.tensors[8].name, "momentum/conv1.weight");
    assert_string_equal(s.tensors[19].name, "second/dense1.bias");
    const size_t size = c.states[0].count * sizeof(cnn_real);
    memset(back.states[0].values, 0, size);
    memset(back.states[1].values, 0, size);
    cnn_model *read = cnn_model_decode(f.bytes, f.size, "checkpoint", back.states, 2, NULL);
    assert_non_null(read);
    assert_string_equal(cnn_model_metadata(read, "position.epoch"), "3");
    for (int slot = 0; slot < read->network->slot_count; slot++) {
        const cnn_slot *place = &read->network->slots[slot];
        const bool trained = cnn_network_tensor(read->network, slot)->role != CNN_ROLE_STATE;
        for (size_t k = place->offset; k < place->offset + place->count; k++) {
            for (int i = 0; i < 2; i++) {
                const double expected = trained ? (double)(float)c.states[i].values[k] : 0;
                assert_true((double)back.states[i].values[k] == expected);
            }
        }
    }
    cnn_model_free(read);
    cnn_free(f.bytes);
    free_checkpoint(&c);
    free_checkpoint(&back);
}

/** Running statistics with the rest; their variances are as little negative as the model's. */
static void a_whole_block_keeps_all_tensors(void **state)
{
    (void)state;
    checkpoint c = make_checkpoint(), back = make_checkpoint();
    file f = {0};
    static safetensors s;
    cnn_error error;
    c.states[1].whole = back.states[1].whole = true;
    assert_int_equal(cnn_model_encode(c.model, c.states, 2, &f.bytes, &f.size, NULL), CNN_OK);
    assert_true(safetensors_parse(f.bytes, f.size, &s));
    assert_int_equal(s.count, 8 + 6 + 8);
    assert_string_equal(s.tensors[14].name, "second/conv1.weight");
    assert_string_equal(s.tensors[19].name, "second/batchnorm1.variance");
    memset(back.states[1].values, 0, c.states[1].count * sizeof(cnn_real));
    cnn_model *read = cnn_model_decode(f.bytes, f.size, "checkpoint", back.states, 2, NULL);
    assert_non_null(read);
    for (int slot = 0; slot < read->network->slot_count; slot++) {
        const cnn_slot *place = &read->network->slots[slot];
        for (size_t k = place->offset; k < place->offset + place->count; k++) {
            assert_true((double)back.states[1].values[k] == (double)(float)c.states[1].values[k]);
        }
        for (size_t k = 0; k < place->count && strcmp(cnn_network_tensor(read->network, slot)->name, "variance") == 0;
             k++) {
            c.states[1].values[place->offset + k] *= -1;
        }
    }
    cnn_model_free(read);
    cnn_free(f.bytes);
    assert_int_equal(cnn_model_encode(c.model, c.states, 2, &f.bytes, &f.size, NULL), CNN_OK);
    assert_null(cnn_model_decode(f.bytes, f.size, "forged", back.states, 2, &error));
    assert_string_equal(error.message, "forged: tensor second/batchnorm1.variance holds a number that is negative");
    cnn_free(f.bytes);
    free_checkpoint(&c);
    free_checkpoint(&back);
}

static void checkpoints_and_models_are_not_confused(void **state)
{
    (void)state;
    checkpoint c = make_checkpoint();
    file f = {0}, plain = encode(c.model);
    cnn_error error;
    assert_int_equal(cnn_model_encode(c.model, c.states, 2, &f.bytes, &f.size, NULL), CNN_OK);
    assert_refused(f.bytes, f.size, "is a checkpoint: go on with `cnn train --resume`");
    assert_null(cnn_model_decode(plain.bytes, plain.size, "plain", c.states, 2, &error));
    assert_string_equal(error.message, "plain: is a model, not the checkpoint of a training");
    /* another optimizer's checkpoint, another network's */
    const cnn_real before = c.states[0].values[0] = 42;
    assert_null(cnn_model_decode(f.bytes, f.size, "one", c.states, 1, &error));
    assert_int_equal(error.status, CNN_FORMAT);
    cnn_state_block renamed[2] = {c.states[0], {"third", c.states[1].values, c.states[1].count, false}};
    assert_null(cnn_model_decode(f.bytes, f.size, "other", renamed, 2, &error));
    assert_string_equal(error.message, "other: has no tensor third/conv1.weight, which its recipe needs");
    c.states[1].count--;
    assert_null(cnn_model_decode(f.bytes, f.size, "small", c.states, 2, &error));
    assert_int_equal(error.status, CNN_MISMATCH);
    assert_true(c.states[0].values[0] == before);
    cnn_free(f.bytes);
    cnn_free(plain.bytes);
    free_checkpoint(&c);
}

/* ---- files of earlier versions */

static void a_golden_file_is_written_as_it_was_read(void **state)
{
    (void)state;
    cnn_error error = {0};
    cnn_model *model = cnn_model_load(CNN_TESTS "/golden/tiny.safetensors", &error);
    assert_string_equal(error.message, "");
    assert_string_equal(cnn_model_metadata(model, "version"), "0.1.0");
    assert_string_equal(cnn_model_class_name(model, 1), "d\xc3\xa9j\xc3\xa0 \"vu\"");
    const file f = encode(model);
    FILE *golden = fopen(CNN_TESTS "/golden/tiny.safetensors", "rb");
    unsigned char *expected = malloc(f.size + 1);
    assert_int_equal(fread(expected, 1, f.size + 1, golden), f.size);
    assert_memory_equal(f.bytes, expected, f.size);
    fclose(golden);
    free(expected);
    cnn_free(f.bytes);
    cnn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_safetensors),
        cmocka_unit_test(a_round_trip_gives_the_same_bytes),
        cmocka_unit_test(slopes_are_written_and_read),
        cmocka_unit_test(a_network_without_weights_is_written_and_read),
        cmocka_unit_test(what_is_not_finite_is_not_written),
        cmocka_unit_test(saving_and_loading_go_through_a_file),
        cmocka_unit_test(a_checkpoint_keeps_the_trained_tensors_states),
        cmocka_unit_test(a_whole_block_keeps_all_tensors),
        cmocka_unit_test(checkpoints_and_models_are_not_confused),
        cmocka_unit_test(a_golden_file_is_written_as_it_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

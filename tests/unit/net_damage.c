/* Exhaustive damage to a model as a version before wrote it and to a checkpoint: every length it can be cut to,
 * every bit, every number, tensor and key. All is refused, with the reason, with nothing filled, and with next to no
 * memory. */
#include "base/file.h"
#include "base/memory.h"
#include "unit/modelfile.h"
#include "unit/peak.h"
#include "unit/safetensors.h"

/** The memory beyond a file's size that refusing one of these small ones takes at most. */
#define BOUND ((size_t)96 * 1024)

enum { STATES = 2, VICTIMS = 2 };

/** A sound file, and what it fills. */
typedef struct victim {
    file whole;
    cnn_state_block states[STATES], expected[STATES];
    int state_count;
    safetensors parsed;
} victim;

static victim victims[VICTIMS];

static void make_golden(victim *v)
{
    cnn_error error = {0};
    if (cnn_file_read(CNN_TESTS "/golden/tiny.safetensors", 1 << 16, &v->whole.bytes, &v->whole.size, &error)) {
        fail_msg("%s", error.message);
    }
}

static void make_checkpoint(victim *v)
{
    static const char *const prefixes[STATES] = {"momentum", "average"};
    cnn_model *model = make_model(NULL);
    const size_t count = model->network->parameter_count;
    v->state_count = STATES;
    for (int i = 0; i < STATES; i++) {
        const bool whole = i == 1;
        v->states[i] = (cnn_state_block){prefixes[i], calloc(count, sizeof(cnn_real)), count, whole};
        v->expected[i] = (cnn_state_block){prefixes[i], calloc(count, sizeof(cnn_real)), count, whole};
        for (size_t k = 0; k < count; k++) {
            v->states[i].values[k] = v->expected[i].values[k] = (cnn_real)(k + 1);
        }
    }
    assert_int_equal(cnn_model_set_metadata(model, "checkpoint.position", "1 2 0.5 3 4 5 0.1", NULL), CNN_OK);
    assert_int_equal(cnn_model_encode(model, v->states, STATES, &v->whole.bytes, &v->whole.size, NULL), CNN_OK);
    cnn_model_free(model);
}

static int make_victims(void **state)
{
    (void)state;
    make_golden(&victims[0]);
    make_checkpoint(&victims[1]);
    for (int i = 0; i < VICTIMS; i++) {
        assert_true(safetensors_parse(victims[i].whole.bytes, victims[i].whole.size, &victims[i].parsed));
    }
    return 0;
}

static int free_victims(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        cnn_free(victims[i].whole.bytes);
        for (int s = 0; s < victims[i].state_count; s++) {
            free(victims[i].states[s].values);
            free(victims[i].expected[s].values);
        }
    }
    return 0;
}

static cnn_model *decode_victim(victim *v, const unsigned char *bytes, size_t size, cnn_error *error)
{
    error->message[0] = '\0';
    return cnn_model_decode(bytes, size, "some.model", v->states, v->state_count, error);
}

/** What was made of the victim's file is refused: one line that begins with the file's name and holds `reason`, states
 * as they were, no more memory than the file and BOUND. */
static void assert_victim_refused(victim *v, const unsigned char *bytes, size_t size, const char *reason)
{
    cnn_error error;
    unsigned char *exact = malloc(size > 0 ? size : 1); /* so that sanitizers see reads beyond the end */
    memcpy(exact, bytes, size);
    const long begin = peak_begin();
    cnn_model *model = decode_victim(v, exact, size, &error);
    assert_peak(begin, size, BOUND);
    free(exact);
    if (model != NULL || strncmp(error.message, "some.model: ", 12) != 0 || strstr(error.message, reason) == NULL) {
        fail_msg("expected '%s', found %s '%s'", reason, model != NULL ? "a model" : "the message", error.message);
    }
    assert_int_equal(error.status, strstr(reason, "recipe is another") != NULL ? CNN_MISMATCH : CNN_FORMAT);
    assert_true(strlen(error.message) > 20);
    assert_null(strchr(error.message, '\n'));
    for (int i = 0; i < v->state_count; i++) {
        assert_memory_equal(v->states[i].values, v->expected[i].values, v->states[i].count * sizeof(cnn_real));
    }
}

/** Without damage each is read, from the memory that its own content takes. */
static void the_whole_files_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        cnn_error error;
        cnn_model *model = decode_victim(v, v->whole.bytes, v->whole.size, &error);
        assert_string_equal(error.message, "");
        assert_non_null(model);
        cnn_model_free(model);
        for (int s = 0; s < v->state_count; s++) { /* but for alignment, and statistics that are not stored */
            memcpy(v->states[s].values, v->expected[s].values, v->states[s].count * sizeof(cnn_real));
        }
    }
}

/* ---- chance */

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        for (size_t size = 0; size < victims[i].whole.size; size++) {
            assert_victim_refused(&victims[i], victims[i].whole.bytes, size,
                                  size < 9 ? "is not a cnn model" : "damaged");
        }
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        const file *whole = &victims[i].whole;
        for (size_t bit = 0; bit < 8 * whole->size; bit++) {
            whole->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_victim_refused(&victims[i], whole->bytes, whole->size, "");
            whole->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
    the_whole_files_are_read(state);
}

/* ---- forgery: the checksum is right */

static void assert_splice_refused(victim *v, size_t at, size_t former_size, const char *text, const char *reason)
{
    const file forged = splice(&v->whole, at, former_size, text, strlen(text));
    assert_victim_refused(v, forged.bytes, forged.size, reason);
    free(forged.bytes);
}

static const char *const sizes[] = {"0",
                                    "1",
                                    "-1",
                                    "2147483647",
                                    "2147483648",
                                    "-2147483648",
                                    "4294967295",
                                    "4294967296",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "1e9",
                                    "4294967298.0"};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/** The header's bytes [*at, *end) of tensor `name`: its entry without the comma before. */
static void find_entry(const victim *v, const char *name, size_t *at, size_t *end)
{
    char key[200];
    snprintf(key, sizeof key, "\"%s\":{", name);
    const unsigned char *found = find(&v->whole, key);
    assert_non_null(found);
    *at = (size_t)(found - v->whole.bytes);
    *end = (size_t)((const unsigned char *)memchr(found, '}', v->whole.size - *at) - v->whole.bytes) + 1;
}

/** Each of a tensor's numbers, its sizes and offsets, as each of `sizes`. */
static void every_number_of_every_tensor_is_checked(void **state)
{
    (void)state;
    int tried = 0;
    for (int i = 0; i < VICTIMS; i++) {
        for (int t = 0; t < victims[i].parsed.count; t++) {
            victim *v = &victims[i];
            size_t at, end;
            find_entry(v, v->parsed.tensors[t].name, &at, &end);
            const char *const bytes = (const char *)v->whole.bytes;
            at = (size_t)(strchr(bytes + at, '[') - bytes); /* behind name and type, which have digits too */
            while (at < end) {
                const size_t length = strspn(bytes + at, "0123456789");
                for (int s = 0; length > 0 && s < SIZES; s++) {
                    if (strlen(sizes[s]) != length || memcmp(bytes + at, sizes[s], length) != 0) {
                        assert_splice_refused(v, at, length, sizes[s], "");
                        tried++;
                    }
                }
                at += length > 0 ? length : 1;
            }
        }
    }
    assert_true(tried > 1500);
}

static void products_that_overflow_are_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"[4294967296,4294967296]",     "[65536,65536,65536,65536]",
                                         "[9223372036854775807,2]",     "[2,9223372036854775807]",
                                         "[4294967296,1073741824,4]",   "[0,9223372036854775807,9223372036854775807]",
                                         "[2147483648,2,2147483648,2]", "[]"};
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        for (int t = 0; t < v->parsed.count; t++) {
            size_t at, end;
            find_entry(v, v->parsed.tensors[t].name, &at, &end);
            const char *const bytes = (const char *)v->whole.bytes;
            at = (size_t)(strchr(bytes + at, '[') - bytes);
            const size_t length = strcspn(bytes + at, "]") + 1;
            for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
                assert_splice_refused(v, at, length, shapes[s], "has not the type, the shape or the place");
            }
        }
    }
}

/** Tensor `t` with its place said to be [begin, end). */
static void assert_place_refused(victim *v, int t, size_t begin, size_t end)
{
    size_t at, entry_end;
    char place[64];
    find_entry(v, v->parsed.tensors[t].name, &at, &entry_end);
    const char *const bytes = (const char *)v->whole.bytes;
    at = (size_t)(strstr(bytes + at, "_offsets\":[") - bytes) + 10;
    snprintf(place, sizeof place, "[%zu,%zu]}", begin, end);
    assert_splice_refused(v, at, entry_end - at, place, "has not the type, the shape or the place");
}

/** Two tensors with the same bytes, one that reaches into the next, one that leaves a hole, one that ends before it
 * begins: for all pairs. */
static void every_overlap_and_hole_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        for (int t = 0; t < v->parsed.count; t++) {
            const safetensor *own = &v->parsed.tensors[t];
            for (int other = 0; other < v->parsed.count; other++) {
                const safetensor *its = &v->parsed.tensors[other];
                if (other != t) {
                    assert_place_refused(v, t, its->begin, its->end);
                    assert_place_refused(v, t, its->begin, its->begin + (own->end - own->begin));
                }
            }
            assert_place_refused(v, t, own->begin, own->end + 4);
            assert_place_refused(v, t, own->begin + 4, own->end + 4);
            assert_place_refused(v, t, own->end, own->begin);
        }
    }
}

/** A hole whose bytes are there: four more before a tensor, with the places of all that follow right. */
static void a_hole_filled_with_bytes_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        for (int hole = 0; hole <= v->parsed.count; hole++) {
            const size_t data_at = 8 + header_size(&v->whole);
            const size_t before = hole < v->parsed.count ? v->parsed.tensors[hole].begin : v->parsed.data_size;
            file forged = splice(&v->whole, data_at + before, 0, "\0\0\0", 4);
            for (int t = v->parsed.count - 1; t >= hole; t--) {
                char from[64], to[64];
                const safetensor *place = &v->parsed.tensors[t];
                snprintf(from, sizeof from, "\"data_offsets\":[%zu,%zu]", place->begin, place->end);
                snprintf(to, sizeof to, "\"data_offsets\":[%zu,%zu]", place->begin + 4, place->end + 4);
                const file moved = edit(&forged, from, to);
                free(forged.bytes);
                forged = moved;
            }
            assert_victim_refused(v, forged.bytes, forged.size, hole < v->parsed.count ? "the place" : "bytes of");
            free(forged.bytes);
        }
    }
}

/** Each entry twice: a tensor, one of a tensor's three, one of the metadata. */
static void every_double_key_is_refused(void **state)
{
    (void)state;
    static const char double_key[] = "not valid JSON (duplicate object key";
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        char entry[2048];
        for (int t = 0; t < v->parsed.count; t++) {
            size_t at, end;
            find_entry(v, v->parsed.tensors[t].name, &at, &end);
            snprintf(entry, sizeof entry, "%.*s,", (int)(end - at), (const char *)v->whole.bytes + at);
            assert_splice_refused(v, at, 0, entry, double_key);
            assert_splice_refused(v, end - 1, 0, ",\"dtype\":\"F32\"", double_key);
            assert_splice_refused(v, end - 1, 0, ",\"shape\":[2]", double_key);
            assert_splice_refused(v, end - 1, 0, ",\"data_offsets\":[0,4]", double_key);
        }
        for (int k = 0; k < v->parsed.metadata_count; k++) {
            snprintf(entry, sizeof entry, "\"%s\":\"", v->parsed.keys[k]);
            const size_t at = (size_t)(find(&v->whole, entry) - v->whole.bytes);
            snprintf(entry, sizeof entry, "\"%s\":\"00000000\",", v->parsed.keys[k]); /* the first "crc32" counts */
            assert_splice_refused(v, at, 0, entry, double_key);
        }
    }
}

static void every_value_must_be_finite(void **state)
{
    (void)state;
    static const char values[][5] = {"\0\0\xc0\x7f", "\0\0\x80\x7f", "\0\0\x80\xff", "\x01\0\x80\x7f",
                                     "\xff\xff\xff\xff"};
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i];
        for (size_t at = 8 + header_size(&v->whole); at < v->whole.size; at += 4) {
            for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
                const file forged = splice(&v->whole, at, 4, values[k], 4);
                assert_victim_refused(v, forged.bytes, forged.size, "holds a number that is not finite");
                free(forged.bytes);
            }
        }
    }
}

/** The sound file of one network where that of another is asked for, or a file with another network's recipe. */
static void a_file_of_another_network_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < VICTIMS; i++) {
        victim *v = &victims[i], *other = &victims[1 - i];
        assert_victim_refused(v, other->whole.bytes, other->whole.size,
                              i == 0 ? "is a checkpoint" : "is a model, not the checkpoint of a training");
        const char *const key = "\"recipe\":\"";
        const size_t at = (size_t)(find(&v->whole, key) - v->whole.bytes) + strlen(key);
        const size_t length =
            (size_t)((char *)strstr((char *)v->whole.bytes + at, "\",\"") - (char *)v->whole.bytes) - at;
        assert_splice_refused(v, at, length, "input 3x3x1\\nconv filters=2\\ndense units=2",
                              i == 0 ? "tensor conv1.weight has not" : "the recipe is another");
        assert_splice_refused(v, at, length, "input 3x3x1", "the recipe has no layer");
        assert_splice_refused(v, at, length, "", "the recipe has no input statement");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_files_are_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_number_of_every_tensor_is_checked),
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(every_overlap_and_hole_is_refused),
        cmocka_unit_test(a_hole_filled_with_bytes_is_refused),
        cmocka_unit_test(every_double_key_is_refused),
        cmocka_unit_test(every_value_must_be_finite),
        cmocka_unit_test(a_file_of_another_network_is_refused),
    };
    return cmocka_run_group_tests(tests, make_victims, free_victims);
}

/* Sizes that overflow are refused, memory is zeroed and aligned, and the arena measures what it places. */
#include "base/arena.h"
#include "base/memory.h"
#include "unit/unit.h"

#include <string.h>

static void checks_sizes(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(cnn_multiply_size(SIZE_MAX / 2 + 1, 2, &out));
    assert_false(cnn_add_size(SIZE_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(cnn_multiply_size(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    assert_true(cnn_multiply_size(SIZE_MAX, 0, &out) && out == 0);
    assert_true(cnn_add_size(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
}

static void allocates_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size += 37) {
        unsigned char *memory = cnn_alloc(size, 3);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % CNN_ALIGNMENT, 0);
        for (size_t i = 0; i < 3 * size; i++) {
            assert_int_equal(memory[i], 0);
        }
        cnn_free(memory);
    }
    assert_null(cnn_alloc(SIZE_MAX / 2, 3));
    assert_null(cnn_alloc(SIZE_MAX, 1));
}

static void grows(void **state)
{
    (void)state;
    int *values = cnn_resize(NULL, 0, 2, sizeof *values);
    values[0] = 1;
    values[1] = 2;
    assert_null(cnn_resize(values, 2, SIZE_MAX / 2, sizeof *values));
    values = cnn_resize(values, 2, 1000, sizeof *values);
    assert_true(values[0] == 1 && values[1] == 2 && values[2] == 0 && values[999] == 0);
    cnn_free(values);
}

static void fails_on_demand(void **state)
{
    (void)state;
    cnn_alloc_fail_after(1, false);
    void *first = cnn_alloc(1, 1);
    assert_non_null(first);
    assert_null(cnn_alloc(1, 1));
    void *third = cnn_alloc(1, 1);
    assert_non_null(third);
    cnn_alloc_fail_after(0, true);
    assert_null(cnn_alloc(1, 1));
    assert_null(cnn_copy_text("x", 1));
    cnn_alloc_fail_after(-1, false);
    char *text = cnn_copy_text("xyz", 2);
    assert_string_equal(text, "xy");
    cnn_free(text);
    cnn_free(first);
    cnn_free(third);
    assert_null(cnn_copy_text("x", SIZE_MAX));
}

static unsigned char *take_three(cnn_arena *arena, unsigned char *out[3])
{
    out[0] = cnn_arena_take(arena, 3, 7);
    out[1] = cnn_arena_take(arena, 0, 7);
    out[2] = cnn_arena_take(arena, 65, 1);
    return out[0];
}

static void arena_places_what_it_measured(void **state)
{
    (void)state;
    unsigned char *parts[3];
    cnn_arena arena = {0};
    assert_null(take_three(&arena, parts));
    assert_int_equal(arena.used, 3 * 64);
    unsigned char *block = cnn_alloc(arena.used, 1);
    arena = (cnn_arena){.base = block};
    assert_ptr_equal(take_three(&arena, parts), block);
    assert_ptr_equal(parts[2], block + 64);
    assert_int_equal(arena.used, 3 * 64);
    cnn_free(block);
}

static void arena_remembers_overflow(void **state)
{
    (void)state;
    cnn_arena arena = {0};
    cnn_arena_take(&arena, 1, 1);
    cnn_arena_take(&arena, SIZE_MAX / 2, 4);
    assert_true(arena.used == SIZE_MAX);
    cnn_arena_take(&arena, 1, 1);
    assert_true(arena.used == SIZE_MAX);
    arena.used = 64;
    cnn_arena_take(&arena, SIZE_MAX - 64, 1);
    assert_true(arena.used == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_sizes),
        cmocka_unit_test(allocates_zeroed_and_aligned),
        cmocka_unit_test(grows),
        cmocka_unit_test(fails_on_demand),
        cmocka_unit_test(arena_places_what_it_measured),
        cmocka_unit_test(arena_remembers_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

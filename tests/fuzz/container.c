/* Changes of a model file that leave it a file: of a string of its header, of the header's JSON, or of its tensors,
 * after which the header's length and the checksum are made right again; of that length alone; and, one change in
 * sixteen, of any bytes. */
#include "container.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

/** The header's length as the file says it; 0 where that is beyond the file. */
static size_t header_length(const uint8_t *bytes, size_t size)
{
    cnn_reader reader = {.bytes = bytes, .size = size};
    const uint64_t length = cnn_read_u64_little(&reader);
    return size < FUZZ_CONTAINER_HEADER || length > size - FUZZ_CONTAINER_HEADER ? 0 : (size_t)length;
}

/** Takes JSON's escapes out of a string's `size` bytes; its new size. */
static size_t unescape(uint8_t *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        const bool escape = text[i] == '\\' && i + 1 < size;
        i += escape;
        text[length++] = escape && text[i] == 'n' ? '\n' : text[i];
    }
    return length;
}

/** Puts them in again, into out[2 * size]. */
static size_t escape(const uint8_t *text, size_t size, uint8_t *out)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n' || text[i] == '"' || text[i] == '\\') {
            out[length++] = '\\';
        }
        out[length++] = text[i] == '\n' ? 'n' : text[i] < 0x20 ? ' ' : text[i];
    }
    return length;
}

/** The end of the string whose content begins at `at`: its closing quote. */
static size_t string_end(const uint8_t *bytes, size_t end, size_t at)
{
    while (at < end && bytes[at] != '"') {
        at += bytes[at] == '\\' ? 2 : 1;
    }
    return at < end ? at : end;
}

/** Chooses one of the header's strings, [*from, *to). */
static bool choose_string(const uint8_t *bytes, size_t length, unsigned choice, size_t *from, size_t *to)
{
    for (int pass = 0; pass < 2; pass++) {
        unsigned count = 0;
        for (size_t at = FUZZ_CONTAINER_HEADER; at < FUZZ_CONTAINER_HEADER + length; at++) {
            if (bytes[at] != '"') {
                continue;
            }
            *from = at + 1;
            at = *to = string_end(bytes, FUZZ_CONTAINER_HEADER + length, at + 1);
            if (pass == 1 && count == choice) {
                return true;
            }
            count++;
        }
        if (count == 0) {
            return false;
        }
        choice %= count;
    }
    return false;
}

/** Puts `size` bytes in the place of [from, to); the file's new size. */
static size_t replace(uint8_t *bytes, size_t whole, size_t from, size_t to, const uint8_t *text, size_t size)
{
    memmove(bytes + from + size, bytes + to, whole - to);
    memcpy(bytes + from, text, size);
    return whole + size - (to - from);
}

/** Changes [from, to), as text of a JSON string where it is one. */
static size_t mutate_span(uint8_t *bytes, size_t size, size_t most, size_t from, size_t to, bool is_string)
{
    const size_t room = most - size + (to - from);
    uint8_t *span = malloc(2 * room + 1), *escaped = malloc(2 * room + 1);
    assert(span != NULL && escaped != NULL);
    memcpy(span, bytes + from, to - from);
    size_t length = is_string ? unescape(span, to - from) : to - from;
    length = LLVMFuzzerMutate(span, length, room);
    if (is_string) {
        length = escape(span, length, escaped);
    }
    const size_t changed = length <= room ? replace(bytes, size, from, to, is_string ? escaped : span, length) : size;
    free(span);
    free(escaped);
    return changed;
}

/** Gives one of the tensors' numbers a value at the edge. */
static void set_number(uint8_t *bytes, size_t size, size_t from, unsigned choice)
{
    static const uint8_t values[][4] = {{0, 0, 0xc0, 0x7f}, {1, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff},
                                        {0, 0, 0, 0x80},    {1, 0, 0, 0},       {0xff, 0xff, 0x7f, 0x7f},
                                        {0, 0, 0x80, 0xbf}, {0, 0, 0, 0}};
    const size_t count = (size - from) / 4;
    if (count > 0) {
        memcpy(bytes + from + 4 * (choice / 8 % count), values[choice % 8], 4);
    }
}

/** Another length of the header than it has. */
static size_t other_length(size_t size, size_t length, unsigned choice)
{
    const size_t near = choice / 4 % 17;
    switch (choice % 4) {
    case 0:
        return length + near - 8;
    case 1:
        return size + near - 16; /* the file's end */
    case 2:
        return ((size_t)1 << choice / 4 % 64) - choice / 256 % 2;
    default:
        return 0;
    }
}

enum { KIND_ANY, KIND_NUMBER, KIND_LENGTH, KIND_TENSORS, KIND_HEADER, KIND_STRING = 7, KINDS = 16 };

/** A change that keeps the header's and the file's size. */
static size_t mutate_in_place(uint8_t *bytes, size_t size, size_t length, unsigned kind, unsigned choice)
{
    if (kind == KIND_NUMBER) {
        set_number(bytes, size, FUZZ_CONTAINER_HEADER + length, choice);
    } else {
        cnn_write_u64_little(bytes, other_length(size, length, choice));
    }
    fuzz_container_seal(bytes, size, length);
    return size;
}

size_t fuzz_container_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    const size_t length = header_length(bytes, size);
    const unsigned kind = seed % KINDS, choice = seed / KINDS;
    if (kind == KIND_ANY || length == 0 || most < size) {
        return LLVMFuzzerMutate(bytes, size, most);
    }
    if (kind == KIND_NUMBER || kind == KIND_LENGTH) {
        return mutate_in_place(bytes, size, length, kind, choice);
    }
    size_t from = FUZZ_CONTAINER_HEADER, to = FUZZ_CONTAINER_HEADER + length;
    if (kind == KIND_TENSORS) {
        from = FUZZ_CONTAINER_HEADER + length;
        to = size;
    }
    const bool is_string = kind >= KIND_STRING && choose_string(bytes, length, choice, &from, &to);
    const size_t changed = mutate_span(bytes, size, most, from, to, is_string);
    const size_t new_length = kind == KIND_TENSORS ? length : length + changed - size;
    cnn_write_u64_little(bytes, new_length);
    fuzz_container_seal(bytes, changed, new_length);
    return changed;
}

/* Changes of a model file that leave it a file: of a string of its header, of the header's JSON, or of its tensors,
 * after which the header's length and the checksum are made right again. One change in sixteen is of any bytes. */
#include "container.h"

#include "base/bytes.h"
#include "net/modelfile.h"

#include <stdlib.h>
#include <string.h>

/** The header begins behind its length. */
#define HEADER 8

/** The header's length as the file says it; 0 where that is beyond the file. */
static size_t header_length(const uint8_t *bytes, size_t size)
{
    cnn_reader reader = {.bytes = bytes, .size = size};
    const uint64_t length = cnn_read_u64_little(&reader);
    return size < HEADER || length > size - HEADER ? 0 : (size_t)length;
}

static void seal(uint8_t *bytes, size_t size, size_t length)
{
    static const char key[] = CNN_MODELFILE_CRC_KEY;
    const size_t key_size = sizeof key - 1;
    for (size_t at = HEADER; at + key_size + CNN_MODELFILE_CRC_DIGITS <= HEADER + length; at++) {
        if (memcmp(bytes + at, key, key_size) == 0) {
            char crc[CNN_MODELFILE_CRC_DIGITS + 1];
            cnn_modelfile_crc(bytes, size, at + key_size, crc);
            memcpy(bytes + at + key_size, crc, CNN_MODELFILE_CRC_DIGITS);
            return;
        }
    }
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
        for (size_t at = HEADER; at < HEADER + length; at++) {
            if (bytes[at] != '"') {
                continue;
            }
            *from = at + 1;
            at = *to = string_end(bytes, HEADER + length, at + 1);
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

size_t fuzz_container_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    const size_t length = header_length(bytes, size);
    const unsigned kind = seed % 16;
    if (kind == 0 || length == 0 || most < size) {
        return LLVMFuzzerMutate(bytes, size, most);
    }
    size_t from = HEADER, to = HEADER + length, changed = size;
    if (kind < 4) {
        from = HEADER + length;
        to = size;
    }
    const bool is_string = kind >= 8 && choose_string(bytes, length, seed / 16, &from, &to);
    changed = mutate_span(bytes, size, most, from, to, is_string);
    const size_t tail = kind < 4 ? 0 : changed - size;
    cnn_write_u64_little(bytes, length + tail);
    seal(bytes, changed, length + tail);
    return changed;
}

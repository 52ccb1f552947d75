/* Pictures. An input is a byte of choices, the height and width that are asked for, and the file; after each change but
 * one in sixteen the checksums of a PNG are made right again. What is refused leaves the output as it was. Pictures of
 * many pixels are left out: they take long and go the ways of small ones. */
#include "image/image.h"

#include "base/bytes.h"
#include "fuzz.h"
#include "image/look.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHOICE_COLOUR = 1, CHOICE_DIGIT = 2 };

#define MOST_PIXELS ((uint64_t)1 << 16)
#define UNTOUCHED 0xa5
#define PNG "\x89PNG\r\n\x1a\n"
/** The bytes before the file. */
#define CHOICES 3

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/** Writes the checksums of a PNG's chunks, as far as their lengths lead. */
static void seal_png(uint8_t *bytes, size_t size)
{
    cnn_reader file = {.bytes = bytes, .size = size, .at = strlen(PNG)};
    for (;;) {
        const size_t content = cnn_read_u32_big(&file), begin = file.at;
        cnn_read_span(&file, 4 + content);
        cnn_read_u32_big(&file);
        if (file.failed) {
            return;
        }
        const uint32_t checksum = (uint32_t)crc32_z(0, bytes + begin, 4 + content);
        for (size_t i = 0; i < 4; i++) {
            bytes[begin + 4 + content + i] = (uint8_t)(checksum >> (24 - 8 * i));
        }
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    const size_t changed = LLVMFuzzerMutate(data, size, most);
    if (seed % 16 != 0 && changed > CHOICES + strlen(PNG) && memcmp(data + CHOICES, PNG, strlen(PNG)) == 0) {
        seal_png(data + CHOICES, changed - CHOICES);
    }
    return changed;
}

/** The size that the file's header tells, whole or not; 0 where there is none. */
static cnn_look look_at(fuzz_input file)
{
    static const struct {
        const char *signature;
        cnn_status (*look)(const unsigned char *, size_t, const char *, cnn_look *, cnn_error *);
    } formats[] = {{"\xff\xd8", cnn_jpeg_look}, {PNG, cnn_png_look}, {"BM", cnn_bmp_look}};
    cnn_look look = {0};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const size_t length = strlen(formats[i].signature);
        if (file.size >= length && memcmp(file.bytes, formats[i].signature, length) == 0 &&
            formats[i].look(file.bytes, file.size, "picture", &look, NULL) != CNN_OK) {
            look = (cnn_look){0};
        }
    }
    return look;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const uint8_t choices = fuzz_take_byte(&input);
    const int height = 1 + fuzz_take_byte(&input) % 48, width = 1 + fuzz_take_byte(&input) % 48;
    const int channels = choices & CHOICE_COLOUR ? 3 : 1;
    const bool digit = channels == 1 && (choices & CHOICE_DIGIT);
    const cnn_image_form form = {{height, width, channels}, digit ? CNN_FIT_DIGIT : CNN_FIT_CROP};
    const cnn_look look = look_at(input);
    const uint64_t pixels = (uint64_t)look.width * look.height;
    if (pixels > MOST_PIXELS && pixels <= CNN_IMAGE_PIXELS) {
        return 0;
    }
    const size_t out_size = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *out = malloc(out_size);
    memset(out, UNTOUCHED, out_size);
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 18) + 8 * size + 64 * ((size_t)look.width + 32) * ((size_t)look.height + 32));
    if (cnn_image_fit(input.bytes, input.size, "picture", form, out, &error) != CNN_OK) {
        fuzz_check_error(&error);
        for (size_t i = 0; i < out_size; i++) {
            assert(out[i] == UNTOUCHED);
        }
    }
    fuzz_end();
    free(out);
    return 0;
}

/* Pictures. An input is a byte of choices, the height and width that are asked for, and the file. What is refused leaves
 * the output as it was. Pictures of many pixels are left out: they take long and go the same ways as small ones. */
#include "image/image.h"

#include "fuzz.h"
#include "image/jpeg.h"
#include "image/stb.h"

#include <stdlib.h>
#include <string.h>

enum { CHOICE_COLOUR = 1, CHOICE_DIGIT = 2 };

#define MOST_PIXELS ((uint64_t)1 << 16)
#define UNTOUCHED 0xa5

/** The picture's size, for as much as its header tells; 0x0 where decoding refuses it at once. */
static cnn_picture header_of(fuzz_input file)
{
    cnn_picture picture = {0};
    cnn_error error;
    int orientation;
    if (file.size < 2 || (file.bytes[0] == 0xff && file.bytes[1] != 0xd8) || /* cnn_image_fit() looks at that before */
        !cnn_jpeg_inspect(file.bytes, file.size, &orientation) ||
        cnn_stb_size(file.bytes, file.size, "picture", &picture, &error) != CNN_OK || picture.width > CNN_IMAGE_SIDE ||
        picture.height > CNN_IMAGE_SIDE || picture.width < 1 || picture.height < 1) {
        return (cnn_picture){0};
    }
    return picture;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const uint8_t choices = fuzz_take_byte(&input);
    const int height = 1 + fuzz_take_byte(&input) % 48, width = 1 + fuzz_take_byte(&input) % 48;
    const int channels = choices & CHOICE_COLOUR ? 3 : 1;
    const bool digit = channels == 1 && (choices & CHOICE_DIGIT);
    const cnn_image_form form = {{height, width, channels}, digit ? CNN_FIT_DIGIT : CNN_FIT_CROP};
    const cnn_picture picture = header_of(input);
    const uint64_t pixels = (uint64_t)picture.width * (uint64_t)picture.height;
    if (pixels > MOST_PIXELS && pixels <= CNN_IMAGE_PIXELS) {
        return 0;
    }
    const size_t out_size = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *out = malloc(out_size);
    memset(out, UNTOUCHED, out_size);
    cnn_error error = fuzz_no_error();
    fuzz_begin(((size_t)1 << 18) + 8 * size +
               (size_t)64 * (size_t)(picture.width + 32) * (size_t)(picture.height + 32));
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

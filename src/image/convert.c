/* Channels and orientation. A picture only ever loses channels in place: grey is spread over three at the very end,
 * when it has its final size. */
#include "image/convert.h"

/* A value of `alpha` / 255 opacity on white, rounded. */
static uint8_t on_white(unsigned value, unsigned alpha)
{
    return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/* Rec. 601 luma in thousandths: exact for greys. */
static uint8_t luma(const uint8_t *rgb)
{
    return (uint8_t)((299u * rgb[0] + 587u * rgb[1] + 114u * rgb[2] + 500u) / 1000u);
}

void cnn_flatten(cnn_picture *picture, int channels)
{
    const int from = picture->channels;
    const bool has_alpha = from == 2 || from == 4;
    const int colours = has_alpha ? from - 1 : from;
    const int to = colours > channels ? channels : colours;
    const size_t count = (size_t)picture->width * (size_t)picture->height;
    const uint8_t *in = picture->pixels;
    uint8_t *out = picture->pixels;
    if (from == to) {
        return;
    }
    for (size_t i = 0; i < count; i++, in += from, out += to) {
        uint8_t pixel[3] = {0};
        for (int c = 0; c < colours; c++) {
            pixel[c] = has_alpha ? on_white(in[c], in[colours]) : in[c];
        }
        if (to < colours) {
            pixel[0] = luma(pixel);
        }
        for (int c = 0; c < to; c++) {
            out[c] = pixel[c];
        }
    }
    picture->channels = to;
    picture->stride = picture->width * to;
}

/* EXIF counts where the stored picture's row 0 and column 0 are seen: 1 top left, 2 top right, 3 bottom right,
 * 4 bottom left; 5 to 8 the same with rows and columns exchanged: left top, right top, right bottom, left bottom. */
void cnn_orient(const cnn_picture *picture, int orientation, int channels, uint8_t *out)
{
    const bool turned = orientation >= 5;
    const int corner = turned ? orientation - 4 : orientation;
    const bool from_right = corner == 2 || corner == 3, from_bottom = corner == 3 || corner == 4;
    const int width = turned ? picture->height : picture->width;
    const int height = turned ? picture->width : picture->height;
    const ptrdiff_t across = turned ? picture->stride : picture->channels;
    const ptrdiff_t down = turned ? picture->channels : picture->stride;
    for (int y = 0; y < height; y++) {
        const ptrdiff_t row = down * (from_bottom ? height - 1 - y : y);
        for (int x = 0; x < width; x++) {
            const uint8_t *const pixel = picture->pixels + row + across * (from_right ? width - 1 - x : x);
            for (int c = 0; c < channels; c++) {
                *out++ = pixel[picture->channels == 1 ? 0 : c];
            }
        }
    }
}

/* Charts as SVG 1.1: lines and text, so that names can be searched for and the picture scales. Coordinates are written
 * in hundredths, by whole numbers alone. */
#include "base/memory.h"
#include "base/text.h"
#include "report/canvas.h"
#include "report/font.h"

#include <math.h>

struct cnn_canvas {
    cnn_text text;
};

/** Appends `value`, which is well below 1e15, with at most two decimals. */
static void append_number(cnn_text *text, double value)
{
    char digits[24];
    size_t at = sizeof digits;
    const long long hundredths = llround(fabs(value) * 100);
    long long left = hundredths;
    for (int place = 0; place < 3 || left > 0; place++, left /= 10) {
        if (place == 2 && at < sizeof digits) {
            digits[--at] = '.';
        }
        if (place >= 2 || left % 10 != 0 || at < sizeof digits) {
            digits[--at] = (char)('0' + left % 10);
        }
    }
    if (value < 0 && hundredths > 0) {
        digits[--at] = '-';
    }
    cnn_text_append_span(text, digits + at, sizeof digits - at);
}

/** Appends ` name="value"`. */
static void append_attribute(cnn_text *text, const char *name, double value)
{
    cnn_text_append(text, " ");
    cnn_text_append(text, name);
    cnn_text_append(text, "=\"");
    append_number(text, value);
    cnn_text_append(text, "\"");
}

/** What stands for a character that XML takes for its own or permits nowhere; NULL where it stands for itself. */
static const char *replacement(const char *character, size_t length)
{
    const unsigned char first = (unsigned char)*character;
    switch (first) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        break;
    }
    const bool alone = length == 1 && (first < 0x20 || first >= 0x7f);
    const bool none = length == 3 && first == 0xef && (unsigned char)character[1] == 0xbf &&
                      (unsigned char)character[2] >= 0xbe; /* U+FFFE, U+FFFF */
    return alone || none ? "?" : NULL;
}

static void append_escaped(cnn_text *text, const char *content, size_t length)
{
    double width;
    for (size_t at = 0, bytes; at < length; at += bytes) {
        bytes = cnn_font_character(content + at, length - at, &width);
        const char *const other = replacement(content + at, bytes);
        if (other != NULL) {
            cnn_text_append(text, other);
        } else {
            cnn_text_append_span(text, content + at, bytes);
        }
    }
}

static cnn_canvas *open(int width, int height)
{
    cnn_canvas *const canvas = cnn_alloc(1, sizeof *canvas);
    if (canvas == NULL) {
        return NULL;
    }
    cnn_text_appendf(&canvas->text,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                     "font-family=\"sans-serif\">\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
                     width, height, width, height, width, height);
    return canvas;
}

static void draw_dot(cnn_text *text, cnn_point at, const cnn_stroke *stroke)
{
    cnn_text_append(text, "<circle");
    append_attribute(text, "cx", at.x);
    append_attribute(text, "cy", at.y);
    append_attribute(text, "r", stroke->width / 2);
    cnn_text_appendf(text, " fill=\"#%06x\"/>\n", (unsigned)stroke->colour);
}

static void draw_line(cnn_canvas *canvas, const cnn_point *points, size_t count, const cnn_stroke *stroke)
{
    cnn_text *const text = &canvas->text;
    if (count == 1) {
        draw_dot(text, points[0], stroke);
        return;
    }
    cnn_text_append(text, "<polyline points=\"");
    for (size_t i = 0; i < count; i++) {
        cnn_text_append(text, i > 0 ? " " : "");
        append_number(text, points[i].x);
        cnn_text_append(text, ",");
        append_number(text, points[i].y);
    }
    cnn_text_appendf(text, "\" fill=\"none\" stroke=\"#%06x\"", (unsigned)stroke->colour);
    append_attribute(text, "stroke-width", stroke->width);
    cnn_text_append(text, " stroke-linecap=\"round\" stroke-linejoin=\"round\"");
    for (int i = 0; i < CNN_DASHES && stroke->dashes[i] > 0; i++) {
        cnn_text_append(text, i == 0 ? " stroke-dasharray=\"" : " ");
        append_number(text, stroke->dashes[i]);
    }
    cnn_text_append(text, stroke->dashes[0] > 0 ? "\"/>\n" : "/>\n");
}

static void draw_label(cnn_canvas *canvas, const cnn_label *label)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    cnn_text *const text = &canvas->text;
    cnn_text_append(text, "<text");
    append_attribute(text, "x", label->at.x);
    append_attribute(text, "y", label->at.y);
    append_attribute(text, "font-size", label->size);
    cnn_text_appendf(text, " fill=\"#%06x\"", (unsigned)label->colour);
    if (label->anchor != CNN_ANCHOR_START) {
        cnn_text_appendf(text, " text-anchor=\"%s\"", anchors[label->anchor]);
    }
    if (label->bold) {
        cnn_text_append(text, " font-weight=\"bold\"");
    }
    if (label->upwards) {
        cnn_text_append(text, " transform=\"rotate(-90 ");
        append_number(text, label->at.x);
        cnn_text_append(text, " ");
        append_number(text, label->at.y);
        cnn_text_append(text, ")\"");
    }
    cnn_text_append(text, ">");
    append_escaped(text, label->text, label->length);
    cnn_text_append(text, label->cut ? CNN_FONT_ELLIPSIS "</text>\n" : "</text>\n");
}

static cnn_status finish(cnn_canvas *canvas, unsigned char **bytes, size_t *size, cnn_error *error)
{
    cnn_text_append(&canvas->text, "</svg>\n");
    const size_t length = canvas->text.length;
    char *const content = cnn_text_take(&canvas->text, error);
    if (content == NULL) {
        return CNN_MEMORY;
    }
    *bytes = (unsigned char *)content;
    *size = length;
    return CNN_OK;
}

static void release(cnn_canvas *canvas)
{
    if (canvas != NULL) {
        cnn_text_clear(&canvas->text);
        cnn_free(canvas);
    }
}

const cnn_canvas_kind cnn_canvas_svg = {".svg", open, draw_line, draw_label, finish, release};

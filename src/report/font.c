/* A pen's alphabet, drawn for this project: narrow enough for a legend, with figures of one width. A character is a
 * path on a grid of 40 units to the font's size, y upwards from the baseline: capitals are 28 high, small letters 20.
 *
 *   M x y       lifts the pen and puts it down at x, y
 *   L x y ...   draws on to each point, as do further points behind M
 *   Q cx cy x y draws a quarter of an ellipse to x, y, whose tangents meet in the corner cx, cy
 *   D x y       a dot that stands on x, y
 */
#include "report/font.h"

#include "base/text.h"

#include <string.h>

#define GRID 40.0
/** From a character's last stroke to the first of the next. */
#define BEARING 9
/** How wide a character is taken to be that only viewers of an SVG file have: letters beyond ASCII, and ideographs. */
#define LETTER_WIDTH 0.65
#define WIDE_WIDTH 1.0

static const struct glyph {
    int width; /* of the strokes */
    const char *path;
} glyphs[] = {
    /*   */ {4, ""},
    /* ! */ {0, "M 0 28 0 9 D 0 0"},
    /* " */ {6, "M 0 28 0 20 M 6 28 6 20"},
    /* # */ {20, "M 8 27 4 1 M 17 27 13 1 M 1 19 20 19 M 0 9 19 9"},
    /* $ */ {16, "M 15 22 Q 13 26 8 26 Q 1 26 1 20 Q 1 15 8 14 Q 16 13 16 8 Q 16 2 8 2 Q 2 2 0 6 M 8 30 8 -2"},
    /* % */
    {28, "M 0 22 Q 0 28 5 28 Q 10 28 10 22 Q 10 16 5 16 Q 0 16 0 22 "
         "M 18 6 Q 18 12 23 12 Q 28 12 28 6 Q 28 0 23 0 Q 18 0 18 6 M 23 28 5 0"},
    /* & */ {21, "M 20 14 Q 18 0 8 0 Q 0 0 0 7 Q 0 12 6 15 Q 13 19 13 23 Q 13 28 9 28 Q 4 28 4 23 Q 4 20 8 15 L 21 0"},
    /* ' */ {0, "M 0 28 0 20"},
    /* ( */ {6, "M 6 31 Q 0 23 0 13 Q 0 3 6 -5"},
    /* ) */ {6, "M 0 31 Q 6 23 6 13 Q 6 3 0 -5"},
    /* * */ {14, "M 7 28 7 14 M 1 25 13 17 M 13 25 1 17"},
    /* + */ {18, "M 9 20 9 2 M 0 11 18 11"},
    /* , */ {2, "M 2 1 0 -5"},
    /* - */ {9, "M 0 10 9 10"},
    /* . */ {0, "D 0 0"},
    /* / */ {11, "M 0 -3 11 28"},
    /* 0 */ {17, "M 0 14 Q 0 28 8 28 Q 17 28 17 14 Q 17 0 8 0 Q 0 0 0 14"},
    /* 1 */ {17, "M 2 23 9 28 9 0 M 2 0 16 0"},
    /* 2 */ {17, "M 1 23 Q 3 28 8 28 Q 16 28 16 21 Q 16 17 11 11 L 1 0 16 0"},
    /* 3 */ {17, "M 1 25 Q 4 28 8 28 Q 15 28 15 21 Q 15 15 8 15 L 6 15 M 8 15 Q 16 15 16 8 Q 16 0 8 0 Q 3 0 0 3"},
    /* 4 */ {17, "M 13 0 13 28 0 9 17 9"},
    /* 5 */ {17, "M 15 28 3 28 2 15 Q 4 18 9 18 Q 16 18 16 9 Q 16 0 8 0 Q 3 0 0 3"},
    /* 6 */ {17, "M 15 26 Q 13 28 10 28 Q 0 28 0 11 M 0 9 Q 0 17 8 17 Q 16 17 16 9 Q 16 0 8 0 Q 0 0 0 9 L 0 11"},
    /* 7 */ {17, "M 0 28 16 28 6 0"},
    /* 8 */
    {17, "M 8 15 Q 1 15 1 21 Q 1 28 8 28 Q 15 28 15 21 Q 15 15 8 15 Q 0 15 0 8 Q 0 0 8 0 Q 16 0 16 8 Q 16 15 8 15"},
    /* 9 */ {17, "M 1 2 Q 3 0 6 0 Q 16 0 16 17 M 16 19 Q 16 11 8 11 Q 0 11 0 19 Q 0 28 8 28 Q 16 28 16 19 L 16 17"},
    /* : */ {0, "D 0 0 D 0 16"},
    /* ; */ {2, "D 2 16 M 2 1 0 -5"},
    /* < */ {17, "M 17 20 0 11 17 2"},
    /* = */ {18, "M 0 15 18 15 M 0 7 18 7"},
    /* > */ {17, "M 0 20 17 11 0 2"},
    /* ? */ {14, "M 0 23 Q 2 28 7 28 Q 14 28 14 22 Q 14 18 10 15 Q 7 13 7 9 D 7 0"},
    /* @ */
    {28, "M 20 13 Q 20 19 14 19 Q 8 19 8 12 Q 8 5 14 5 Q 20 5 20 13 "
         "M 20 19 20 9 Q 20 5 23 5 Q 28 5 28 13 Q 28 27 15 27 Q 0 27 0 11 Q 0 -5 15 -5 Q 20 -5 24 -3"},
    /* A */ {22, "M 0 0 11 28 22 0 M 4 10 18 10"},
    /* B */ {17, "M 9 15 Q 17 15 17 8 Q 17 0 9 0 L 0 0 0 28 8 28 Q 15 28 15 21 Q 15 15 8 15 L 0 15"},
    /* C */ {20, "M 20 24 Q 17 28 11 28 Q 0 28 0 14 Q 0 0 11 0 Q 17 0 20 4"},
    /* D */ {21, "M 0 0 0 28 8 28 Q 21 28 21 14 Q 21 0 8 0 L 0 0"},
    /* E */ {15, "M 15 28 0 28 0 0 15 0 M 0 15 13 15"},
    /* F */ {14, "M 14 28 0 28 0 0 M 0 15 12 15"},
    /* G */ {21, "M 20 24 Q 17 28 11 28 Q 0 28 0 14 Q 0 0 11 0 Q 17 0 21 3 L 21 13 13 13"},
    /* H */ {19, "M 0 0 0 28 M 19 0 19 28 M 0 15 19 15"},
    /* I */ {0, "M 0 0 0 28"},
    /* J */ {9, "M 9 28 9 6 Q 9 0 4 0 Q 2 0 0 1"},
    /* K */ {18, "M 0 0 0 28 M 17 28 0 11 M 6 17 18 0"},
    /* L */ {14, "M 0 28 0 0 14 0"},
    /* M */ {24, "M 0 0 0 28 12 8 24 28 24 0"},
    /* N */ {19, "M 0 0 0 28 19 0 19 28"},
    /* O */ {23, "M 0 14 Q 0 28 11 28 Q 23 28 23 14 Q 23 0 11 0 Q 0 0 0 14"},
    /* P */ {17, "M 0 0 0 28 9 28 Q 17 28 17 20 Q 17 12 9 12 L 0 12"},
    /* Q */ {23, "M 0 14 Q 0 28 11 28 Q 23 28 23 14 Q 23 0 11 0 Q 0 0 0 14 M 13 4 20 -4"},
    /* R */ {18, "M 0 0 0 28 9 28 Q 17 28 17 21 Q 17 13 9 13 L 0 13 M 9 13 Q 13 13 15 7 L 18 0"},
    /* S */ {17, "M 16 24 Q 13 28 9 28 Q 1 28 1 21 Q 1 16 9 14 Q 17 12 17 7 Q 17 0 9 0 Q 3 0 0 4"},
    /* T */ {20, "M 0 28 20 28 M 10 28 10 0"},
    /* U */ {18, "M 0 28 0 10 Q 0 0 9 0 Q 18 0 18 10 L 18 28"},
    /* V */ {22, "M 0 28 11 0 22 28"},
    /* W */ {32, "M 0 28 8 0 16 27 24 0 32 28"},
    /* X */ {19, "M 0 28 19 0 M 19 28 0 0"},
    /* Y */ {20, "M 0 28 10 13 20 28 M 10 13 10 0"},
    /* Z */ {19, "M 1 28 18 28 0 0 19 0"},
    /* [ */ {6, "M 6 31 0 31 0 -5 6 -5"},
    /* \ */ {11, "M 0 28 11 -3"},
    /* ] */ {6, "M 0 31 6 31 6 -5 0 -5"},
    /* ^ */ {16, "M 0 17 8 28 16 17"},
    /* _ */ {18, "M 0 -5 18 -5"},
    /* ` */ {5, "M 0 29 5 24"},
    /* a */ {15, "M 1 18 Q 4 20 8 20 Q 15 20 15 13 L 15 0 M 15 12 8 12 Q 0 12 0 6 Q 0 0 6 0 Q 12 0 15 6"},
    /* b */ {16, "M 0 0 0 29 M 0 10 Q 0 20 8 20 Q 16 20 16 10 Q 16 0 8 0 Q 0 0 0 10"},
    /* c */ {14, "M 14 18 Q 11 20 8 20 Q 0 20 0 10 Q 0 0 8 0 Q 11 0 14 2"},
    /* d */ {16, "M 16 0 16 29 M 16 10 Q 16 20 8 20 Q 0 20 0 10 Q 0 0 8 0 Q 16 0 16 10"},
    /* e */ {16, "M 0 11 16 11 Q 16 20 8 20 Q 0 20 0 10 Q 0 0 8 0 Q 12 0 15 3"},
    /* f */ {10, "M 11 29 9 29 Q 4 29 4 23 L 4 0 M 0 20 10 20"},
    /* g */ {16, "M 16 20 16 1 Q 16 -8 8 -8 Q 4 -8 1 -6 M 16 10 Q 16 20 8 20 Q 0 20 0 10 Q 0 0 8 0 Q 16 0 16 10"},
    /* h */ {15, "M 0 0 0 29 M 0 11 Q 0 20 8 20 Q 15 20 15 12 L 15 0"},
    /* i */ {0, "M 0 0 0 20 D 0 26"},
    /* j */ {3, "M 3 20 3 -3 Q 3 -8 -2 -8 D 3 26"},
    /* k */ {14, "M 0 0 0 29 M 13 20 0 8 M 5 13 14 0"},
    /* l */ {0, "M 0 0 0 29"},
    /* m */ {26, "M 0 0 0 20 M 0 12 Q 0 20 7 20 Q 13 20 13 13 L 13 0 M 13 12 Q 13 20 20 20 Q 26 20 26 13 L 26 0"},
    /* n */ {15, "M 0 0 0 20 M 0 11 Q 0 20 8 20 Q 15 20 15 12 L 15 0"},
    /* o */ {17, "M 0 10 Q 0 20 8 20 Q 17 20 17 10 Q 17 0 8 0 Q 0 0 0 10"},
    /* p */ {16, "M 0 -8 0 20 M 0 10 Q 0 20 8 20 Q 16 20 16 10 Q 16 0 8 0 Q 0 0 0 10"},
    /* q */ {16, "M 16 -8 16 20 M 16 10 Q 16 20 8 20 Q 0 20 0 10 Q 0 0 8 0 Q 16 0 16 10"},
    /* r */ {9, "M 0 0 0 20 M 0 10 Q 0 20 7 20 L 10 20"},
    /* s */ {13, "M 12 18 Q 10 20 7 20 Q 1 20 1 15 Q 1 11 7 10 Q 13 9 13 5 Q 13 0 7 0 Q 3 0 0 2"},
    /* t */ {10, "M 4 26 4 6 Q 4 0 10 0 L 11 0 M 0 20 10 20"},
    /* u */ {15, "M 0 20 0 8 Q 0 0 7 0 Q 15 0 15 9 M 15 20 15 0"},
    /* v */ {16, "M 0 20 8 0 16 20"},
    /* w */ {24, "M 0 20 6 0 12 19 18 0 24 20"},
    /* x */ {15, "M 0 20 15 0 M 15 20 0 0"},
    /* y */ {16, "M 0 20 8 0 M 16 20 8 0 Q 5 -8 0 -8"},
    /* z */ {14, "M 0 20 14 20 0 0 14 0"},
    /* { */ {9, "M 9 31 Q 4 31 4 26 L 4 18 Q 4 13 0 13 Q 4 13 4 8 L 4 0 Q 4 -5 9 -5"},
    /* | */ {0, "M 0 31 0 -7"},
    /* } */ {9, "M 0 31 Q 5 31 5 26 L 5 18 Q 5 13 9 13 Q 5 13 5 8 L 5 0 Q 5 -5 0 -5"},
    /* ~ */ {20, "M 0 9 Q 1 14 5 14 Q 8 14 10 11 Q 12 8 15 8 Q 19 8 20 13"},
};

static const struct glyph *find(char character)
{
    const int index = character - ' ';
    return &glyphs[index >= 0 && index < (int)(sizeof glyphs / sizeof glyphs[0]) ? index : '?' - ' '];
}

size_t cnn_font_character(const char *text, size_t length, double *width)
{
    const size_t bytes = cnn_utf8_length(text, length);
    if (bytes >= 2) {
        *width = bytes == 2 ? LETTER_WIDTH : WIDE_WIDTH;
        return bytes;
    }
    *width = (find(*text)->width + BEARING) / GRID;
    return 1;
}

double cnn_font_width(const char *text, size_t length, double size)
{
    double sum = 0, width;
    for (size_t at = 0; at < length;) {
        at += cnn_font_character(text + at, length - at, &width);
        sum += width;
    }
    return size * sum;
}

/** A path under way. */
typedef struct pen {
    const char *at; /* what is left of the path */
    cnn_point place;
    cnn_font_pen *draw;
    void *context;
} pen;

static cnn_point read_point(pen *with)
{
    int numbers[2];
    for (int i = 0; i < 2; i++) {
        with->at += strspn(with->at, " ");
        const bool negative = *with->at == '-';
        with->at += negative;
        int number = 0;
        for (; *with->at >= '0' && *with->at <= '9'; with->at++) {
            number = 10 * number + (*with->at - '0');
        }
        numbers[i] = negative ? -number : number;
    }
    with->at += strspn(with->at, " ");
    return (cnn_point){(numbers[0] + BEARING / 2.0) / GRID, -numbers[1] / GRID};
}

static void draw_to(pen *with, cnn_point to)
{
    with->draw(with->context, with->place, to);
    with->place = to;
}

/** With p0 the present place, p1 the corner and p2 the end: p1 + (p0 - p1) (1 - sin a) + (p2 - p1) (1 - cos a). */
static void draw_quarter(pen *with, cnn_point corner, cnn_point end)
{
    static const double sines[] = {0, 0.258819, 0.5, 0.707107, 0.866025, 0.965926, 1}; /* of 0, 15 .. 90 degrees */
    const cnn_point a = {with->place.x - corner.x, with->place.y - corner.y};
    const cnn_point b = {end.x - corner.x, end.y - corner.y};
    for (int i = 1; i <= 6; i++) {
        const double along = 1 - sines[i], across = 1 - sines[6 - i];
        draw_to(with, (cnn_point){corner.x + a.x * along + b.x * across, corner.y + a.y * along + b.y * across});
    }
}

/** Wider than the pen and less than twice as high. */
static void draw_dot(pen *with, cnn_point at)
{
    const double out = 0.6 / GRID, up = 1.2 / GRID;
    with->draw(with->context, (cnn_point){at.x - out, at.y}, (cnn_point){at.x + out, at.y});
    with->draw(with->context, (cnn_point){at.x - out, at.y - up}, (cnn_point){at.x + out, at.y - up});
}

void cnn_font_draw(const char *text, cnn_font_pen *draw, void *context)
{
    pen with = {find(*text)->path, {0, 0}, draw, context};
    char command = 'M';
    while (*with.at != '\0') {
        if (strchr("MLQD", *with.at) != NULL) {
            command = *with.at++;
        }
        const cnn_point point = read_point(&with);
        if (command == 'Q') {
            draw_quarter(&with, point, read_point(&with));
        } else if (command == 'L') {
            draw_to(&with, point);
        } else if (command == 'D') {
            draw_dot(&with, point);
        } else {
            with.place = point;
            command = 'L';
        }
    }
}

/* Parts are connected by their sides and corners. The digit's main part has the most contrast, near the centre most of
 * all. Further parts belong to it (the bar of a 5) where they are no specks, and close to what is kept already. */
#include "image/figure.h"

#include "image/place.h"

#include <string.h>

/** A digit is at least this part of the picture's longer side long. */
#define SMALLEST 20
/** Parts of less than this share of the main part's pixels are specks. */
#define SPECK 0.03
/** Parts belong together whose boxes are less than this share of the longer side of their common box apart. */
#define CLOSE 0.25
/** The most parts that are looked at: only in noise are there more. */
#define PARTS 512

typedef struct part {
    cnn_box box;
    int seed, count; /* one of its pixels, and how many it has */
    double weight;
    bool kept;
} part;

/** Nearness to the centre, along one side: 1 there, little at the border. */
static double nearness(int at, int size)
{
    const double from_centre = (2.0 * at + 1) / size - 1;
    return 1 - 0.9 * from_centre * from_centre;
}

static void add_pixel(part *to, const cnn_plane *contrast, int x, int y)
{
    const float value = contrast->values[(size_t)y * (size_t)contrast->width + (size_t)x];
    cnn_box *const box = &to->box;
    box->left = x < box->left ? x : box->left;
    box->top = y < box->top ? y : box->top;
    box->right = x >= box->right ? x + 1 : box->right;
    box->bottom = y >= box->bottom ? y + 1 : box->bottom;
    to->weight += (double)value * nearness(x, contrast->width) * nearness(y, contrast->height);
}

/** Fills the queue with the pixels of the part that `seed` belongs to, marks them, and returns their count. */
static int flood(const cnn_plane *contrast, float threshold, int seed, uint8_t *marks, int *queue)
{
    const int width = contrast->width, height = contrast->height;
    int from = 0, to = 0;
    marks[seed] = 1;
    queue[to++] = seed;
    while (from < to) {
        const int x = queue[from] % width, y = queue[from] / width;
        from++;
        for (int near_y = y > 0 ? y - 1 : 0; near_y <= y + 1 && near_y < height; near_y++) {
            for (int near_x = x > 0 ? x - 1 : 0; near_x <= x + 1 && near_x < width; near_x++) {
                const int at = near_y * width + near_x;
                if (!marks[at] && contrast->values[at] >= threshold) {
                    marks[at] = 1;
                    queue[to++] = at;
                }
            }
        }
    }
    return to;
}

/** The box and the weight of a part's pixels. */
static part measure(const cnn_plane *contrast, const int *pixels, int count)
{
    part found = {.seed = pixels[0], .count = count, .box = {contrast->width, contrast->height, 0, 0}};
    for (int i = 0; i < count; i++) {
        add_pixel(&found, contrast, pixels[i] % contrast->width, pixels[i] / contrast->width);
    }
    return found;
}

/** Where the next part goes: at the end, or in the place of the least where there are PARTS. */
static part *make_place(part *parts, int *count, double weight)
{
    if (*count < PARTS) {
        return &parts[(*count)++];
    }
    part *least = parts;
    for (int i = 1; i < PARTS; i++) {
        least = parts[i].weight < least->weight ? &parts[i] : least;
    }
    return least->weight < weight ? least : NULL;
}

/** The most conspicuous parts, at most PARTS. */
static int find_parts(const cnn_plane *contrast, float threshold, const cnn_figure_room *room, part *parts)
{
    const int size = contrast->width * contrast->height;
    int count = 0;
    memset(room->marks, 0, (size_t)size);
    for (int i = 0; i < size; i++) {
        if (room->marks[i] || contrast->values[i] < threshold) {
            continue;
        }
        const int pixels = flood(contrast, threshold, i, room->marks, room->queue);
        const part found = measure(contrast, room->queue, pixels);
        part *const place = make_place(parts, &count, found.weight);
        if (place != NULL) {
            *place = found;
        }
    }
    return count;
}

/** The main part, NULL where there is none. */
static part *find_main(part *parts, int count, int least)
{
    part *most = NULL;
    for (int i = 0; i < count; i++) {
        if (cnn_box_side(&parts[i].box) >= least && (most == NULL || parts[i].weight > most->weight)) {
            most = &parts[i];
        }
    }
    return most;
}

static cnn_box join(const cnn_box *a, const cnn_box *b)
{
    return (cnn_box){a->left < b->left ? a->left : b->left, a->top < b->top ? a->top : b->top,
                     a->right > b->right ? a->right : b->right, a->bottom > b->bottom ? a->bottom : b->bottom};
}

static bool is_close(const cnn_box *a, const cnn_box *b)
{
    const cnn_box both = join(a, b);
    const int across = (both.right - both.left) - (a->right - a->left) - (b->right - b->left);
    const int down = (both.bottom - both.top) - (a->bottom - a->top) - (b->bottom - b->top);
    return (across > down ? across : down) < CLOSE * cnn_box_side(&both);
}

/** Keeps the main part and, again and again, those that are close to what is kept. */
static double keep(part *parts, int count, part *main)
{
    cnn_box box = main->box;
    double weight = main->weight;
    main->kept = true;
    for (bool grown = true; grown;) {
        grown = false;
        for (int i = 0; i < count; i++) {
            part *const each = &parts[i];
            if (!each->kept && each->count >= SPECK * main->count && is_close(&box, &each->box)) {
                each->kept = grown = true;
                weight += each->weight;
                box = join(&box, &each->box);
            }
        }
    }
    return weight;
}

double cnn_figure_clear_border(const cnn_plane *contrast, float threshold, const cnn_figure_room *room)
{
    const int width = contrast->width, height = contrast->height;
    double weight = 0;
    memset(room->marks, 0, (size_t)width * (size_t)height);
    for (int i = 0; i < width * height; i++) {
        const int x = i % width, y = i / width;
        const bool at_border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
        if (!at_border || contrast->values[i] < threshold) {
            continue;
        }
        const int pixels = flood(contrast, threshold, i, room->marks, room->queue);
        weight += measure(contrast, room->queue, pixels).weight;
        for (int j = 0; j < pixels; j++) {
            contrast->values[room->queue[j]] = 0;
        }
    }
    return weight;
}

double cnn_figure_find(const cnn_plane *contrast, float threshold, const cnn_figure_room *room, uint8_t *kept)
{
    part parts[PARTS];
    const int count = find_parts(contrast, threshold, room, parts);
    const int longer = contrast->width > contrast->height ? contrast->width : contrast->height;
    part *const main = find_main(parts, count, longer / SMALLEST);
    const double weight = main == NULL ? 0 : keep(parts, count, main);
    memset(kept, 0, (size_t)contrast->width * (size_t)contrast->height);
    for (int i = 0; i < count; i++) {
        if (parts[i].kept) {
            flood(contrast, threshold, parts[i].seed, kept, room->queue);
        }
    }
    return weight;
}

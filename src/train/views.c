/* Test-time augmentation. Two views are the image and its mirror; six are these and the same of the image shifted by
 * one pixel along its diagonal, either way, at half the weight (Jordan 2024, arXiv 2404.00498).
 *
 * A move mirrors before it shifts. The mirror of a shifted image is thus the mirror shifted to the other side. */
#include "train/views.h"

#include <stddef.h>

static const cnn_views views[] = {
    [CNN_TTA_NONE] = {1, {{0}}, {1}},
    [CNN_TTA_FLIP] = {2, {{false, 0, 0}, {true, 0, 0}}, {0.5f, 0.5f}},
    [CNN_TTA_FLIP_SHIFT] = {6,
                            {{false, 0, 0}, {true, 0, 0}, {false, 1, 1}, {true, -1, 1}, {false, -1, -1}, {true, 1, -1}},
                            {0.25f, 0.25f, 0.125f, 0.125f, 0.125f, 0.125f}},
};

const cnn_views *cnn_views_of(cnn_tta tta)
{
    return (size_t)tta < sizeof views / sizeof *views ? &views[tta] : NULL;
}

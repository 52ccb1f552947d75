/* Printing the planner's choices: see info_plan.h. */
#include "info_plan.h"

#include "format.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

/* "8 x 4 images", a lane each, or "4 slices of all". */
static const char *describe_cut(const cnn_pass_list *list, const cnn_pass_info *pass, char out[CNN_FORMAT_LENGTH])
{
    if (pass->slices > 0) {
        snprintf(out, CNN_FORMAT_LENGTH, "%d slices of all", pass->slices);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "%d x %d images", list->lanes, list->lane_images);
    }
    return out;
}

void cnn_info_plan_text(const cnn_pass_list *list)
{
    int columns = (int)strlen("layer");
    for (int i = 0; i < list->pass_count; i++) {
        const int width = cnn_format_width(list->passes[i].layer);
        columns = width > columns ? width : columns;
    }
    cnn_output_print("\nplan: a training step of %d images, in %s, ", list->batch,
                     cnn_format_things(list->lanes, "lane", CNN_FORMAT_ROOM));
    cnn_output_print("%s; ", cnn_format_things(list->stages, "stage", CNN_FORMAT_ROOM));
    cnn_output_print("%s of scratch memory a thread\n", cnn_format_bytes(list->scratch_bytes, CNN_FORMAT_ROOM));
    cnn_output_print("\n%5s  %-*s  %-15s  %-15s  %9s  %s\n", "stage", columns, "layer", "pass", "cut into", "scratch",
                     "computed by");
    for (int i = 0; i < list->pass_count; i++) {
        const cnn_pass_info *pass = &list->passes[i];
        cnn_output_print("%5d  %-*s  %-15s  %-15s  %9s%s%s\n", pass->stage, columns, pass->layer, pass->pass,
                         describe_cut(list, pass, CNN_FORMAT_ROOM),
                         pass->scratch_bytes > 0 ? cnn_format_bytes(pass->scratch_bytes, CNN_FORMAT_ROOM) : "-",
                         *pass->method ? "  " : "", pass->method);
    }
}

json_t *cnn_info_plan_json(const cnn_pass_list *list)
{
    json_t *passes = json_array();
    for (int i = 0; i < list->pass_count; i++) {
        const cnn_pass_info *pass = &list->passes[i];
        json_array_append_new(passes,
                              json_pack("{s:i, s:s, s:s, s:i, s:I, s:s}", "stage", pass->stage, "layer", pass->layer,
                                        "pass", pass->pass, "slices", pass->slices, "scratch_bytes",
                                        (json_int_t)pass->scratch_bytes, "method", pass->method));
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:I, s:o}", "batch", list->batch, "lanes", list->lanes, "lane_images",
                     list->lane_images, "stages", list->stages, "scratch_bytes", (json_int_t)list->scratch_bytes,
                     "passes", passes);
}

/* Inspections as text and as JSON: see inspect_report.h. */
#include "inspect_report.h"

#include "format.h"
#include "output.h"

#include <stdio.h>
#include <string.h>

/* Three digits, as short as they can be; nothing to tell is a dash. */
static const char *format_figure(bool told, double value, char out[CNN_FORMAT_LENGTH])
{
    if (told) {
        snprintf(out, CNN_FORMAT_LENGTH, "%.3g", value);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "-");
    }
    return out;
}

static const char *format_share(double share, char out[CNN_FORMAT_LENGTH])
{
    if (share > 0) {
        snprintf(out, CNN_FORMAT_LENGTH, "%.1f%%", 100 * share);
    } else {
        snprintf(out, CNN_FORMAT_LENGTH, "-");
    }
    return out;
}

static int name_columns(const cnn_inspection *inspection)
{
    int columns = (int)strlen("layer");
    for (int i = 0; i < inspection->layer_count; i++) {
        const int width = cnn_format_width(inspection->layers[i].name);
        columns = width > columns ? width : columns;
    }
    return columns;
}

const char *cnn_inspect_line(const cnn_inspection *inspection, int index, char out[CNN_INSPECT_LINE])
{
    const int columns = name_columns(inspection);
    if (index == 0) {
        snprintf(out, CNN_INSPECT_LINE, "%-*s  %6s  %6s  %9s  %9s  %6s  %9s  %9s  %9s  %9s", columns, "layer", "units",
                 "dead", "mean", "deviation", "zeros", "saturated", "gradient", "weights", "update");
        return out;
    }
    const cnn_layer_inspection *layer = &inspection->layers[index - 1];
    snprintf(out, CNN_INSPECT_LINE, "%-*s  %6d  %6s  %9s  %9s  %6s  %9s  %9s  %9s  %9s", columns, layer->name,
             layer->units, format_figure(layer->dead > 0, layer->dead, CNN_FORMAT_ROOM),
             format_figure(true, layer->mean, CNN_FORMAT_ROOM), format_figure(true, layer->deviation, CNN_FORMAT_ROOM),
             format_share(layer->zeros, CNN_FORMAT_ROOM), format_share(layer->saturated, CNN_FORMAT_ROOM),
             format_figure(layer->has_weights, layer->gradient_norm, CNN_FORMAT_ROOM),
             format_figure(layer->has_weights, layer->weight_norm, CNN_FORMAT_ROOM),
             format_figure(layer->has_weights, layer->update_ratio, CNN_FORMAT_ROOM));
    return out;
}

/* Whether layer `a` comes before layer `b`. */
static bool is_worse(const cnn_inspection *inspection, int a, int b)
{
    const int left = inspection->layers[a].severity, right = inspection->layers[b].severity;
    return left > right || (left == right && a < b);
}

const cnn_layer_inspection *cnn_inspect_warning(const cnn_inspection *inspection, int rank)
{
    for (int i = 0; i < inspection->layer_count; i++) {
        int worse = 0;
        for (int other = 0; other < inspection->layer_count; other++) {
            worse += is_worse(inspection, other, i);
        }
        if (worse == rank && inspection->layers[i].severity > 0) {
            return &inspection->layers[i];
        }
    }
    return NULL;
}

static json_t *layer_json(const cnn_layer_inspection *layer)
{
    json_t *object = json_pack("{s:s, s:b, s:i, s:i, s:o, s:o, s:o, s:o}", "name", layer->name, "hidden",
                               (int)layer->hidden, "units", layer->units, "dead", layer->dead, "mean",
                               cnn_json_number(layer->mean), "deviation", cnn_json_number(layer->deviation), "zeros",
                               cnn_json_number(layer->zeros), "saturated", cnn_json_number(layer->saturated));
    if (layer->has_weights) {
        json_object_set_new(object, "gradient_norm", cnn_json_number(layer->gradient_norm));
        json_object_set_new(object, "weight_norm", cnn_json_number(layer->weight_norm));
        json_object_set_new(object, "update_ratio", cnn_json_number(layer->update_ratio));
    }
    if (layer->severity > 0) {
        json_object_set_new(object, "warning", cnn_json_text(layer->warning));
    }
    return object;
}

json_t *cnn_inspect_json(const cnn_inspection *inspection)
{
    json_t *layers = json_array();
    for (int i = 0; i < inspection->layer_count; i++) {
        json_array_append_new(layers, layer_json(&inspection->layers[i]));
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "images", inspection->images, "dead",
                     cnn_json_number(inspection->dead), "zeros", cnn_json_number(inspection->zeros), "gradient_norm",
                     cnn_json_number(inspection->gradient_norm), "update_ratio",
                     cnn_json_number(inspection->update_ratio), "layers", layers);
}

/* Weight options at work: from a layer's options to its tensors, and from the train statement to what is left open. */
#include "layers/weights.h"

cnn_status cnn_plan_weight(cnn_layer_plan *plan, const cnn_weight_options *options, cnn_tensor shape, int groups,
                           cnn_error *error)
{
    cnn_tensor weight = shape;
    weight.name = "weight";
    weight.role = CNN_ROLE_WEIGHT;
    weight.initialization = (cnn_initialization)options->init;
    weight.fan = (cnn_fan)options->fan;
    weight.limit = options->limit;
    weight.std = options->std;
    weight.weight_decay = options->weight_decay;
    weight.l1 = options->l1;
    weight.max_norm = options->max_norm;
    weight.norm = options->norm;
    const cnn_status status = cnn_plan_tensor(plan, weight, error);
    if (status != CNN_OK) {
        return status;
    }
    cnn_tensor *planned = &plan->tensors[plan->tensor_count - 1]; /* its sizes multiply to an int */
    planned->fan_in = planned->fan_out = 1;
    for (int i = 1; i < shape.rank; i++) {
        planned->fan_in *= shape.sizes[i];
        planned->fan_out *= i + 1 < shape.rank ? shape.sizes[i] : shape.sizes[0] / groups;
    }
    return CNN_OK;
}

cnn_status cnn_plan_bias(cnn_layer_plan *plan, const cnn_weight_options *options, int units, cnn_error *error)
{
    if (options->bias == CNN_BIAS_OFF) {
        return CNN_OK;
    }
    return cnn_plan_tensor(plan, cnn_tensor_vector("bias", CNN_ROLE_BIAS, units, options->bias), error);
}

void cnn_weights_require_bias(cnn_weight_options *options)
{
    options->bias = options->bias == CNN_BIAS_OFF ? CNN_BIAS_ON : options->bias;
}

static void inherit_number(double *number, double general)
{
    *number = *number == CNN_OPTION_AUTO ? general : *number;
}

cnn_status cnn_tensor_inherit(cnn_tensor *tensor, const cnn_weight_options *train, cnn_error *error)
{
    if (tensor->role == CNN_ROLE_BIAS && tensor->value == CNN_BIAS_ON) {
        tensor->value = train->bias;
    }
    if (!cnn_tensor_is_weight(tensor)) {
        return CNN_OK;
    }
    if (tensor->initialization == CNN_INITIALIZE_AUTO) {
        tensor->initialization = (cnn_initialization)train->init;
    }
    if (tensor->fan == CNN_FAN_AUTO) {
        tensor->fan = train->fan == CNN_FAN_AUTO ? CNN_FAN_IN : (cnn_fan)train->fan;
    }
    inherit_number(&tensor->limit, train->limit);
    inherit_number(&tensor->std, train->std);
    inherit_number(&tensor->weight_decay, train->weight_decay);
    inherit_number(&tensor->l1, train->l1);
    inherit_number(&tensor->max_norm, train->max_norm);
    inherit_number(&tensor->norm, train->norm);
    if (tensor->initialization == CNN_INITIALIZE_UNIFORM && !(tensor->limit > 0)) {
        return cnn_fail(error, CNN_USAGE, "init=uniform needs limit=NUMBER above 0");
    }
    if (tensor->initialization == CNN_INITIALIZE_NORMAL && !(tensor->std > 0)) {
        return cnn_fail(error, CNN_USAGE, "init=normal needs std=NUMBER above 0");
    }
    return CNN_OK;
}

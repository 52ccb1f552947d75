/* Options of the statements that are no layers, and the reference text, which is generated from all tables. */
#include "net/recipe_forms.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>

#define INPUT(field) offsetof(cnn_input_options, field)
#define TRAIN(field) offsetof(cnn_train_options, field)
#define AUGMENT(field) offsetof(cnn_augment_options, field)
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const cnn_option input_table[] = {
    {"shape", CNN_OPTION_SHAPE, INPUT(shape), 1, 4096, NULL, NULL, "height, width, and 1 (grey) or 3 (colour) channels",
     true},
    {"scale", CNN_OPTION_CHOICE, INPUT(scale), 0, 0, "standardize",
     WORDS("standardize", "unit", "symmetric", "none", "standardize-pixels", "whiten"),
     "each channel to mean 0 and deviation 1 over the training images; pixels to 0..1; to -1..1; left at 0..255; each "
     "pixel's place to mean 0 and deviation 1; or standardized and whitened (ZCA of 5x5 patches)",
     false},
    {"fit", CNN_OPTION_CHOICE, INPUT(fit), 0, 0, "crop", WORDS("crop", "digit"),
     "how picture files come to this size: scaled, the centre kept; or a handwritten digit is found in them and placed "
     "as those of MNIST are",
     false},
    {0}};

static const cnn_option residual_table[] = {
    {"projection", CNN_OPTION_CHOICE, offsetof(cnn_residual_options, projection), 0, 0, "none",
     WORDS("none", "conv", "batchnorm"),
     "how the input reaches the body's shape: as it is, by a 1x1 convolution, by one with batch normalization", false},
    {0}};

static const cnn_option train_table[] = {
    {"epochs", CNN_OPTION_INTEGER, TRAIN(epochs), 1, 100000, "10", NULL, "passes over the training images", false},
    {"batch", CNN_OPTION_INTEGER, TRAIN(batch), 1, 65536, "64", NULL, "images a step", false},
    {"optimizer", CNN_OPTION_CHOICE, TRAIN(optimizer), 0, 0, "sgd", WORDS("sgd", "adamw", "adam", "rmsprop", "muon"),
     "stochastic gradient descent with momentum, AdamW, Adam, RMSProp, or Muon", false},
    {"lr", CNN_OPTION_NUMBER, TRAIN(lr), 1e-10, 1000, "0.05", NULL,
     "learning rate; adamw, adam and rmsprop want about 0.001, muon about 0.02", false},
    {"bias-lr", CNN_OPTION_NUMBER, TRAIN(bias_lr), 0, 1e6, "1", NULL,
     "factor of the learning rate for biases, those of batch normalization too", false},
    {"head-lr", CNN_OPTION_NUMBER, TRAIN(head_lr), 0, 1e6, "1", NULL,
     "factor of the learning rate for the last layer's weights, which muon leaves to sgd", false},
    {"momentum", CNN_OPTION_NUMBER, TRAIN(momentum), 0, 0.9999, "0.9", NULL, "of sgd and muon", false},
    {"nesterov", CNN_OPTION_CHOICE, TRAIN(nesterov), 0, 0, "off", CNN_OPTION_OFF_ON, "look ahead along the momentum",
     false},
    {"beta1", CNN_OPTION_NUMBER, TRAIN(beta1), 0, 0.9999, "0.9", NULL,
     "of adamw and adam: decay of the gradient's mean", false},
    {"beta2", CNN_OPTION_NUMBER, TRAIN(beta2), 0, 0.999999, "0.999", NULL,
     "of adamw, adam and rmsprop: decay of the gradient's square", false},
    {"epsilon", CNN_OPTION_NUMBER, TRAIN(epsilon), 1e-12, 1, "1e-8", NULL,
     "of adamw, adam and rmsprop: least denominator", false},
    {"weight-decay", CNN_OPTION_NUMBER, TRAIN(weights.weight_decay), 0, 10, "0", NULL,
     "pull of weights towards 0 (L2), not of biases and batch normalization", false},
    {"l1", CNN_OPTION_NUMBER, TRAIN(weights.l1), 0, 10, "0", NULL,
     "pull towards 0 by an amount that does not depend on the weight's size (L1)", false},
    {"max-norm", CNN_OPTION_NUMBER, TRAIN(weights.max_norm), 0, 1e6, "0", NULL,
     "length to which a unit's weight vector is cut where it is longer; 0: any", false},
    {"norm", CNN_OPTION_NUMBER, TRAIN(weights.norm), 0, 1e6, "0", NULL,
     "root mean square of the units' weight vectors' lengths, which each step restores; 0: any", false},
    {"activation-l1", CNN_OPTION_NUMBER, TRAIN(activation_l1), 0, 10, "0", NULL,
     "penalty on the sizes of activations, which makes more of them 0 (sparse)", false},
    {"init", CNN_OPTION_CHOICE, TRAIN(weights.init), 0, 0, "auto", CNN_INITIALIZATION_WORDS,
     "how weights begin: see the words of init= at the end", false},
    {"fan", CNN_OPTION_CHOICE, TRAIN(weights.fan), 0, 0, "auto", CNN_FAN_WORDS,
     "init=he-... and lecun-... divide by a unit's inputs (in, auto) or by the units that read an input (out)", false},
    {"limit", CNN_OPTION_NUMBER, TRAIN(weights.limit), 0, 1000, "0", NULL, "of init=uniform: from -limit to limit",
     false},
    {"std", CNN_OPTION_NUMBER, TRAIN(weights.std), 0, 1000, "0", NULL, "of init=normal: standard deviation", false},
    {"bias", CNN_OPTION_NUMBER, TRAIN(weights.bias), -1000, 1000, "0", NULL,
     "what the biases of conv and dense begin as", false},
    {"clip", CNN_OPTION_NUMBER, TRAIN(clip), 0, 1e9, "0", NULL,
     "norm to which all gradients together are cut where it is larger; 0: any", false},
    {"lookahead", CNN_OPTION_INTEGER, TRAIN(lookahead), 0, 1000000, "0", NULL,
     "every so many steps, weights go back part of the way that they came; 0: never", false},
    {"lookahead-share", CNN_OPTION_NUMBER, TRAIN(lookahead_share), 1e-6, 1, "0.5", NULL,
     "of lookahead: the share of the way that is kept", false},
    {"average", CNN_OPTION_NUMBER, TRAIN(average), 0, 0.999999, "0", NULL,
     "share of the weights' running average that a step keeps; the model gets it; 0: no average", false},
    {"schedule", CNN_OPTION_CHOICE, TRAIN(schedule), 0, 0, "constant", WORDS("constant", "step", "cosine", "linear"),
     "how the learning rate falls", false},
    {"warmup", CNN_OPTION_NUMBER, TRAIN(warmup), 0, 100000, "0", NULL, "epochs in which the learning rate rises from 0",
     false},
    {"step-every", CNN_OPTION_NUMBER, TRAIN(step_every), 0, 100000, "0", NULL, "of schedule=step: epochs between steps",
     false},
    {"step-factor", CNN_OPTION_NUMBER, TRAIN(step_factor), 1e-6, 1, "0.1", NULL, "of schedule=step: factor of a step",
     false},
    {"lr-final", CNN_OPTION_NUMBER, TRAIN(lr_final), 0, 1, "0", NULL,
     "of schedule=cosine and linear: the last step's share of lr", false},
    {"label-smoothing", CNN_OPTION_NUMBER, TRAIN(label_smoothing), 0, 0.99, "0", NULL,
     "share of the target spread over all classes", false},
    {"val", CNN_OPTION_NUMBER, TRAIN(val), 0, 1e9, "0", NULL,
     "images held back for validation: below 1 a share, from 1 a count", false},
    {"images", CNN_OPTION_INTEGER, TRAIN(images), 0, INT_MAX, "0", NULL,
     "train on so many only, drawn at random of those not held back; 0: all", false},
    {"temperature", CNN_OPTION_NUMBER, TRAIN(temperature), CNN_TEMPERATURE_LEAST, CNN_TEMPERATURE_MOST, "auto",
     CNN_OPTION_AUTO_WORDS,
     "probabilities are softmax(outputs / temperature); auto: fitted on the images held back, 1 without such", false},
    {"familiarity", CNN_OPTION_NUMBER, TRAIN(familiarity), -CNN_FAMILIARITY_MOST, CNN_FAMILIARITY_MOST, "auto",
     CNN_OPTION_AUTO_WORDS,
     "images with less are unlike the training images; auto: as 0.5% of the images held back; none without such",
     false},
    {0}};

static const cnn_option augment_table[] = {
    {"shift", CNN_OPTION_INTEGER, AUGMENT(shift), 0, 4096, "0", NULL, "up to so many pixels each way", false},
    {"fill", CNN_OPTION_CHOICE, AUGMENT(fill), 0, 0, "zero", WORDS("zero", "reflect"),
     "what comes in from outside the image", false},
    {"flip", CNN_OPTION_CHOICE, AUGMENT(flip), 0, 0, "off", WORDS("off", "on", "alternate"),
     "mirror half of the images left-right, drawn each epoch (on), or drawn once and then in turns", false},
    {"rotate", CNN_OPTION_NUMBER, AUGMENT(rotate), 0, 180, "0", NULL, "up to so many degrees each way", false},
    {"scale", CNN_OPTION_NUMBER, AUGMENT(scale), 0, 0.9, "0", NULL, "size times 1 - scale to 1 + scale", false},
    {"shear", CNN_OPTION_NUMBER, AUGMENT(shear), 0, 60, "0", NULL, "lean sideways by up to so many degrees each way",
     false},
    {"elastic", CNN_OPTION_NUMBER, AUGMENT(elastic), 0, 100, "0", NULL,
     "elastic distortion: deviation of the pixels' own shifts, in pixels", false},
    {"elastic-sigma", CNN_OPTION_NUMBER, AUGMENT(elastic_sigma), 0.5, 64, "4", NULL,
     "of elastic: how far neighbours shift alike, in pixels", false},
    {"cutout", CNN_OPTION_INTEGER, AUGMENT(cutout), 0, 4096, "0", NULL, "side of a square set to zero", false},
    {"erase", CNN_OPTION_NUMBER, AUGMENT(erase), 0, 1, "0", NULL,
     "probability that a random rectangle is filled with noise", false},
    {"brightness", CNN_OPTION_NUMBER, AUGMENT(brightness), 0, 1, "0", NULL,
     "plus up to this share of the range each way", false},
    {"contrast", CNN_OPTION_NUMBER, AUGMENT(contrast), 0, 1, "0", NULL, "contrast times 1 - this to 1 + this", false},
    {"mixup", CNN_OPTION_NUMBER, AUGMENT(mixup), 0, 100, "0", NULL,
     "mix each image and label with another's, in shares drawn from Beta(this, this)", false},
    {0}};

static cnn_status check_input(const void *options, cnn_error *error)
{
    const cnn_input_options *const input = options;
    const cnn_shape shape = input->shape;
    if (shape.channels != 1 && shape.channels != 3) {
        return cnn_fail(error, CNN_USAGE, "%dx%dx%d: an image has 1 channel (grey) or 3 (colour)", shape.height,
                        shape.width, shape.channels);
    }
    if (input->fit == CNN_FIT_DIGIT && shape.channels != 1) {
        return cnn_fail(error, CNN_USAGE, "%dx%dx%d: fit=digit makes images of 1 channel (grey)", shape.height,
                        shape.width, shape.channels);
    }
    return CNN_OK;
}

static cnn_status check_train(const void *options, cnn_error *error)
{
    const cnn_train_options *train = options;
    if (train->schedule == CNN_SCHEDULE_STEP && train->step_every <= 0) {
        return cnn_fail(error, CNN_USAGE, "schedule=step needs step-every=EPOCHS");
    }
    const bool has_momentum = train->optimizer == CNN_OPTIMIZER_SGD || train->optimizer == CNN_OPTIMIZER_MUON;
    if (train->nesterov && has_momentum && train->momentum <= 0) {
        return cnn_fail(error, CNN_USAGE, "nesterov=on needs momentum above 0");
    }
    if (train->val >= 1 && train->val != floor(train->val)) {
        char val[CNN_NUMBER_LENGTH];
        cnn_format_number(train->val, val);
        return cnn_fail(error, CNN_USAGE, "val=%s: must be a share below 1, or a whole number of images", val);
    }
    return CNN_OK;
}

const cnn_statement_form cnn_statement_forms[] = {
    {"input", CNN_STATEMENT_INPUT, "the images; the first statement", input_table, sizeof(cnn_input_options), true,
     check_input},
    {"train", CNN_STATEMENT_TRAIN, "how the network is trained", train_table, sizeof(cnn_train_options), true,
     check_train},
    {"augment", CNN_STATEMENT_AUGMENT, "random changes of the training images; nothing unless named", augment_table,
     sizeof(cnn_augment_options), true, NULL},
    {"residual", CNN_STATEMENT_RESIDUAL, "adds its input to its body's output: ends in '{', the body follows",
     residual_table, sizeof(cnn_residual_options), false, NULL},
    {"}", CNN_STATEMENT_END, "ends a residual's body", NULL, 0, false, NULL},
    {0}};

const cnn_statement_form *cnn_statement_form_of(const cnn_statement *statement)
{
    const cnn_statement_form *form = cnn_statement_forms;
    while (form->word != NULL && form->type != statement->type) {
        form++;
    }
    return form->word == NULL ? NULL : form;
}

const char *cnn_statement_word(const cnn_statement *statement)
{
    const cnn_statement_form *form = cnn_statement_form_of(statement);
    return form != NULL ? form->word : statement->kind->name;
}

const cnn_option *cnn_statement_table(const cnn_statement *statement)
{
    const cnn_statement_form *form = cnn_statement_form_of(statement);
    return form != NULL ? form->table : statement->kind->options;
}

size_t cnn_statement_options_size(const cnn_statement *statement)
{
    const cnn_statement_form *form = cnn_statement_form_of(statement);
    return form != NULL ? form->options_size : statement->kind->options_size;
}

cnn_status cnn_statement_check(const cnn_statement *statement, const void *options, cnn_error *error)
{
    const cnn_statement_form *form = cnn_statement_form_of(statement);
    return form == NULL || form->check == NULL ? CNN_OK : form->check(options, error);
}

/* ---------------------------------------------------------------- reference */

static void append_entry(cnn_text *text, const char *word, const char *help, const cnn_option *table)
{
    cnn_text_appendf(text, "\n%s  %s\n", word, help);
    if (table != NULL) {
        cnn_options_help(table, text);
    }
}

/** The words of init=, which three tables have. */
static void append_initializations(cnn_text *text)
{
#define APPEND_WORD(name, word, help) cnn_text_appendf(text, "    %-16s %s\n", word, help);
    cnn_text_append(text,
                    "\nThe words of init=; fan is fan_in, the number of a unit's inputs, or with fan=out fan_out, "
                    "the units that read an input:\n");
    CNN_INITIALIZATION_LIST(APPEND_WORD)
#undef APPEND_WORD
}

char *cnn_recipe_reference(cnn_error *error)
{
    cnn_text text = {0};
    cnn_text_append(&text, "A recipe has one statement a line, with options as name=value; '#' begins a comment.\n");
    for (const cnn_statement_form *form = cnn_statement_forms; form->word != NULL; form++) {
        append_entry(&text, form->word, form->help, form->table);
    }
    for (const cnn_layer_kind *const *kind = cnn_layer_kinds(CNN_ISA_baseline); *kind != NULL; kind++) {
        if (!(*kind)->internal) {
            append_entry(&text, (*kind)->name, (*kind)->help, (*kind)->options);
        }
    }
    append_initializations(&text);
    return cnn_text_take(&text, error);
}

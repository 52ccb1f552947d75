/* cnn classify: what pictures show, by a model or an ensemble of several. A picture that cannot be read is told of, and
 * the others are classified. */
#include "command.h"
#include "open.h"
#include "output.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STDIN_LIMIT ((size_t)256 * 1024 * 1024)

typedef struct classify_settings {
    int top, threads;
    cnn_args_list models; /* in the place of the first operand */
    const char *tta;
    bool json, tune;
} classify_settings;

/* One run of the command. */
typedef struct classifying {
    const cnn_model *model; /* the first, which names the classes */
    cnn_session *session;
    float *probabilities; /* [classes] */
    int top;
    bool json;
    bool failed; /* some picture could not be classified */
} classifying;

/* ------------------------------------------------------------------------------------------------ one picture */

/* The most probable class that comes after `class`, whose probability is `limit`; ties in the classes' order. */
static int next_class(const classifying *run, float limit, int class)
{
    int best = -1;
    for (int i = 0; i < cnn_model_class_count(run->model); i++) {
        const float here = run->probabilities[i];
        const bool later = here < limit || (here == limit && i > class);
        if (later && (best < 0 || here > run->probabilities[best])) {
            best = i;
        }
    }
    return best;
}

static void print_text(const classifying *run, const char *name)
{
    cnn_output_text(name);
    float limit = 2;
    for (int i = 0, class = -1; i < run->top; i++) {
        class = next_class(run, limit, class);
        limit = run->probabilities[class];
        cnn_output_print("%s%.1f%% ", i == 0 ? ": " : "  ", 100 * (double)limit);
        cnn_output_text(cnn_model_class_name(run->model, class));
    }
    cnn_output_print("%s\n", cnn_session_familiarity(run->session) < 0 ? "  (unlike the training images)" : "");
}

static void print_json(const classifying *run, const char *name)
{
    json_t *classes = json_array();
    float limit = 2;
    for (int i = 0, class = -1; i < run->top; i++) {
        class = next_class(run, limit, class);
        limit = run->probabilities[class];
        json_array_append_new(classes,
                              json_pack("{s:o, s:o}", "class", cnn_json_text(cnn_model_class_name(run->model, class)),
                                        "probability", cnn_json_number((double)limit)));
    }
    json_t *object = json_pack("{s:o, s:o}", "file", cnn_json_text(name), "classes", classes);
    const float familiarity = cnn_session_familiarity(run->session);
    if (!isnan(familiarity)) {
        json_object_set_new(object, "familiar", json_boolean(familiarity >= 0));
    }
    cnn_output_json(object);
}

static void finish_picture(classifying *run, const char *name, cnn_status status, const cnn_error *error)
{
    if (status != CNN_OK) {
        run->failed = true;
        cnn_complain("%s%s", strcmp(name, "-") == 0 ? "standard input: " : "", error->message);
    } else if (run->json) {
        print_json(run, name);
    } else {
        print_text(run, name);
    }
}

static void classify_file(classifying *run, const char *path)
{
    cnn_error error;
    const cnn_status status = cnn_session_classify_file(run->session, path, run->probabilities, &error);
    finish_picture(run, path, status, &error);
}

/* ------------------------------------------------------------------------------------------- standard input */

/* All of standard input, to be freed; NULL, and errno set, where it cannot be read. */
static unsigned char *read_stdin(size_t *size)
{
    size_t capacity = 1 << 16;
    unsigned char *bytes = malloc(capacity);
    *size = 0;
    while (bytes) {
        *size += fread(bytes + *size, 1, capacity - *size, stdin);
        if (ferror(stdin) || capacity > STDIN_LIMIT) {
            errno = ferror(stdin) ? errno : EFBIG;
            free(bytes);
            return NULL;
        }
        if (*size < capacity) {
            break;
        }
        unsigned char *grown = realloc(bytes, capacity *= 2);
        if (!grown) {
            free(bytes);
        }
        bytes = grown;
    }
    return bytes;
}

static void classify_stdin(classifying *run)
{
    size_t size;
    unsigned char *bytes = read_stdin(&size);
    if (!bytes) {
        run->failed = true;
        cnn_complain("cannot read standard input: %s", strerror(errno));
        return;
    }
    cnn_error error;
    const cnn_status status = cnn_session_classify_memory(run->session, bytes, size, run->probabilities, &error);
    finish_picture(run, "-", status, &error);
    free(bytes);
}

/* --------------------------------------------------------------------------------------------------- folders */

static int is_picture(const struct dirent *entry)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png", ".bmp"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (cnn_path_has_suffix(entry->d_name, suffixes[i])) {
            return 1;
        }
    }
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void classify_entry(classifying *run, const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    char *path = malloc(length + strlen(name) + 2);
    if (!path) {
        run->failed = true;
        cnn_complain_memory();
        return;
    }
    sprintf(path, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    struct stat about;
    /* A pipe would be waited for. */
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
        run->failed = true;
        cnn_complain("cannot read '%s': it is no regular file", path);
    } else {
        classify_file(run, path);
    }
    free(path);
}

static void classify_folder(classifying *run, const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_picture, by_name);
    if (count <= 0) {
        run->failed = true;
        cnn_complain("%s: %s", folder,
                     count < 0 ? strerror(errno) : "no pictures in this folder (.jpg .jpeg .png .bmp)");
    }
    for (int i = 0; i < count; i++) {
        if (!cnn_output_failed()) {
            classify_entry(run, folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

/* --------------------------------------------------------------------------------------------------- command */

/* The index of the first operand that is a picture. */
static int first_picture(const cnn_args *args)
{
    const classify_settings *settings = args->settings;
    return settings->models.items ? 0 : 1;
}

static void classify_all(classifying *run, const cnn_args *args)
{
    for (int i = first_picture(args); i < args->operand_count && !cnn_output_failed(); i++) {
        const char *path = args->operands[i];
        if (strcmp(path, "-") == 0) {
            classify_stdin(run);
        } else if (cnn_path_is_folder(path)) {
            classify_folder(run, path);
        } else {
            classify_file(run, path);
        }
    }
}

/* Three classes for one picture, one for each of several, unless --top says otherwise. */
static int classes_shown(const cnn_args *args, int classes)
{
    const classify_settings *settings = args->settings;
    const int first = first_picture(args);
    const bool single = args->operand_count == first + 1 && !cnn_path_is_folder(args->operands[first]);
    const int top = settings->top ? settings->top : single ? 3 : 1;
    return top < classes ? top : classes;
}

static cnn_exit classify(const cnn_models *models, cnn_tta tta, const cnn_args *args)
{
    const classify_settings *settings = args->settings;
    const cnn_session_options session_options = {
        .threads = settings->threads, .batch = 1, .tune = settings->tune, .tta = tta};
    const int classes = cnn_model_class_count(models->items[0]);
    classifying run = {
        .model = models->items[0],
        .session = cnn_open_session(models, &session_options),
        .probabilities = malloc((size_t)classes * sizeof *run.probabilities),
        .top = classes_shown(args, classes),
        .json = settings->json,
    };
    if (!run.probabilities) {
        cnn_complain_memory();
    }
    run.failed = !run.session || !run.probabilities;
    if (!run.failed) {
        classify_all(&run, args);
    }
    free(run.probabilities);
    cnn_session_free(run.session);
    return run.failed ? CNN_EXIT_FAILED : CNN_EXIT_DONE;
}

/* Whether a model stands among the pictures, as it does where --model was meant to add to the first operand. */
static bool has_misplaced_model(const cnn_args *args)
{
    for (int i = first_picture(args); i < args->operand_count; i++) {
        const char *path = args->operands[i];
        if (cnn_path_has_suffix(path, ".safetensors")) {
            cnn_complain("%s: '%s' stands among the pictures: of several models, each is a --model FILE", args->command,
                         path);
            return true;
        }
    }
    return false;
}

static cnn_exit run_classify(const cnn_args *args)
{
    const classify_settings *settings = args->settings;
    cnn_tta tta;
    if (!cnn_open_tta(args, settings->tta, &tta) || has_misplaced_model(args)) {
        return CNN_EXIT_USAGE;
    }
    const cnn_args_list *list = &settings->models;
    cnn_models models;
    const bool opened =
        list->items ? cnn_open_models(list->items, list->count, &models) : cnn_open_models(args->operands, 1, &models);
    const cnn_exit code = opened ? classify(&models, tta, args) : CNN_EXIT_FAILED;
    cnn_close_models(&models);
    return code;
}

#define FIELD(name) offsetof(classify_settings, name)

static const cnn_args_option options[] = {
    {.name = "top",
     .placeholder = "K",
     .help = "show the K most probable classes (default: 3 for a single picture,\n"
             "else 1 for each)",
     .type = CNN_ARGS_COUNT,
     .offset = FIELD(top),
     .maximum = 1000000},
    {.name = "model",
     .placeholder = "FILE",
     .help = "a model; then every operand is a picture. May be repeated: the probabilities are\n"
             "the mean of those of all models, which must have the same classes",
     .type = CNN_ARGS_LIST,
     .offset = FIELD(models),
     .replaces_operand = true},
    CNN_THREADS_OPTION(classify_settings, ""),
    CNN_TTA_OPTION(classify_settings),
    {.name = "tune", .help = CNN_TUNE_HELP, .type = CNN_ARGS_FLAG, .offset = FIELD(tune)},
    {.name = "json",
     .help = "one JSON object for each picture, one a line",
     .type = CNN_ARGS_FLAG,
     .offset = FIELD(json)},
    {.name = NULL},
};

const cnn_command cnn_classify_command = {
    .name = "classify",
    .summary = "tell what pictures show",
    .details = "IMAGE is a JPEG, PNG or BMP file of any size, '-' one on standard input; of a FOLDER all\n"
               "such files are classified, in the order of their names. Pictures that cannot be read are\n"
               "told of on stderr, and the others are classified. '(unlike the training images)' after a\n"
               "picture says that its probabilities mean little; models trained without images held back\n"
               "cannot tell.",
    .exits = "0 done, 1 failed for some picture or all, 2 wrong usage",
    .arguments = {.options = options,
                  .operands = (const char *const[]){"MODEL", "IMAGE|FOLDER|-", NULL},
                  .repeats = true},
    .settings_size = sizeof(classify_settings),
    .run = run_classify,
};

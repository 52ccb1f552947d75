/* Command lines: an input is the words behind the program's name, one a line. They are parsed by the command's own
 * table; what is in order goes through all that reads options further, as far as no file is touched. What is wrong, and
 * what asks for help, goes through main(), which then runs nothing. */
#include "command.h"

#include "compare_grid.h"
#include "format.h"
#include "fuzz.h"
#include "open.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 64 };

/** src/cli/main.c's, under another name. */
int cnn_command_main(int count, char **words);

static const cnn_command *const commands[] = {&cnn_train_command,    &cnn_compare_command, &cnn_eval_command,
                                              &cnn_classify_command, &cnn_info_command,    &cnn_inspect_command};

/** The streams that the command writes to, in memory. */
typedef struct streams {
    FILE *former_out, *former_err;
    char *out, *err;
    size_t out_size, err_size;
} streams;

static void capture(streams *s)
{
    *s = (streams){.former_out = stdout, .former_err = stderr};
    stdout = open_memstream(&s->out, &s->out_size);
    stderr = open_memstream(&s->err, &s->err_size);
    assert(stdout != NULL && stderr != NULL);
}

static void release(streams *s)
{
    fclose(stdout);
    fclose(stderr);
    stdout = s->former_out;
    stderr = s->former_err;
}

/** What is wrong is told in one line on stderr, by which nothing else is written. */
static void check_complaint(const streams *s)
{
    assert(s->err_size > 6 && memcmp(s->err, "cnn: ", 5) == 0 && s->out_size == 0);
    for (size_t i = 0; i < s->err_size; i++) {
        const unsigned char c = (unsigned char)s->err[i];
        assert((c >= 0x20 && c != 0x7f) || (c == '\n' && i == s->err_size - 1));
    }
}

static void run_main(int count, char **words)
{
    streams s;
    capture(&s);
    const int code = cnn_command_main(count, words);
    release(&s);
    assert(code == CNN_EXIT_USAGE || code == CNN_EXIT_DONE);
    if (code == CNN_EXIT_USAGE) {
        check_complaint(&s);
    } else {
        assert(s.out_size > 0 && s.err_size == 0);
    }
    free(s.out);
    free(s.err);
}

/* -------------------------------------------------------- what options mean */

static void check_grid(const cnn_args *args, const cnn_args_list *vary)
{
    static const cnn_args_list nothing;
    cnn_grid grid = {.recipes = args->operands, .recipe_count = args->operand_count, .set = &nothing};
    if (cnn_grid_split(&grid, vary) == CNN_EXIT_DONE) {
        char *last = cnn_grid_label(&grid, grid.count - 1);
        assert(last != NULL);
        free(last);
        for (int key = 0; key < grid.vary_count; key++) {
            assert(cnn_grid_value(&grid, grid.count - 1, key) != NULL);
        }
    }
    cnn_grid_clear(&grid);
}

static void check_settings(const cnn_args_list *set)
{
    cnn_error error = fuzz_no_error();
    cnn_recipe *recipe = cnn_recipe_parse("input 8x8x1\nconv filters=2\nrelu\ndense units=2\n", "recipe", &error);
    for (int i = 0; i < set->count; i++) {
        if (cnn_recipe_set(recipe, set->items[i], &error) != CNN_OK) {
            fuzz_check_error(&error);
        }
    }
    cnn_recipe_free(recipe);
}

/** What a command's option says is within the option's bounds, and is read further. */
static void check_option(const cnn_args *args, const cnn_args_option *option)
{
    const void *field = (const char *)args->settings + option->offset;
    const cnn_args_list *list = field;
    cnn_tta tta;
    if (option->type == CNN_ARGS_COUNT) {
        assert(*(const int *)field >= 0 && *(const int *)field <= option->maximum);
    } else if (option->type == CNN_ARGS_LIST) {
        assert(list->count >= 0 && list->count < args->word_count && (list->count == 0) == (list->items == NULL));
    }
    if (strcmp(option->name, "vary") == 0) {
        check_grid(args, list);
    } else if (strcmp(option->name, "set") == 0) {
        check_settings(list);
    } else if (strcmp(option->name, "tta") == 0) {
        cnn_open_tta(args, *(const char *const *)field, &tta);
    }
}

static void check_parsed(const cnn_command *command, const cnn_args *args)
{
    cnn_paths paths = {0};
    streams s;
    capture(&s);
    assert(args->operand_count <= args->word_count);
    for (const cnn_args_option *option = command->arguments.options; option->name; option++) {
        check_option(args, option);
    }
    for (int i = 0; i < args->operand_count; i++) {
        assert(cnn_paths_fill(&paths, i % 2 == 0 ? NULL : args->operands[i - 1], args->operands[i]));
        cnn_format_shell(stdout, args->operands[i]);
        cnn_paths_clear(&paths);
    }
    release(&s);
    free(s.out);
    free(s.err);
}

/* ------------------------------------------------------------------- parsing */

/** Whether the words ask for a command to be run. */
static bool would_run(const cnn_command *command, int count, char **words)
{
    cnn_args args = {
        .command = command->name, .settings = calloc(1, command->settings_size), .word_count = count, .words = words};
    streams s;
    capture(&s);
    const cnn_args_result result = cnn_args_parse(&command->arguments, &args);
    release(&s);
    assert(result != CNN_ARGS_MEMORY && s.out_size == 0);
    if (result == CNN_ARGS_WRONG) {
        check_complaint(&s);
    } else if (result == CNN_ARGS_PARSED) {
        check_parsed(command, &args);
    }
    free(s.out);
    free(s.err);
    cnn_args_clear(&args);
    free(args.settings);
    return result == CNN_ARGS_PARSED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    char *words[MOST_WORDS + 1] = {strdup("cnn")};
    int count = 1;
    while (input.size > 0 && count < MOST_WORDS) {
        words[count++] = fuzz_string(fuzz_take_until(&input, '\n'));
    }
    fuzz_begin(((size_t)1 << 17) + 256 * size);
    bool runs = false;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0] && count > 1; i++) {
        runs = runs || (strcmp(words[1], commands[i]->name) == 0 && would_run(commands[i], count, words));
    }
    if (!runs) {
        run_main(count, words);
    }
    fuzz_end();
    for (int i = 0; i < count; i++) {
        free(words[i]);
    }
    return 0;
}

/* The command `cnn`: finds the command that is asked for, parses its command line and runs it. */
#include "command.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static cnn_exit run_help(const cnn_args *args);

static const cnn_command help_command = {
    .name = "help",
    .summary = "explain a command, or the language of recipes",
    .details = "TOPIC is a command, or 'recipe' for every statement and option a recipe may have.",
    .exits = "0 done, 1 failed, 2 wrong usage",
    .arguments = {.options = &(const cnn_args_option){.name = NULL},
                  .operands = (const char *const[]){"TOPIC", NULL},
                  .optional = true},
    .settings_size = 1,
    .run = run_help,
};

static const cnn_command *const commands[] = {
    &cnn_train_command, &cnn_compare_command, &cnn_eval_command, &cnn_classify_command,
    &cnn_info_command,  &cnn_inspect_command, &help_command,     NULL,
};

static const cnn_command *find_command(const char *name)
{
    for (const cnn_command *const *command = commands; *command; command++) {
        if (strcmp((*command)->name, name) == 0) {
            return *command;
        }
    }
    return NULL;
}

static void print_overview(void)
{
    cnn_output_print("cnn %s: trains, evaluates and applies small convolutional image classifiers.\n\n"
                     "Usage: cnn COMMAND ...\n\nCommands:\n",
                     cnn_version());
    for (const cnn_command *const *command = commands; *command; command++) {
        cnn_output_print("  %-10s%s\n", (*command)->name, (*command)->summary);
    }
    cnn_output_print("\n'cnn COMMAND --help' explains a command, 'cnn help recipe' the language of recipes.\n"
                     "'cnn --version' tells the version.\n\n"
                     "Environment:\n"
                     "  CNN_ISA   instruction set to use on x86-64: baseline, x86-64-v3 or x86-64-v4;\n"
                     "            unset, the best that the processor has\n"
                     "  NO_COLOR  no colours\n\n"
                     "Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static void print_help(const cnn_command *command)
{
    cnn_args_print_usage(&command->arguments, command->name);
    cnn_output_print("\n%c%s.\n", command->summary[0] - 'a' + 'A', command->summary + 1);
    cnn_args_print_options(&command->arguments);
    if (command->details) {
        cnn_output_print("\n%s\n", command->details);
    }
    cnn_output_print("\nExit status: %s.\n", command->exits);
}

static cnn_exit print_recipe_reference(void)
{
    cnn_error error;
    char *text = cnn_recipe_reference(&error);
    if (!text) {
        return cnn_complain_error(&error);
    }
    const size_t length = strlen(text);
    cnn_output_print("%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
    cnn_free(text);
    return CNN_EXIT_DONE;
}

/* `suggestion` may have been offered further words before. */
static cnn_exit unknown_word(const char *what, cnn_suggestion suggestion)
{
    for (const cnn_command *const *command = commands; *command; command++) {
        cnn_suggestion_offer(&suggestion, (*command)->name);
    }
    if (suggestion.best) {
        cnn_complain("unknown %s '%s': did you mean '%s'?", what, suggestion.word, suggestion.best);
    } else {
        cnn_complain("unknown %s '%s'; 'cnn --help' lists the commands", what, suggestion.word);
    }
    return CNN_EXIT_USAGE;
}

static cnn_exit run_help(const cnn_args *args)
{
    if (args->operand_count == 0) {
        print_overview();
        return CNN_EXIT_DONE;
    }
    static const char recipe_topic[] = "recipe";
    const char *topic = args->operands[0];
    const cnn_command *command = find_command(topic);
    if (command) {
        print_help(command);
        return CNN_EXIT_DONE;
    }
    if (strcmp(topic, recipe_topic) == 0) {
        return print_recipe_reference();
    }
    cnn_suggestion suggestion = {.word = topic};
    cnn_suggestion_offer(&suggestion, recipe_topic);
    return unknown_word("topic", suggestion);
}

static cnn_exit run_command(const cnn_command *command, int word_count, char *const *words)
{
    cnn_args args = {.command = command->name,
                     .settings = calloc(1, command->settings_size),
                     .word_count = word_count,
                     .words = words};
    if (!args.settings) {
        return cnn_complain_memory();
    }
    cnn_exit code = CNN_EXIT_FAILED;
    switch (cnn_args_parse(&command->arguments, &args)) {
    case CNN_ARGS_PARSED:
        code = command->run(&args);
        break;
    case CNN_ARGS_HELP:
        print_help(command);
        code = CNN_EXIT_DONE;
        break;
    case CNN_ARGS_WRONG:
        code = CNN_EXIT_USAGE;
        break;
    case CNN_ARGS_MEMORY:
        break;
    }
    cnn_args_clear(&args);
    free(args.settings);
    return code;
}

static cnn_exit dispatch(int word_count, char *const *words)
{
    if (word_count < 2) {
        cnn_complain("no command given; 'cnn --help' lists them");
        return CNN_EXIT_USAGE;
    }
    const char *word = words[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_overview();
        return CNN_EXIT_DONE;
    }
    if (strcmp(word, "--version") == 0) {
        cnn_output_print("cnn %s\n", cnn_version());
        return CNN_EXIT_DONE;
    }
    const cnn_command *command = find_command(word);
    return command ? run_command(command, word_count, words)
                   : unknown_word(word[0] == '-' ? "option" : "command", (cnn_suggestion){.word = word});
}

/** Executes the command anew where that gives OpenBLAS better kernels. False without memory. The file is the one that
 * the system names: argv[0] may be anything, and /proc may not be there. */
static bool take_faster_kernels(char **words)
{
    const char *kernels = cnn_blas_faster_kernels();
    if (!kernels) {
        return true;
    }
    if (setenv("OPENBLAS_CORETYPE", kernels, 1) != 0) {
        return false;
    }
    execv((const char *)getauxval(AT_EXECFN), words);
    return true; /* with the kernels that OpenBLAS has */
}

int main(int argc, char **argv)
{
    if (!take_faster_kernels(argv)) {
        return (int)cnn_complain_memory();
    }
    cnn_output_begin();
    return (int)cnn_output_finish(dispatch(argc, argv));
}

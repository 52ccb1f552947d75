/* A stream that a person may watch: see terminal.h. */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) {
            return strstr(value, "UTF-8") || strstr(value, "utf8");
        }
    }
    return false;
}

cnn_terminal cnn_terminal_probe(FILE *stream)
{
    const char *kind = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    cnn_terminal terminal = {.stream = stream};
    terminal.live = isatty(fileno(stream)) && kind && *kind && strcmp(kind, "dumb") != 0;
    terminal.colours = terminal.live && !(no_color && *no_color);
    terminal.utf8 = locale_is_utf8();
    return terminal;
}

int cnn_terminal_columns(const cnn_terminal *terminal)
{
    struct winsize size;
    if (ioctl(fileno(terminal->stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return 80;
}

const char *cnn_terminal_style(const cnn_terminal *terminal, cnn_style style)
{
    static const char *const sequences[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[36m"};
    return terminal->colours ? sequences[style] : "";
}

void cnn_terminal_erase(const cnn_terminal *terminal)
{
    if (terminal->live) {
        fputs("\r\033[K", terminal->stream);
    }
}

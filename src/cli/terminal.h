/* A stream that a person may watch: colours where they are wanted, and one line that is redrawn in place. */
#ifndef CNN_CLI_TERMINAL_H
#define CNN_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

typedef enum cnn_style { CNN_STYLE_PLAIN, CNN_STYLE_BOLD, CNN_STYLE_DIM, CNN_STYLE_GREEN, CNN_STYLE_CYAN } cnn_style;

typedef struct cnn_terminal {
    FILE *stream;
    bool live;    /* a terminal that can redraw a line */
    bool colours; /* live, and NO_COLOR (no-color.org) is not set */
    bool utf8;
} cnn_terminal;

cnn_terminal cnn_terminal_probe(FILE *stream);
/** Columns, as they are now; 80 where they cannot be told. */
int cnn_terminal_columns(const cnn_terminal *terminal);
/** The escape sequence that switches to `style`, or "" without colours. */
const char *cnn_terminal_style(const cnn_terminal *terminal, cnn_style style);
/** Starts the current line anew, empty; nothing where the stream is not live. */
void cnn_terminal_erase(const cnn_terminal *terminal);

#endif

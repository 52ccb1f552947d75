/* Preloaded into a program, makes its calls on a test's files (with relative paths, or below CNN_FAULT_FOLDER) fail,
 * come short, or be its last, and logs them, as the environment says: CNN_FAULT=NAMES:K:ACTION means the K-th call with
 * one of these names (comma-separated, or `any`), `K+` all from there on; CNN_FAULT_MATCH=TEXT counts only paths with
 * this text; with CNN_FAULT_ROOM=N the disk is full after N bytes; CNN_FAULT_LOG=FILE gets a line a call, of name, path
 * and detail between tabs, and one that begins with `fault` where that happens. */
#include "interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool active;
static int log_file = -1;
static const char *match;
static char names[256]; /* ",open,read," */
static long first;
static bool persistent;
static fault ordered;
static atomic_long hits;

static const struct {
    const char *name;
    fault fault;
} actions[] = {
    {"EACCES", {FAIL, EACCES}}, {"EAGAIN", {FAIL, EAGAIN}}, {"EINTR", {FAIL, EINTR}},   {"EIO", {FAIL, EIO}},
    {"EMFILE", {FAIL, EMFILE}}, {"ENOMEM", {FAIL, ENOMEM}}, {"ENOSPC", {FAIL, ENOSPC}}, {"EPERM", {FAIL, EPERM}},
    {"EROFS", {FAIL, EROFS}},   {"short", {SHORT, 0}},      {"end", {END, 0}},          {"kill", {KILL, 0}},
    {"half", {HALF, 0}},        {"after", {KILL_AFTER, 0}}, {"count", {GO_ON, 0}},
};

static void give_up(const char *what)
{
    dprintf(STDERR_FILENO, "interpose: %s\n", what);
    _exit(99);
}

static void read_order(const char *text)
{
    char action_name[16], plus[2] = "";
    if (sscanf(text, "%250[^:]:%ld%1[+]:%15s", names + 1, &first, plus, action_name) != 4 &&
        sscanf(text, "%250[^:]:%ld:%15s", names + 1, &first, action_name) != 3) {
        give_up("CNN_FAULT is no NAMES:K:ACTION");
    }
    names[0] = ',';
    strcat(names, ",");
    persistent = plus[0] != '\0';
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, action_name) == 0) {
            ordered = actions[i].fault;
            return;
        }
    }
    give_up("CNN_FAULT names no such action");
}

/** Behind the constructors of all libraries that the program brings along. */
__attribute__((constructor)) static void begin(void)
{
    const char *const log_path = getenv("CNN_FAULT_LOG"), *const text = getenv("CNN_FAULT");
    match = getenv("CNN_FAULT_MATCH");
    if (log_path != NULL) {
        log_file = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    }
    if (text != NULL) {
        read_order(text);
    }
    active = true;
}

static void write_log(const char *name, const char *path, const char *detail)
{
    static char line[1 << 20]; /* a model's bytes in hexadecimal */
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    if (log_file < 0) {
        return;
    }
    while (atomic_flag_test_and_set(&busy)) {
    }
    const int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", name, path, detail);
    if (length < 0 || (size_t)length >= sizeof line || syscall(SYS_write, log_file, line, length) != length) {
        give_up("the log cannot be written");
    }
    atomic_flag_clear(&busy);
}

bool interpose_concerns(const char *name)
{
    char key[64];
    snprintf(key, sizeof key, ",%s,", name);
    return active && (strstr(names, key) != NULL || (strcmp(names, ",any,") == 0 && strcmp(name, "malloc") != 0));
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

fault interpose_fault(const char *name, const char *path, const char *detail)
{
    static const fault go_on = {GO_ON, 0};
    if (!active || (match != NULL && strstr(path, match) == NULL)) {
        return go_on;
    }
    write_log(name, path, detail);
    if (!interpose_concerns(name)) {
        return go_on;
    }
    const long hit = atomic_fetch_add(&hits, 1) + 1;
    if (ordered.action == GO_ON || hit < first || (hit > first && !persistent)) {
        return go_on;
    }
    write_log("fault", path, name);
    if (ordered.action == KILL) {
        die();
    }
    return ordered;
}

void interpose_done(fault done)
{
    if (done.action == KILL_AFTER || done.action == HALF) {
        die();
    }
}

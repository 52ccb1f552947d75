/* The calls on files that the program makes, wrapped. Streams are opened anew over the wrapped calls, since the C
 * library's own go past them. */
#include "interpose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 256, PATH_ROOM = 512 };

/* The paths of open files of the test, "" of others, and the streams over them. */
static char paths[FILES][PATH_ROOM];
static FILE *streams[FILES];

static bool is_ours(const char *path)
{
    const char *const folder = getenv("CNN_FAULT_FOLDER");
    return path[0] != '/' || (folder != NULL && strncmp(path, folder, strlen(folder)) == 0);
}

static const char *path_of(int file)
{
    return file >= 0 && file < FILES && paths[file][0] != '\0' ? paths[file] : NULL;
}

static int remember(int file, const char *path)
{
    if (file >= FILES || strlen(path) >= PATH_ROOM) {
        abort();
    }
    if (file >= 0) {
        strcpy(paths[file], path);
    }
    return file;
}

/** The body of a wrapper: `call` is carried out, unless it is to fail with `failure`. */
#define WRAPPED(function, label, ours, path, detail, failure, call)                                                    \
    NEXT(function)                                                                                                     \
    if (!(ours)) {                                                                                                     \
        return call;                                                                                                   \
    }                                                                                                                  \
    const fault given = interpose_fault(label, path, detail);                                                          \
    if (given.action == FAIL) {                                                                                        \
        errno = given.error;                                                                                           \
        return failure;                                                                                                \
    }                                                                                                                  \
    __typeof__(call) result = call;                                                                                    \
    const int reason = errno;                                                                                          \
    interpose_done(given);                                                                                             \
    errno = reason;                                                                                                    \
    return result;

/* ---- names */

static int open_ours(const char *path, int flags, mode_t mode)
{
    WRAPPED(open, (flags & O_CREAT) ? "create" : "open", is_ours(path), path, (flags & O_TRUNC) ? "truncate" : "", -1,
            next(path, flags, mode))
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const int file = open_ours(path, flags, mode);
    return is_ours(path) ? remember(file, path) : file;
}

int __open_2(const char *path, int flags); /* open() without a mode, where sources are fortified */
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

static int make_temporary(char *pattern)
{
    WRAPPED(mkstemp, "create", is_ours(pattern), pattern, "", -1, next(pattern))
}

int mkstemp(char *pattern)
{
    const int file = make_temporary(pattern);
    return is_ours(pattern) ? remember(file, pattern) : file;
}

int rename(const char *from, const char *to)
{
    WRAPPED(rename, "rename", is_ours(from), from, to, -1, next(from, to))
}

int unlink(const char *path)
{
    WRAPPED(unlink, "unlink", is_ours(path), path, "", -1, next(path))
}

int remove(const char *path)
{
    WRAPPED(remove, "unlink", is_ours(path), path, "", -1, next(path))
}

int mkdir(const char *path, mode_t mode)
{
    WRAPPED(mkdir, "mkdir", is_ours(path), path, "", -1, next(path, mode))
}

int stat(const char *restrict path, struct stat *restrict about)
{
    WRAPPED(stat, "stat", is_ours(path), path, "", -1, next(path, about))
}

int lstat(const char *restrict path, struct stat *restrict about)
{
    WRAPPED(lstat, "stat", is_ours(path), path, "", -1, next(path, about))
}

char *realpath(const char *restrict path, char *restrict resolved){
    WRAPPED(realpath, "realpath", is_ours(path), path, "", NULL, next(path, resolved))}

/* ---- open files */

ssize_t read(int file, void *bytes, size_t size)
{
    NEXT(read)
    const char *const path = path_of(file);
    const fault given = path == NULL ? (fault){GO_ON, 0} : interpose_fault("read", path, "");
    if (given.action == FAIL) {
        errno = given.error;
        return -1;
    }
    const ssize_t got = given.action == END ? 0 : next(file, bytes, given.action == SHORT ? size / 2 + 1 : size);
    interpose_done(given);
    return got;
}

/** What is left on the disk of `size` bytes that are to be written. */
static size_t room_for(size_t size)
{
    static size_t used;
    const char *const room = getenv("CNN_FAULT_ROOM");
    const size_t left = room == NULL ? size : strtoul(room, NULL, 10) - used;
    used += size < left ? size : left;
    return size < left ? size : left;
}

/** The bytes of a write in hexadecimal, for the log. Only one thread of the program writes files. */
static const char *digits_of(const unsigned char *bytes, size_t size)
{
    static char digits[1 << 20];
    if (getenv("CNN_FAULT_LOG") == NULL || 2 * size >= sizeof digits) {
        return "";
    }
    for (size_t i = 0; i < size; i++) {
        sprintf(digits + 2 * i, "%02x", bytes[i]);
    }
    digits[2 * size] = '\0';
    return digits;
}

ssize_t write(int file, const void *bytes, size_t size)
{
    NEXT(write)
    const char *const path = path_of(file);
    if (path == NULL) {
        return next(file, bytes, size);
    }
    const fault given = interpose_fault("write", path, digits_of(bytes, size));
    const size_t room = room_for(size);
    if (given.action == FAIL || (room == 0 && size > 0)) {
        errno = given.action == FAIL ? given.error : ENOSPC;
        return -1;
    }
    const bool part = given.action == SHORT || given.action == HALF;
    const ssize_t written = next(file, bytes, part ? (room + 1) / 2 : room);
    interpose_done(given);
    return written;
}

int fsync(int file)
{
    WRAPPED(fsync, "fsync", path_of(file) != NULL, path_of(file), "", -1, next(file))
}

int fstat(int file, struct stat *about)
{
    WRAPPED(fstat, "stat", path_of(file) != NULL, path_of(file), "", -1, next(file, about))
}

int fchmod(int file,
           mode_t mode){WRAPPED(fchmod, "chmod", path_of(file) != NULL, path_of(file), "", -1, next(file, mode))}

off_t lseek(int file, off_t offset, int origin)
{
    WRAPPED(lseek, "seek", path_of(file) != NULL, path_of(file), "", -1, next(file, offset, origin))
}

/** An open file is closed, also where that is told to have failed. */
int close(int file)
{
    NEXT(close)
    const char *const path = path_of(file);
    const fault given = path == NULL ? (fault){GO_ON, 0} : interpose_fault("close", path, "");
    if (path != NULL) {
        paths[file][0] = '\0';
        streams[file] = NULL;
    }
    const int result = next(file);
    interpose_done(given);
    if (given.action == FAIL) {
        errno = given.error;
        return -1;
    }
    return result;
}

/* ---- streams */

static ssize_t stream_read(void *file, char *bytes, size_t size)
{
    return read((int)(intptr_t)file, bytes, size);
}

/** All of the bytes, as a stream expects; 0 says that it failed. */
static ssize_t stream_write(void *file, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t written = write((int)(intptr_t)file, bytes + done, size - done);
        if (written < 0) {
            return 0;
        }
        done += (size_t)written;
    }
    return (ssize_t)size;
}

static int stream_seek(void *file, off64_t *offset, int origin)
{
    const off_t reached = lseek((int)(intptr_t)file, (off_t)*offset, origin);
    *offset = reached;
    return reached < 0 ? -1 : 0;
}

static int stream_close(void *file)
{
    return close((int)(intptr_t)file);
}

FILE *fdopen(int file, const char *mode)
{
    static const cookie_io_functions_t calls = {stream_read, stream_write, stream_seek, stream_close};
    NEXT(fdopen)
    if (path_of(file) == NULL) {
        return next(file, mode);
    }
    return streams[file] = fopencookie((void *)(intptr_t)file, mode, calls);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    NEXT(fopen)
    if (!is_ours(path)) {
        return next(path, mode);
    }
    const int file = mode[0] == 'w' ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : open(path, O_RDONLY);
    FILE *const stream = file < 0 ? NULL : fdopen(file, mode);
    if (file >= 0 && stream == NULL) {
        const int reason = errno;
        close(file);
        errno = reason;
    }
    return stream;
}

int fileno(FILE *stream)
{
    NEXT(fileno)
    for (int file = 0; file < FILES; file++) {
        if (stream != NULL && streams[file] == stream) {
            return file;
        }
    }
    return next(stream);
}

/* ---- folders */

static DIR *open_folder(const char *path){WRAPPED(opendir, "opendir", is_ours(path), path, "", NULL, next(path))}

DIR *opendir(const char *path)
{
    DIR *const folder = open_folder(path);
    if (folder != NULL && is_ours(path)) {
        remember(dirfd(folder), path);
    }
    return folder;
}

struct dirent *readdir(DIR *folder)
{
    WRAPPED(readdir, "readdir", path_of(dirfd(folder)) != NULL, path_of(dirfd(folder)), "", NULL, next(folder))
}

int closedir(DIR *folder)
{
    NEXT(closedir)
    if (path_of(dirfd(folder)) != NULL) {
        paths[dirfd(folder)][0] = '\0';
    }
    return next(folder);
}

int scandir(const char *restrict path, struct dirent ***restrict list, int (*choose)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    WRAPPED(scandir, "opendir", is_ours(path), path, "", -1, next(path, list, choose, compare))
}

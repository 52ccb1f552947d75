/* Whole files. Reading never trusts a size it was told; writing goes through a temporary file beside the target, so
 * that a crash, a full disk or a second writer leaves either the old file or a new one. */
#define _XOPEN_SOURCE 700 /* realpath; NOLINT: the name is the system's */

#include "base/file.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** What a file of unknown size (a pipe) is given at first. */
#define FIRST_READ ((size_t)64 * 1024)
/** How many names for the temporary file are tried. */
#define NAME_ATTEMPTS 100
/** Room for ".tmp.PID.ATTEMPT". */
#define SUFFIX_LENGTH 48

static cnn_status fail_errno(cnn_error *error, const char *action, const char *path)
{
    return errno == ENOMEM ? cnn_fail_memory(error)
                           : cnn_fail(error, CNN_IO, "cannot %s '%s': %s", action, path, cnn_errno_text(errno));
}

static cnn_status fail_size(cnn_error *error, const char *path, size_t limit)
{
    return cnn_fail(error, CNN_FORMAT, "'%s' is larger than the %zu bytes that are read at most", path, limit);
}

static int open_retrying(const char *path, int flags, mode_t mode)
{
    int file;
    do {
        file = open(path, flags, mode);
    } while (file < 0 && errno == EINTR);
    return file;
}

/* ------------------------------------------------------------------ reading */

/** read(), but waits for a pipe's writer where there is one. */
static ssize_t read_some(int file, char *out, size_t size)
{
    for (;;) {
        const ssize_t got = read(file, out, size);
        if (got >= 0 || (errno != EINTR && errno != EAGAIN)) {
            return got;
        }
        if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = file, .events = POLLIN}, 1, -1);
        }
    }
}

/** Reads to the end, which comes no sooner than after `least` bytes (0: who knows), at most `limit`. */
static cnn_status read_all(int file, const char *path, size_t limit, size_t least, cnn_text *content, cnn_error *error)
{
    /* One byte more than expected shows the end, and then holds the terminator. */
    const size_t expected = least > 0 ? least : FIRST_READ, room = (expected < limit ? expected : limit) + 1;
    content->data = cnn_alloc(room, 1);
    content->capacity = room;
    while (content->data != NULL) {
        if (content->length == content->capacity) {
            const size_t wanted = content->capacity < limit / 2 ? 2 * content->capacity : limit + 1;
            char *grown = cnn_resize(content->data, content->capacity, wanted, 1);
            if (grown == NULL) {
                break;
            }
            content->data = grown;
            content->capacity = wanted;
        }
        const ssize_t got = read_some(file, content->data + content->length, content->capacity - content->length);
        if (got < 0) {
            return fail_errno(error, "read", path);
        }
        if (got == 0 && content->length < least) {
            return cnn_fail(error, CNN_IO, "cannot read '%s': it ends after %zu of %zu bytes", path, content->length,
                            least);
        }
        if (got == 0) {
            content->data[content->length] = '\0';
            return CNN_OK;
        }
        content->length += (size_t)got;
        if (content->length > limit) {
            return fail_size(error, path, limit);
        }
    }
    return cnn_fail_memory(error);
}

/** Refuses what has no end or no content, and a file that is too large. */
static cnn_status check_kind(const struct stat *about, const char *path, size_t limit, cnn_error *error)
{
    if (S_ISREG(about->st_mode)) {
        const bool fits = about->st_size >= 0 && (uintmax_t)about->st_size <= limit;
        return fits ? CNN_OK : fail_size(error, path, limit);
    }
    return S_ISFIFO(about->st_mode) ? CNN_OK
                                    : cnn_fail(error, CNN_IO, "cannot read '%s': it is a %s, not a file", path,
                                               S_ISDIR(about->st_mode) ? "folder" : "device");
}

static cnn_status read_opened(int file, const char *path, size_t limit, cnn_text *content, cnn_error *error)
{
    struct stat about;
    if (fstat(file, &about) != 0) {
        return fail_errno(error, "read", path);
    }
    cnn_status status = check_kind(&about, path, limit, error);
    if (status == CNN_OK) {
        status = read_all(file, path, limit, S_ISREG(about.st_mode) ? (size_t)about.st_size : 0, content, error);
    }
    if (status == CNN_OK && content->length == 0 && S_ISFIFO(about.st_mode)) {
        status = cnn_fail(error, CNN_IO, "cannot read '%s': it is a pipe that nobody writes to", path);
    }
    return status;
}

cnn_status cnn_file_read(const char *path, size_t limit, unsigned char **bytes, size_t *size, cnn_error *error)
{
    /* Opening a pipe shall not wait for a writer, who may never come. */
    const int file = open_retrying(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (file < 0) {
        return fail_errno(error, "open", path);
    }
    cnn_text content = {0};
    const cnn_status status = read_opened(file, path, limit, &content, error);
    close(file);
    if (status != CNN_OK) {
        cnn_text_clear(&content);
        return status;
    }
    *bytes = (unsigned char *)content.data;
    *size = content.length;
    return CNN_OK;
}

/* ------------------------------------------------------------------ writing */

static bool write_all(int file, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(file, bytes, size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/** Creates a file of a name that nobody uses beside `path`, with the permissions that a new file would get; its name
 * goes into temporary[strlen(path) + SUFFIX_LENGTH]. */
static int create_beside(const char *path, char *temporary)
{
    int file = -1;
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(temporary, strlen(path) + SUFFIX_LENGTH, "%s.tmp.%ld.%d", path, (long)getpid(), attempt);
        file = open_retrying(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) {
            break;
        }
    }
    return file;
}

/** Writes the pieces down to the disk and closes the file. */
static bool fill(int file, const struct stat *former, const cnn_piece *pieces, int count)
{
    /* Some file systems keep no permissions: EPERM there is no loss. */
    bool good = former == NULL || fchmod(file, former->st_mode & 0777) == 0 || errno == EPERM;
    for (int i = 0; good && i < count; i++) {
        good = write_all(file, pieces[i].bytes, pieces[i].size);
    }
    good = good && fsync(file) == 0;
    const int reason = errno;
    const bool closed = close(file) == 0;
    if (!good) {
        errno = reason;
    }
    return good && closed;
}

/** Makes a rename durable. By then the file is whole under its name, and some file systems cannot do this at all, so a
 * failure is no failure of the write. */
static void sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    const char *folder = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL) {
        *slash = '\0';
    }
    const int file = open_retrying(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

cnn_status cnn_file_write(const char *path, const cnn_piece *pieces, int count, cnn_error *error)
{
    struct stat former;
    const bool exists = stat(path, &former) == 0;
    if (!exists && errno != ENOENT) {
        return fail_errno(error, "write", path);
    }
    if (exists && !S_ISREG(former.st_mode)) {
        return cnn_fail(error, CNN_IO, "cannot write '%s': it is a %s, not a regular file", path,
                        S_ISDIR(former.st_mode) ? "folder" : "device or pipe");
    }
    /* A symbolic link stays one: its target is replaced. */
    char *resolved = exists ? realpath(path, NULL) : NULL;
    if (exists && resolved == NULL) {
        return fail_errno(error, "write", path);
    }
    const char *target = exists ? resolved : path;
    char *temporary = cnn_alloc(strlen(target) + SUFFIX_LENGTH, 1);
    cnn_status status = CNN_OK;
    int file = -1;
    if (temporary == NULL) {
        status = cnn_fail_memory(error);
        goto end;
    }
    file = create_beside(target, temporary);
    if (file < 0) {
        status = fail_errno(error, "write", path);
        goto end;
    }
    if (!fill(file, exists ? &former : NULL, pieces, count) || rename(temporary, target) != 0) {
        status = fail_errno(error, "write", path);
        unlink(temporary);
        goto end;
    }
    sync_folder(temporary);
end:
    cnn_free(temporary);
    free(resolved);
    return status;
}

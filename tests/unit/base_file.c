/* Whole files: limits, pipes, folders, and writing that replaces all or nothing. Runs in a fresh folder under /tmp. */
#include "base/file.h"
#include "base/memory.h"
#include "unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/cnn-file-XXXXXX");
    *state = folder;
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static void remove_all(void)
{
    DIR *folder = opendir(".");
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (unlink(entry->d_name) != 0) {
            rmdir(entry->d_name);
        }
    }
    closedir(folder);
}

static int leave_folder(void **state)
{
    remove_all();
    const int failed = chdir("/") != 0 || rmdir(*state) != 0;
    free(*state);
    return failed;
}

/** The number of files in the folder: temporary ones that stay behind would count. */
static int count_files(void)
{
    int count = 0;
    DIR *folder = opendir(".");
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

static cnn_status write_text(const char *path, const char *text, cnn_error *error)
{
    const size_t half = strlen(text) / 2;
    const cnn_piece pieces[] = {{text, half}, {NULL, 0}, {text + half, strlen(text) - half}};
    return cnn_file_write(path, pieces, 3, error);
}

static void assert_content(const char *path, const char *expected)
{
    unsigned char *bytes;
    size_t size;
    assert_int_equal(cnn_file_read(path, 1000, &bytes, &size, NULL), CNN_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal((const char *)bytes, expected);
    cnn_free(bytes);
}

static void writes_and_replaces(void **state)
{
    (void)state;
    remove_all();
    assert_int_equal(write_text("a", "first", NULL), CNN_OK);
    assert_content("a", "first");
    assert_int_equal(write_text("./a", "the second", NULL), CNN_OK);
    assert_content("a", "the second");
    assert_int_equal(write_text("a", "", NULL), CNN_OK);
    assert_content("a", "");
    assert_int_equal(count_files(), 1);
}

static void keeps_permissions_and_links(void **state)
{
    (void)state;
    remove_all();
    struct stat about;
    const mode_t former = umask(027);
    write_text("a", "1", NULL);
    umask(former);
    assert_int_equal(stat("a", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    assert_int_equal(chmod("a", 0604), 0);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(write_text("link", "2", NULL), CNN_OK);
    assert_int_equal(lstat("link", &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat("a", &about), 0);
    assert_int_equal(about.st_mode & 0777, 0604);
    assert_content("a", "2");
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    remove_all();
    cnn_error error;
    assert_int_equal(mkdir("folder", 0777), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    assert_int_equal(write_text("folder", "x", &error), CNN_IO);
    assert_string_equal(error.message, "cannot write 'folder': it is a folder, not a regular file");
    assert_int_equal(write_text("pipe", "x", &error), CNN_IO);
    assert_string_equal(error.message, "cannot write 'pipe': it is a device or pipe, not a regular file");
    assert_int_equal(write_text("/dev/full", "x", &error), CNN_IO);
    assert_int_equal(write_text("none/a", "x", &error), CNN_IO);
    assert_string_equal(error.message, "cannot write 'none/a': No such file or directory");
    assert_int_equal(count_files(), 2);
}

/** A file size limit stands for a full disk: write() fails half way. */
static void leaves_the_old_file_when_the_disk_is_full(void **state)
{
    (void)state;
    remove_all();
    cnn_error error;
    struct rlimit former;
    static char large[100000];
    memset(large, 'x', sizeof large - 1);
    write_text("a", "old", NULL);
    getrlimit(RLIMIT_FSIZE, &former);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){50000, former.rlim_max});
    const cnn_status status = write_text("a", large, &error);
    setrlimit(RLIMIT_FSIZE, &former);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, CNN_IO);
    assert_string_equal(error.message, "cannot write 'a': File too large");
    assert_content("a", "old");
    assert_int_equal(count_files(), 1);
}

static void reads_within_the_limit(void **state)
{
    (void)state;
    remove_all();
    cnn_error error;
    unsigned char *bytes = NULL;
    size_t size = 0;
    write_text("a", "12345", NULL);
    assert_int_equal(cnn_file_read("a", 5, &bytes, &size, &error), CNN_OK);
    cnn_free(bytes);
    bytes = NULL;
    assert_int_equal(cnn_file_read("a", 4, &bytes, &size, &error), CNN_FORMAT);
    assert_string_equal(error.message, "'a' is larger than the 4 bytes that are read at most");
    assert_int_equal(cnn_file_read("/dev/zero", 100000, &bytes, &size, &error), CNN_IO);
    assert_string_equal(error.message, "cannot read '/dev/zero': it is a device, not a file");
    assert_int_equal(cnn_file_read(".", 4, &bytes, &size, &error), CNN_IO);
    assert_string_equal(error.message, "cannot read '.': it is a folder, not a file");
    assert_int_equal(cnn_file_read("none", 4, &bytes, &size, &error), CNN_IO);
    assert_string_equal(error.message, "cannot open 'none': No such file or directory");
    assert_null(bytes);
    assert_int_equal(size, 5);
}

#define PIPED ((size_t)300000)

/** Writes into the stream with a pause, as a program does that has to think, until all is written or nobody reads. */
static void *feed(void *pipe)
{
    for (size_t i = 0; i < PIPED && !ferror(pipe); i++) {
        fputc('a' + (int)(i % 26), pipe);
        if (i == PIPED / 2) {
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        }
    }
    fclose(pipe);
    return NULL;
}

/** Reads a new pipe that a thread writes into. */
static cnn_status read_pipe(size_t limit, unsigned char **bytes, size_t *size)
{
    pthread_t writer;
    remove_all();
    assert_int_equal(mkfifo("pipe", 0666), 0);
    const int reader = open("pipe", O_RDONLY | O_NONBLOCK); /* so that the writer finds one */
    assert_int_equal(pthread_create(&writer, NULL, feed, fopen("pipe", "w")), 0);
    const cnn_status status = cnn_file_read("pipe", limit, bytes, size, NULL);
    close(reader);
    pthread_join(writer, NULL);
    return status;
}

static void reads_pipes(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(read_pipe(PIPED, &bytes, &size), CNN_OK);
    assert_int_equal(size, PIPED);
    assert_int_equal(bytes[PIPED - 1], 'a' + (PIPED - 1) % 26);
    assert_int_equal(bytes[PIPED], 0);
    cnn_free(bytes);
    assert_int_equal(read_pipe(PIPED - 1, &bytes, &size), CNN_FORMAT);
}

static void waits_for_nobody(void **state)
{
    (void)state;
    remove_all();
    cnn_error error;
    unsigned char *bytes;
    size_t size;
    assert_int_equal(mkfifo("pipe", 0666), 0);
    assert_int_equal(cnn_file_read("pipe", 100, &bytes, &size, &error), CNN_IO);
    assert_string_equal(error.message, "cannot read 'pipe': it is a pipe that nobody writes to");
}

static void reports_lack_of_memory(void **state)
{
    (void)state;
    remove_all();
    cnn_error error;
    unsigned char *bytes = NULL;
    size_t size;
    write_text("a", "old", NULL);
    cnn_alloc_fail_after(0, true);
    assert_int_equal(cnn_file_read("a", 10, &bytes, &size, &error), CNN_MEMORY);
    assert_int_equal(write_text("a", "new", &error), CNN_MEMORY);
    cnn_alloc_fail_after(-1, false);
    assert_content("a", "old");
    cnn_alloc_fail_after(1, true);
    assert_int_equal(read_pipe(PIPED, &bytes, &size), CNN_MEMORY);
    cnn_alloc_fail_after(-1, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_replaces),     cmocka_unit_test(keeps_permissions_and_links),
        cmocka_unit_test(refuses_what_is_no_file), cmocka_unit_test(leaves_the_old_file_when_the_disk_is_full),
        cmocka_unit_test(reads_within_the_limit),  cmocka_unit_test(reads_pipes),
        cmocka_unit_test(waits_for_nobody),        cmocka_unit_test(reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

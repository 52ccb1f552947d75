/* What the fuzz targets share: a limit on the heap, errors, cutting inputs, and files that are on no disk. */
#define _GNU_SOURCE /* memfd_create, nftw; NOLINT: the name is the system's */

#include "fuzz.h"

#include "base/text.h"

#include <fcntl.h>
#include <ftw.h>
#include <sanitizer/allocator_interface.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --------------------------------------------------------------------- heap */

static atomic_bool watching;
static atomic_size_t held, permitted, largest;

static void on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    if (!atomic_load(&watching)) {
        return;
    }
    const size_t now = atomic_fetch_add(&held, size) + size;
    if (now > atomic_load(&permitted)) {
        atomic_store(&watching, false); /* libFuzzer is to write the input down */
        fprintf(stderr, "heap: %zu bytes are held, %zu are permitted\n", now, atomic_load(&permitted));
        abort();
    }
    if (now > atomic_load(&largest)) {
        atomic_store(&largest, now);
    }
}

static void on_free(const volatile void *memory)
{
    if (memory != NULL && atomic_load(&watching)) {
        const size_t size = __sanitizer_get_allocated_size(memory);
        const size_t now = atomic_load(&held);
        atomic_fetch_sub(&held, size < now ? size : now);
    }
}

static void tell_heap(void)
{
    fprintf(stderr, "stat::peak_heap_bytes: %zu\n", atomic_load(&largest));
}

void fuzz_begin(size_t most)
{
    static bool installed;
    if (!installed) {
        installed = true;
        assert(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
        atexit(tell_heap);
    }
    atomic_store(&held, 0);
    atomic_store(&permitted, most);
    atomic_store(&watching, true);
}

void fuzz_end(void)
{
    atomic_store(&watching, false);
}

/* ------------------------------------------------------------------- errors */

cnn_error fuzz_no_error(void)
{
    return (cnn_error){.status = CNN_OK};
}

void fuzz_check_error(const cnn_error *error)
{
    const size_t length = strlen(error->message);
    assert(error->status == CNN_USAGE || error->status == CNN_IO || error->status == CNN_FORMAT ||
           error->status == CNN_MISMATCH);
    assert(length > 0);
    for (size_t at = 0; at < length;) {
        const size_t bytes = cnn_utf8_length(error->message + at, length - at);
        assert(bytes > 0 && (unsigned char)error->message[at] >= 0x20 && error->message[at] != 0x7f);
        at += bytes;
    }
}

/* ------------------------------------------------------------------- inputs */

static fuzz_input take(fuzz_input *input, size_t size)
{
    const fuzz_input part = {input->bytes, size < input->size ? size : input->size};
    input->bytes += part.size;
    input->size -= part.size;
    return part;
}

uint8_t fuzz_take_byte(fuzz_input *input)
{
    const fuzz_input part = take(input, 1);
    return part.size == 1 ? part.bytes[0] : 0;
}

fuzz_input fuzz_take_until(fuzz_input *input, uint8_t separator)
{
    const uint8_t *end = input->size > 0 ? memchr(input->bytes, separator, input->size) : NULL;
    const fuzz_input part = take(input, end == NULL ? input->size : (size_t)(end - input->bytes));
    take(input, 1);
    return part;
}

fuzz_input fuzz_take_counted(fuzz_input *input)
{
    const size_t low = fuzz_take_byte(input), high = fuzz_take_byte(input);
    return take(input, high << 8 | low);
}

char *fuzz_string(fuzz_input part)
{
    char *text = malloc(part.size + 1);
    assert(text != NULL);
    memcpy(text, part.bytes, part.size);
    text[part.size] = '\0';
    return text;
}

/* -------------------------------------------------------------------- files */

fuzz_file fuzz_file_new(void)
{
    fuzz_file file = {.descriptor = memfd_create("fuzz", MFD_CLOEXEC)};
    assert(file.descriptor >= 0);
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.descriptor);
    return file;
}

void fuzz_file_fill(const fuzz_file *file, const void *bytes, size_t size)
{
    assert(ftruncate(file->descriptor, 0) == 0);
    assert(size == 0 || pwrite(file->descriptor, bytes, size, 0) == (ssize_t)size);
}

static char folder[64];

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/cnn-fuzz-XXXXXX" : "/tmp/cnn-fuzz-XXXXXX");
        assert(mkdtemp(folder) != NULL);
        atexit(remove_folder);
    }
    return folder;
}

void fuzz_folder_add(const fuzz_file *file, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    assert(symlink(file->path, path) == 0);
}

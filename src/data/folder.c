/* Pictures in folders. A subfolder is a class and gives it its name; pictures in folders below belong to it, too. Where
 * DIR holds train/ and test/ (and nothing else, or classes within train/), these are the splits; any other DIR is one
 * set, whichever split is asked for. Hidden files and files without a picture's suffix are passed over. Classes and
 * pictures are sorted bytewise, so that their order is the same on every machine. */
#include "base/memory.h"
#include "base/team.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/list.h"
#include "image/image.h"

#include <limits.h>
#include <string.h>

#define LEAST_CLASSES 2
/** Pictures that one part of the team's work decodes. */
#define PART 16

/** All pictures of a split. */
typedef struct gallery {
    char *root;
    cnn_list classes; /* names */
    cnn_list files;   /* paths, class after class */
    size_t *ends;     /* [classes.count] where each class ends in `files` */
} gallery;

/** What the team decodes into. */
typedef struct job {
    const cnn_list *files;
    cnn_dataset *data;
    size_t image_size;
    cnn_status *results; /* [files->count] */
} job;

/** Whether `folder` holds visible folders. */
static cnn_status holds_folders(const char *folder, bool *answer, cnn_error *error)
{
    cnn_list names = {0};
    const cnn_status status = cnn_list_folders(folder, &names, error);
    *answer = names.count > 0;
    cnn_list_clear(&names);
    return status;
}

/** The folder that holds the split's classes. */
static cnn_status find_root(const char *folder, cnn_split split, char **root, cnn_error *error)
{
    const char *const wanted = split == CNN_SPLIT_TRAIN ? "train" : "test";
    cnn_list names = {0};
    char *const train = cnn_join_path(folder, "train");
    cnn_status status = train == NULL ? cnn_fail_memory(error) : cnn_list_folders(folder, &names, error);
    bool is_split = false;
    if (status == CNN_OK) {
        const bool has_train = cnn_list_holds(&names, "train"), has_test = cnn_list_holds(&names, "test");
        is_split = (size_t)has_train + has_test == names.count && names.count > 0;
        if (!is_split && has_train) {
            status = holds_folders(train, &is_split, error);
        }
    }
    if (status == CNN_OK && is_split && !cnn_list_holds(&names, wanted)) {
        status = cnn_fail(error, CNN_IO, "%s: has %s/ but no %s/ with a subfolder for each class", folder,
                          split == CNN_SPLIT_TRAIN ? "test" : "train", wanted);
    }
    if (status == CNN_OK) {
        *root = is_split ? cnn_join_path(folder, wanted) : cnn_copy_text(folder, strlen(folder));
        status = *root == NULL ? cnn_fail_memory(error) : CNN_OK;
    }
    cnn_list_clear(&names);
    cnn_free(train);
    return status;
}

/** Adds the pictures of class `index`. */
static cnn_status collect_class(gallery *all, size_t index, cnn_error *error)
{
    char *const folder = cnn_join_path(all->root, all->classes.items[index]);
    const size_t first = all->files.count;
    cnn_status status = folder == NULL ? cnn_fail_memory(error) : cnn_list_pictures(folder, &all->files, error);
    if (status == CNN_OK && all->files.count == first) {
        status = cnn_fail(error, CNN_FORMAT,
                          "%s: has no pictures (.jpg .jpeg .png .bmp): add some, or remove the folder", folder);
    }
    all->ends[index] = all->files.count;
    cnn_free(folder);
    return status;
}

static cnn_status collect(gallery *all, const char *folder, cnn_split split, cnn_error *error)
{
    cnn_status status = find_root(folder, split, &all->root, error);
    if (status != CNN_OK) {
        return status;
    }
    status = cnn_list_folders(all->root, &all->classes, error);
    if (status != CNN_OK) {
        return status;
    }
    const size_t count = all->classes.count;
    if (count < LEAST_CLASSES || count > CNN_CLASSES) {
        return cnn_fail(error, CNN_FORMAT, "%s: subfolders: %zu; %d to %d are needed, one for each class", all->root,
                        count, LEAST_CLASSES, CNN_CLASSES);
    }
    all->ends = cnn_alloc(count, sizeof *all->ends);
    if (all->ends == NULL) {
        return cnn_fail_memory(error);
    }
    for (size_t i = 0; status == CNN_OK && i < count; i++) {
        status = collect_class(all, i, error);
    }
    return status;
}

static cnn_image_form form_of(const cnn_dataset *data)
{
    return (cnn_image_form){data->shape, data->fit};
}

static void decode_part(void *context, int part, int thread)
{
    const job *const work = context;
    const size_t first = (size_t)part * PART, left = work->files->count - first, count = left < PART ? left : PART;
    (void)thread;
    for (size_t i = first; i < first + count; i++) {
        uint8_t *const pixels = work->data->pixels + i * work->image_size;
        work->results[i] = cnn_image_fit_file(work->files->items[i], form_of(work->data), pixels, NULL);
    }
}

/** A file that cannot be read is tried once more, so as to say why; only a link that leads nowhere is passed over. */
static cnn_status look_again(const job *work, size_t i, cnn_error *error)
{
    const char *const path = work->files->items[i];
    if (cnn_list_is_dangling(path)) {
        return CNN_OK;
    }
    cnn_error reason;
    work->results[i] =
        cnn_image_fit_file(path, form_of(work->data), work->data->pixels + i * work->image_size, &reason);
    return work->results[i] == CNN_IO ? cnn_fail(error, CNN_IO, "%s", reason.message) : CNN_OK;
}

static cnn_status decode(job *work, cnn_error *error)
{
    cnn_team *const team = cnn_team_new(cnn_processor_count(), error);
    if (team == NULL) {
        return CNN_PLATFORM;
    }
    cnn_team_run(team, (int)((work->files->count + PART - 1) / PART), decode_part, work);
    cnn_team_free(team);
    cnn_status status = CNN_OK;
    for (size_t i = 0; i < work->files->count && status == CNN_OK; i++) {
        if (work->results[i] == CNN_IO) {
            status = look_again(work, i, error);
        }
        if (work->results[i] == CNN_MEMORY) {
            status = cnn_fail_memory(error);
        }
    }
    return status;
}

/** A class whose pictures are all unreadable: says why the first is. */
static cnn_status fail_class(const gallery *all, size_t class, const job *work, cnn_error *error)
{
    const size_t first = class == 0 ? 0 : all->ends[class - 1];
    cnn_error reason = {0};
    if (cnn_image_fit_file(all->files.items[first], form_of(work->data), work->data->pixels, &reason) == CNN_OK) {
        return cnn_fail(error, CNN_IO, "%s: changes while it is read: try again", all->root);
    }
    return cnn_fail(error, CNN_FORMAT, "%s/%s: none of its %zu pictures can be read; the first: %s", all->root,
                    all->classes.items[class], all->ends[class] - first, reason.message);
}

/** Labels the decoded pictures and closes the gaps that unreadable ones left. */
static cnn_status close_gaps(const gallery *all, const job *work, cnn_error *error)
{
    cnn_dataset *const data = work->data;
    size_t kept = 0, file = 0;
    for (size_t class = 0; class < all->classes.count; class ++) {
        const size_t before = kept;
        for (; file < all->ends[class]; file++) {
            if (work->results[file] != CNN_OK) { /* NOLINT: where there are files there are results */
                continue;
            }
            if (kept != file) {
                memcpy(data->pixels + kept * work->image_size, data->pixels + file * work->image_size,
                       work->image_size);
            }
            data->labels[kept++] = (int)class;
        }
        if (kept == before) {
            return fail_class(all, class, work, error);
        }
    }
    data->count = (int)kept;
    data->skipped = (int)(all->files.count - kept);
    return CNN_OK;
}

static cnn_status load(cnn_dataset *data, const gallery *all, cnn_shape shape, cnn_error *error)
{
    cnn_status status = cnn_dataset_set_classes(data, (const char *const *)all->classes.items, (int)all->classes.count,
                                                all->root, error);
    if (status == CNN_OK) {
        status = cnn_dataset_reserve(data, all->files.count, shape, all->root, error);
    }
    if (status != CNN_OK) {
        return status;
    }
    job work = {.files = &all->files,
                .data = data,
                .image_size = (size_t)shape.height * (size_t)shape.width * (size_t)shape.channels,
                .results = cnn_alloc(all->files.count, sizeof *work.results)};
    status = work.results == NULL ? cnn_fail_memory(error) : decode(&work, error);
    if (status == CNN_OK) {
        status = close_gaps(all, &work, error);
    }
    cnn_free(work.results);
    return status;
}

static cnn_status open_folder(cnn_dataset *data, const char *folder, cnn_split split, cnn_shape shape, cnn_error *error)
{
    gallery all = {0};
    cnn_status status = collect(&all, folder, split, error);
    if (status == CNN_OK) {
        status = load(data, &all, shape, error);
    }
    cnn_list_clear(&all.classes);
    cnn_list_clear(&all.files);
    cnn_free(all.ends);
    cnn_free(all.root);
    return status;
}

const cnn_dataset_format cnn_format_folder = {"folder", "a subfolder of pictures for each class, or train/ and test/",
                                              open_folder};

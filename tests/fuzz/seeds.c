/* Seeds for the fuzz targets, which are files of formats that the library writes: `fuzz_seeds FOLDER` fills
 * FOLDER/TARGET/NAME. Seeds that a person reads are in seeds/. */
#include "seeds.h"

#include "base/bytes.h"
#include "container.h"
#include "net/model.h"
#include "training.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *root;

static void must(bool done, const cnn_error *error)
{
    if (!done) {
        fprintf(stderr, "fuzz_seeds: %s\n", error->message);
        exit(1);
    }
}

static void make_folder(const char *path)
{
    assert(mkdir(path, 0777) == 0 || errno == EEXIST);
}

/** Where a seed goes; its target's folder is made. */
static const char *path_of(const char *target, const char *name, int number)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, target);
    make_folder(path);
    snprintf(path, sizeof path, "%s/%s/%s%d", root, target, name, number);
    return path;
}

static const char *const networks[] = {
    "input 2x2x1\ndense units=2\n",
    "input 3x3x1\nconv filters=2 kernel=3\nbatchnorm\nglobalavgpool\ndense units=2\n",
    "input 4x4x3 scale=whiten\nconv filters=3 padding=same groups=3 frozen=on\nprelu\nmaxpool\ndense units=3\n"
    "train optimizer=muon temperature=2 familiarity=-3\n",
    "input 4x4x1 scale=standardize-pixels fit=digit\nconv filters=2 kernel=1\nrelu\nresidual projection=batchnorm {\n"
    "conv filters=4 kernel=1 stride=2\nmaxout pieces=2\n}\navgpool size=2\ndense units=2\ntrain activation-l1=0.1\n",
};

static void write_models(void)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        cnn_recipe *recipe = cnn_recipe_parse(networks[i], "seed", NULL);
        cnn_error error = fuzz_no_error();
        cnn_model *model = cnn_model_new(recipe, 5, &error);
        must(model != NULL, &error);
        assert(cnn_model_set_metadata(model, "origin.data", "d\xc3\xa9j\xc3\xa0 \"vu\"", NULL) == CNN_OK);
        if (i == 1) {
            const double ranges[CNN_APPEARANCE_COUNT][2] = {{0, 1}, {0.5, 1}, {-1, 1e-3}, {0, 1e300}};
            assert(cnn_model_set_appearance(model, ranges, NULL) == CNN_OK);
        }
        assert(cnn_model_save(model, path_of("model", "made", (int)i), NULL) == CNN_OK);
        cnn_model_free(model);
        cnn_recipe_free(recipe);
    }
}

void seeds_write(const char *target, const char *name, int number, const cnn_piece *pieces, int count)
{
    cnn_error error = fuzz_no_error();
    must(cnn_file_write(path_of(target, name, number), pieces, count, &error) == CNN_OK, &error);
}

/** The checkpoint, behind the byte that chooses its training. */
static void write_checkpoint(const cnn_trainer *trainer, unsigned choice, int step)
{
    cnn_error error = fuzz_no_error();
    const char *path = path_of("checkpoint", "", 0);
    unsigned char *bytes;
    size_t size;
    must(cnn_trainer_save(trainer, path, &error) == CNN_OK &&
             cnn_file_read(path, 1 << 20, &bytes, &size, &error) == CNN_OK,
         &error);
    assert(remove(path) == 0);
    const char first = (char)choice;
    seeds_write("model", "checkpoint", (int)choice, &(cnn_piece){bytes, size}, 1);
    seeds_write("checkpoint", "made", (int)choice * 100 + step, (const cnn_piece[]){{&first, 1}, {bytes, size}}, 2);
    cnn_free(bytes);
}

/** Checkpoints within the first epoch, within the second and after the last. */
static void write_checkpoints(void)
{
    cnn_dataset *images = training_data();
    for (unsigned i = 0; i < TRAININGS; i++) {
        cnn_error error = fuzz_no_error();
        cnn_recipe *recipe = training_recipe(i);
        cnn_trainer *trainer = cnn_trainer_new(recipe, images, &training_options, &error);
        must(trainer != NULL, &error);
        cnn_progress progress = {.done = false};
        for (int step = 1; !progress.done; step++) {
            must(cnn_trainer_step(trainer, &progress, &error) == CNN_OK, &error);
            if (step == 1 || progress.done || (progress.epoch == 2 && progress.step == 1)) {
                write_checkpoint(trainer, i, step);
            }
        }
        cnn_trainer_free(trainer);
        cnn_recipe_free(recipe);
    }
    cnn_dataset_free(images);
}

/** Three images of 2x3 pixels and their labels, as they are and to be packed; a gzip file that is one already. */
static void write_idx(void)
{
    static const unsigned char images[] = "\0\0\x08\x03\0\0\0\3\0\0\0\2\0\0\0\3 abcdefghijklmnopq";
    static const unsigned char labels[] = "\0\0\x08\x01\0\0\0\3\x09\0\5";
    static const unsigned char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\3\1\x0b\0\xf4\xff\0\0\x08\1\0\0\0\3\x09\0\5"
                                        "\x84\x73\xfb\x71\x0b\0\0\0";
    for (int choices = 0; choices < 16; choices += 5) {
        const unsigned char head[] = {(unsigned char)choices, 2, 3, sizeof images - 1, 0};
        seeds_write("idx", "made", choices,
                    (const cnn_piece[]){{head, sizeof head}, {images, sizeof images - 1}, {labels, sizeof labels - 1}},
                    3);
    }
    const unsigned char head[] = {1, 2, 3, sizeof images - 1, 0};
    seeds_write("idx", "gzip", 0,
                (const cnn_piece[]){{head, sizeof head}, {images, sizeof images - 1}, {gzip, sizeof gzip - 1}}, 3);
    static const unsigned char beyond[] = "\0\0\x08\x01\0\0\0\3\0\0\x0a"; /* the last label */
    seeds_write("idx", "label", 0,
                (const cnn_piece[]){{head, sizeof head}, {images, sizeof images - 1}, {beyond, sizeof beyond - 1}}, 3);
}

/** Residuals within each other, one more than are permitted. */
static void write_nested(void)
{
    char text[512] = "input 1x1x1\n";
    for (int i = 0; i < 2 * (CNN_RECIPE_NESTING + 1); i++) {
        strcat(text, i <= CNN_RECIPE_NESTING ? "residual {\n" : "}\n");
    }
    seeds_write("recipe", "nested", 0, &(cnn_piece){text, strlen(text)}, 1);
}

/** Recipes with assignments behind them, of each form. */
static void write_assignments(void)
{
    static const char *const texts[] = {
        "input 8x8x1\nconv filters=2\nrelu\ndense units=2\n\xff"
        "lr=0.1\nconv1.filters=4\nrelu=elu alpha=0.5",
        "input 8x8x3 scale=whiten\nconv filters=4 init=whiten\ntanh\ndense units=2\ntrain activation-l1=0.1\n\xff"
        "augment.flip=on\ninput.fit=digit\nrelu1.slope=1",
        "input 9x9x1 scale=standardize-pixels\nresidual projection=batchnorm {\nconv filters=3 stride=2\nprelu\n}\n"
        "maxout pieces=3\ndense units=2\n\xff"
        "prelu=softsign\nmaxout=conv filters=2\ninput.shape=4x4x3",
    };
    for (int i = 0; i < 3; i++) {
        seeds_write("recipe", "assignments", i, &(cnn_piece){texts[i], strlen(texts[i])}, 1);
    }
}

static void write_cifar10(void)
{
    static const char names[] = "\x1f\0airplane\r\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\4\0\x07"
                                "abcd";
    static const unsigned char record[3 + 2 + 3073] = {2, 0, 0, 0x01, 0x0c, 9, 200, 100};
    for (char choices = 0; choices < 8; choices++) {
        seeds_write("cifar10", "names", choices, (const cnn_piece[]){{&choices, 1}, {names, sizeof names - 1}}, 2);
    }
    static const unsigned char beyond[] = {4, 0, 0, 1, 0, 10};
    seeds_write("cifar10", "label", 0, &(cnn_piece){beyond, sizeof beyond}, 1);
    seeds_write("cifar10", "record", 0, &(cnn_piece){record, sizeof record}, 1);
}

/** The file with `from` in its header replaced by `to`, and a checksum that is right. */
static void write_edited(int number, const unsigned char *bytes, size_t size, const char *from, const char *to)
{
    static unsigned char edited[1 << 13];
    cnn_reader reader = {.bytes = bytes, .size = size};
    const size_t length = (size_t)cnn_read_u64_little(&reader), from_size = strlen(from), to_size = strlen(to);
    size_t at = 8;
    while (at + from_size <= 8 + length && memcmp(bytes + at, from, from_size) != 0) {
        at++;
    }
    assert(at + from_size <= 8 + length && size + to_size <= sizeof edited);
    memcpy(edited, bytes, at);
    memcpy(edited + at, to, to_size);
    memcpy(edited + at + to_size, bytes + at + from_size, size - at - from_size);
    cnn_write_u64_little(edited, length + to_size - from_size);
    fuzz_container_seal(edited, size + to_size - from_size, length + to_size - from_size);
    seeds_write("model", "edited", number, &(cnn_piece){edited, size + to_size - from_size}, 1);
}

/** Models that are refused late, each for another reason. */
static void write_edits(void)
{
    static const char *const edits[][2] = {
        {"cnn 1", "cnn 2"},
        {"\"kind\":\"model\"", "\"kind\":1"},
        {"\"kind\":\"model\"", "\"kind\":\"checkpoint\""},
        {"crc32", "crc33"},
        {"\"[\\\"0\\\",\\\"1\\\"]\"", "\"[1,2]\""},
        {"\\\"0\\\",\\\"1\\\"", "\\\"1\\\",\\\"1\\\""},
        {"\\\"0\\\",\\\"1\\\"", "\\\"1\\\",\\\"\\\""},
        {"\\\"0\\\",\\\"1\\\"", "\\\"a\\\",\\\"b\\\",\\\"c\\\""},
        {"\"origin.data\":\"", "\"temperature\":\"0.001\",\"origin.data\":\""},
        {"\"origin.data\":\"", "\"appearance\":\"[0,1,0,1,0,1,0,1]\",\"familiarity\":\"-5\",\"origin.data\":\""},
        {"\"origin.data\":\"", "\"origin/data\":\"\",\"origin.data\":\""},
        {"\"origin.data\":\"", "\"number\":1,\"origin.data\":\""},
        {"\"scale.mean\":\"[0]\"", "\"scale.mean\":\"[0,0]\""},
        {"\"scale.deviation\":\"[1]\"", "\"scale.deviation\":\"[0]\""},
        {"\"dense1.bias\":", "\"more\":0,\"dense1.bias\":"},
        {"\"dense1.bias\":", "\"dense2.bias\":"},
        {"\"shape\":[2]", "\"shape\":[2.0]"},
        {"\"shape\":[2]", "\"shape\":[4294967298]"},
        {"units=2", "units=3"},
    };
    cnn_error error = fuzz_no_error();
    cnn_recipe *recipe = cnn_recipe_parse(networks[0], "seed", &error);
    cnn_model *model = cnn_model_new(recipe, 5, &error);
    unsigned char *bytes;
    size_t size;
    must(model != NULL && cnn_model_set_metadata(model, "origin.data", "made", &error) == CNN_OK &&
             cnn_model_encode(model, NULL, 0, &bytes, &size, &error) == CNN_OK,
         &error);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        write_edited((int)i, bytes, size, edits[i][0], edits[i][1]);
    }
    cnn_free(bytes);
    cnn_model_free(model);
    cnn_recipe_free(recipe);
}

int main(int count, char **words)
{
    assert(count == 2);
    root = words[1];
    make_folder(root);
    write_models();
    write_edits();
    write_checkpoints();
    write_nested();
    write_assignments();
    write_idx();
    write_cifar10();
    seeds_images();
    return 0;
}

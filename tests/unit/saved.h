/* Models of trainings as files, and whether two are the same to the byte. To be included by one file of a test. */
#ifndef CNN_TESTS_SAVED_H
#define CNN_TESTS_SAVED_H

#include "base/file.h"
#include "base/memory.h"
#include "cnn.h"
#include "unit/unit.h"

static inline void save_model(const cnn_trainer *trainer, const char *path)
{
    cnn_model *model = cnn_trainer_model(trainer, NULL);
    assert_non_null(model);
    assert_int_equal(cnn_model_save(model, path, NULL), CNN_OK);
    cnn_model_free(model);
}

static inline void assert_same_file(const char *one, const char *other)
{
    unsigned char *a, *b;
    size_t a_size, b_size;
    assert_int_equal(cnn_file_read(one, 1 << 24, &a, &a_size, NULL), CNN_OK);
    assert_int_equal(cnn_file_read(other, 1 << 24, &b, &b_size, NULL), CNN_OK);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    cnn_free(a);
    cnn_free(b);
}

#endif

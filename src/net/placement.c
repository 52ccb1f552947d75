/* Where a program's buffers lie: those of a lane share its arena, each at the lowest offset that is free during its
 * life, largest first (greedy by size: Pisarchyk and Lee 2020, arXiv 2001.03288); those of the whole batch share
 * nothing. */
#include "base/memory.h"
#include "net/program.h"

#include <stdlib.h>
#include <string.h>

int cnn_buffer_place(const cnn_program *program, int buffer)
{
    while (program->buffers[buffer].same_as >= 0) {
        buffer = program->buffers[buffer].same_as;
    }
    return buffer;
}

void cnn_buffer_use(cnn_program *program, int buffer, int time, bool whole)
{
    if (buffer < 0) {
        return;
    }
    cnn_buffer *target = &program->buffers[buffer];
    target->begin = time < target->begin ? time : target->begin;
    target->end = time > target->end ? time : target->end;
    target->whole = target->whole || whole;
}

/** A buffer that shares a place lends it its lifetime and its kind of memory. */
static void merge_shared(cnn_program *program)
{
    for (int i = 0; i < program->buffer_count; i++) {
        const int place = cnn_buffer_place(program, i);
        const cnn_buffer *buffer = &program->buffers[i];
        if (place != i && buffer->end >= 0) {
            cnn_buffer_use(program, place, buffer->begin, buffer->whole);
            cnn_buffer_use(program, place, buffer->end, buffer->whole);
        }
    }
    for (int i = 0; i < program->buffer_count; i++) {
        program->buffers[i].whole = program->buffers[cnn_buffer_place(program, i)].whole;
    }
}

static int by_size(const void *left, const void *right)
{
    const cnn_buffer *const *a = left, *const *b = right;
    if ((*a)->size != (*b)->size) {
        return (*a)->size < (*b)->size ? 1 : -1;
    }
    return *a < *b ? -1 : *a > *b; /* the array's order: qsort alone is not stable */
}

/** size * images, rounded up to the alignment; SIZE_MAX where that overflows. */
static size_t array_size(const cnn_buffer *buffer, int images)
{
    size_t size;
    if (!cnn_multiply_size(buffer->size, (size_t)images, &size) || !cnn_add_size(size, CNN_ALIGNMENT - 1, &size)) {
        return SIZE_MAX;
    }
    return size - size % CNN_ALIGNMENT;
}

/** Puts the buffer among the `count` ones that are sorted by offset. */
static void insert_by_offset(cnn_buffer **sorted, int count, cnn_buffer *buffer)
{
    int at = count;
    while (at > 0 && sorted[at - 1]->offset > buffer->offset) {
        at--;
    }
    memmove(sorted + at + 1, sorted + at, (size_t)(count - at) * sizeof *sorted);
    sorted[at] = buffer;
}

/** Places the `pending` lane buffers; `placed` is room for as many. */
static bool place_in_lane(cnn_program *program, cnn_buffer **pending, int pending_count, cnn_buffer **placed)
{
    int placed_count = 0;
    qsort(pending, (size_t)pending_count, sizeof *pending, by_size);
    for (int i = 0; i < pending_count; i++) {
        cnn_buffer *buffer = pending[i];
        const size_t size = array_size(buffer, program->lane_images);
        size_t offset = 0;
        for (int k = 0; k < placed_count; k++) {
            const cnn_buffer *other = placed[k];
            const bool meets = other->begin <= buffer->end && buffer->begin <= other->end;
            if (meets && size > 0 && (other->offset < offset || other->offset - offset < size)) {
                const size_t end = other->offset + array_size(other, program->lane_images);
                offset = end > offset ? end : offset;
            }
        }
        size_t end;
        if (!cnn_add_size(offset, size, &end)) {
            return false;
        }
        buffer->offset = offset;
        program->lane_size = end > program->lane_size ? end : program->lane_size;
        insert_by_offset(placed, placed_count++, buffer);
    }
    return true;
}

cnn_status cnn_program_place(cnn_program *program, cnn_error *error)
{
    const size_t count = (size_t)program->buffer_count;
    cnn_buffer **pending = cnn_alloc(2 * count, sizeof(cnn_buffer *));
    if (pending == NULL) {
        return cnn_fail_memory(error);
    }
    merge_shared(program);
    int pending_count = 0;
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++) {
        cnn_buffer *buffer = &program->buffers[i];
        if (buffer->same_as >= 0 || buffer->end < buffer->begin) {
            continue;
        }
        if (buffer->whole) {
            buffer->offset = program->whole_size;
            fits = cnn_add_size(program->whole_size, array_size(buffer, program->batch), &program->whole_size);
        } else {
            pending[pending_count++] = buffer;
        }
    }
    fits = fits && place_in_lane(program, pending, pending_count, pending + count);
    cnn_free(pending);
    for (size_t i = 0; i < count; i++) {
        program->buffers[i].offset = program->buffers[cnn_buffer_place(program, (int)i)].offset;
    }
    return fits ? CNN_OK : cnn_fail(error, CNN_MEMORY, "the network needs more memory than can be addressed");
}

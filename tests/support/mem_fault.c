/* The test allocator: [head][bytes][guard], where the head keeps the size and the guard shows a write past the end. */
#include "mem_fault.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE_MARK 0x4c495645u
#define DEAD_MARK 0x44454144u
#define GUARD     0xA5A5A5A5A5A5A5A5ull

typedef struct head {
    alignas(max_align_t) size_t size;
    uint32_t mark;
} head;

static void die(const char *why, size_t told, size_t kept) {
    fprintf(stderr, "test_alloc: %s (told %zu, kept %zu)\n", why, told, kept);
    abort();
}

static head *head_of(void *ptr, size_t told) {
    if (told == 0) die("an old size of 0 for a live block", told, 0);
    head *block = (head *)ptr - 1;
    if (block->mark == DEAD_MARK) die("freed twice", told, block->size);
    if (block->mark != LIVE_MARK) die("not a block, or written before its start", told, 0);
    if (block->size != told) die("the old size is not the one asked for", told, block->size);
    uint64_t guard;
    memcpy(&guard, (char *)ptr + told, sizeof guard);
    if (guard != GUARD) die("written past its end", told, block->size);
    return block;
}

static bool must_fail(test_mem *mem) {
    size_t call = atomic_fetch_add(&mem->calls, 1) + 1;
    if (mem->fail_at == 0) return false;
    return mem->fail_forever ? call >= mem->fail_at : call == mem->fail_at;
}

static void *make(test_mem *mem, size_t size) {
    if (must_fail(mem) || size > SIZE_MAX - sizeof(head) - sizeof(uint64_t)) return NULL;
    head *block = malloc(sizeof *block + size + sizeof(uint64_t));
    if (!block) return NULL;
    block->size = size;
    block->mark = LIVE_MARK;
    char *ptr = (char *)(block + 1);
    uint64_t guard = GUARD;
    memset(ptr, 0xCD, size);
    memcpy(ptr + size, &guard, sizeof guard);
    atomic_fetch_add(&mem->live, size);
    return ptr;
}

static void drop(test_mem *mem, head *block) {
    size_t size = block->size;
    block->mark = DEAD_MARK;
    memset(block + 1, 0xDD, size);
    atomic_fetch_sub(&mem->live, size);
    free(block);
}

void *test_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    test_mem *mem = user;
    if (!ptr) {
        if (old_size != 0) die("an old size for no block", old_size, 0);
        return new_size ? make(mem, new_size) : NULL;
    }
    head *old = head_of(ptr, old_size);
    void *moved = NULL;
    if (new_size) {
        moved = make(mem, new_size);
        if (!moved) return NULL;
        memcpy(moved, ptr, old_size < new_size ? old_size : new_size);
    }
    drop(mem, old);
    return moved;
}

bool test_mem_has_failed(const test_mem *mem) {
    return mem->fail_at != 0 && atomic_load(&mem->calls) >= mem->fail_at;
}

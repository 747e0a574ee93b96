/* The interposed allocator, on top of glibc's own under its other names. */
#define _GNU_SOURCE
#include "malloc_fault.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* glibc's names for what we replace; in no header. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *ptr);

static atomic_size_t live, points, calls;
static atomic_size_t fail_at; /* 0: not armed */
static atomic_bool is_forever, has_failed;
static _Thread_local int paused;
static uintptr_t spared_from, spared_to;

void fault_arm(size_t n, fault_mode mode) {
    atomic_store(&calls, 0);
    atomic_store(&has_failed, false);
    atomic_store(&is_forever, mode == FAULT_FOREVER);
    atomic_store(&fail_at, n);
}

bool fault_disarm(void) {
    atomic_store(&fail_at, 0);
    return atomic_load(&has_failed);
}

void fault_pause(void) {
    paused++;
}

void fault_resume(void) {
    paused--;
}

size_t fault_live(void) {
    return atomic_load(&live);
}

size_t fault_points(void) {
    return atomic_load(&points);
}

static int find_object(struct dl_phdr_info *info, size_t size, void *name) {
    (void)size;
    if (!strstr(info->dlpi_name, name)) return 0;
    spared_from = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        if (from < spared_from) spared_from = from;
        if (from + info->dlpi_phdr[i].p_memsz > spared_to) spared_to = from + info->dlpi_phdr[i].p_memsz;
    }
    return 1;
}

void fault_spare(const char *object) {
    char name[64] = "";
    spared_from = spared_to = 0;
    if (!object) return;
    strncpy(name, object, sizeof name - 1);
    dl_iterate_phdr(find_object, name);
}

static bool must_fail(const void *caller) {
    size_t at = atomic_load(&fail_at);
    if (at == 0 || paused) return false;
    if ((uintptr_t)caller >= spared_from && (uintptr_t)caller < spared_to) return false;
    size_t call = atomic_fetch_add(&calls, 1) + 1;
    if (atomic_load(&is_forever) ? call < at : call != at) return false;
    if (!atomic_exchange(&has_failed, true)) atomic_fetch_add(&points, 1);
    errno = ENOMEM;
    return true;
}

static void *counted(void *ptr) {
    if (ptr) atomic_fetch_add(&live, 1);
    return ptr;
}

void *malloc(size_t size) {
    return must_fail(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return must_fail(__builtin_return_address(0)) ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *ptr, size_t size) {
    if (ptr && size == 0) {
        free(ptr);
        return NULL;
    }
    if (must_fail(__builtin_return_address(0))) return NULL;
    void *moved = __libc_realloc(ptr, size);
    return ptr ? moved : counted(moved);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
    return must_fail(__builtin_return_address(0)) ? NULL : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    return must_fail(__builtin_return_address(0)) ? NULL : counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **ptr, size_t alignment, size_t size) {
    if (must_fail(__builtin_return_address(0))) return ENOMEM;
    void *made = counted(__libc_memalign(alignment, size));
    if (!made) return ENOMEM;
    *ptr = made;
    return 0;
}

void free(void *ptr) {
    if (ptr) atomic_fetch_sub(&live, 1);
    __libc_free(ptr);
}

/* The secret file. It is made under another name, synced, and then linked to its own: it is there whole or not at all,
 * and of two processes that make it at the same time one wins and both use the winner's. */
#define _DEFAULT_SOURCE
#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"

#define FILE_BYTES_MAX 4096
#define PATH_CAP       1024

bool data_dir_make(const char *dir, char *why, size_t cap) {
    struct stat info;
    if (mkdir(dir, 0700) == 0) return true;
    if (errno != EEXIST) return blame(why, cap, "%s: %s", dir, strerror(errno));
    if (stat(dir, &info) != 0) return blame(why, cap, "%s: %s", dir, strerror(errno));
    return S_ISDIR(info.st_mode) || blame(why, cap, "%s: not a directory", dir);
}

static bool write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        bytes += wrote;
        len -= (size_t)wrote;
    }
    return true;
}

static bool sync_dir(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) (void)close(fd);
    return good;
}

static bool make_file(const char *dir, const char *path, char *why, size_t cap) {
    unsigned char random[4 + SECRET_BYTES];
    char line[2 * sizeof random + 3], temporary[PATH_CAP];
    size_t len = 0;
    int fd = -1;
    bool good = false;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return blame(why, cap, "no random bytes: %s", strerror(errno));
    }
    for (size_t i = 0; i < sizeof random; i++) {
        if (i == 4) line[len++] = ' ';
        len += (size_t)snprintf(line + len, sizeof line - len, "%02x", random[i]);
    }
    line[len++] = '\n';
    int wrote = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    if (wrote > 0 && (size_t)wrote < sizeof temporary) {
        (void)unlink(temporary);
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    if (fd >= 0) {
        good = fchmod(fd, 0600) == 0 && write_all(fd, line, len) && fsync(fd) == 0 &&
               (link(temporary, path) == 0 || errno == EEXIST) && sync_dir(dir);
        if (!good) (void)blame(why, cap, "%s: %s", path, strerror(errno));
        (void)close(fd);
        (void)unlink(temporary);
    } else {
        (void)blame(why, cap, "%s: %s", temporary, strerror(errno));
    }
    explicit_bzero(random, sizeof random);
    explicit_bzero(line, sizeof line);
    return good;
}

/* Open and look at the file itself, not at its name. Returns the descriptor, or -1 with errno ENOENT or a sentence. */
static int open_checked(const char *path, char *why, size_t cap) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        int err = errno;
        (void)blame(why, cap, "%s: %s", path, strerror(err));
        errno = err;
        return -1;
    }
    const char *wrong = NULL;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        wrong = "not a regular file";
    } else if ((info.st_mode & 077) != 0) {
        wrong = "group or others may read or change it; `chmod 600` it, and make a new key if somebody did";
    } else if (info.st_uid != geteuid()) {
        wrong = "it belongs to another user";
    }
    if (wrong == NULL) return fd;
    (void)blame(why, cap, "%s: %s", path, wrong);
    (void)close(fd);
    errno = EACCES;
    return -1;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* `KID HEX`, nothing else. */
static bool parse_line(secrets *all, const char *line, size_t len) {
    static const char kid_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t kid = 0;
    while (kid < len && memchr(kid_bytes, line[kid], sizeof kid_bytes - 1) != NULL) kid++;
    if (all->count == SECRETS_MAX || kid == 0 || kid >= KID_CAP) return false;
    if (len != kid + 1 + 2 * SECRET_BYTES || line[kid] != ' ') return false;
    memcpy(all->list[all->count].kid, line, kid);
    all->list[all->count].kid[kid] = '\0';
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].kid, all->list[all->count].kid) == 0) return false;
    }
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        int high = hex_digit(line[kid + 1 + 2 * i]), low = hex_digit(line[kid + 2 + 2 * i]);
        if (high < 0 || low < 0) return false;
        all->list[all->count].bytes[i] = (unsigned char)(high << 4 | low);
    }
    all->count++;
    return true;
}

static bool parse(secrets *all, const char *bytes, size_t len, const char *path, char *why, size_t cap) {
    unsigned number = 0;
    for (size_t at = 0; at < len;) {
        const char *line = bytes + at, *end = memchr(line, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - line) : len - at;
        at += line_len + 1;
        number++;
        if (line_len == 0 || line[0] == '#') continue;
        if (!parse_line(all, line, line_len)) {
            return blame(why, cap, "%s:%u: expected `KID HEX` with 64 hex digits, each KID once, at most %d lines",
                         path, number, SECRETS_MAX);
        }
    }
    return all->count > 0 || blame(why, cap, "%s: holds no key", path);
}

bool secrets_load(secrets *all, const char *dir, bool *is_new, char *why, size_t cap) {
    char path[PATH_CAP - 32], bytes[FILE_BYTES_MAX];
    size_t len = 0;
    ssize_t got = 0;
    all->count = 0;
    int wrote = snprintf(path, sizeof path, "%s/secret.key", dir);
    if (wrote < 0 || (size_t)wrote >= sizeof path) return blame(why, cap, "%s: the name is too long", dir);
    int fd = open_checked(path, why, cap);
    if (fd < 0 && errno == ENOENT) {
        fd = make_file(dir, path, why, cap) ? open_checked(path, why, cap) : -1;
        if (is_new != NULL) *is_new = true;
    }
    if (fd < 0) return false;
    while (len < sizeof bytes && (got = read(fd, bytes + len, sizeof bytes - len)) > 0) len += (size_t)got;
    bool good = got == 0 && len < sizeof bytes;
    if (!good) (void)blame(why, cap, "%s: %s", path, got < 0 ? strerror(errno) : "too long");
    (void)close(fd);
    good = good && parse(all, bytes, len, path, why, cap);
    explicit_bzero(bytes, sizeof bytes);
    if (!good) secrets_wipe(all);
    return good;
}

void secrets_get(const secrets *all, size_t index, wsm_key *key) {
    wsm_key_init(key, sizeof *key);
    key->kid = all->list[index].kid;
    key->secret = all->list[index].bytes;
    key->secret_len = SECRET_BYTES;
}

void secrets_wipe(secrets *all) {
    explicit_bzero(all, sizeof *all);
}

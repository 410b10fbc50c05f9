/* Makes one call of a program fail: the N-th of those that change files, with an error of our choice.
 * FAULT_AT says which, FAULT_CODE with what; a directory FAULT_MARK is made when it was reached. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int calls;

static int is_hit(void) {
    const char *at = getenv("FAULT_AT"), *code = getenv("FAULT_CODE"), *mark = getenv("FAULT_MARK");
    if (at == NULL || code == NULL || mark == NULL || ++calls != atoi(at))
        return 0;
    REAL(mkdir)(mark, 0700);
    errno = atoi(code);
    return 1;
}

static int is_file(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    if (is_file(fd) && is_hit())
        return -1;
    return REAL(write)(fd, bytes, size);
}

int fsync(int fd) { return is_hit() ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return is_hit() ? -1 : REAL(fdatasync)(fd); }
int fchmod(int fd, mode_t mode) { return is_hit() ? -1 : REAL(fchmod)(fd, mode); }
int fchown(int fd, uid_t user, gid_t group) { return is_hit() ? -1 : REAL(fchown)(fd, user, group); }
int rename(const char *from, const char *to) { return is_hit() ? -1 : REAL(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return is_hit() ? -1 : REAL(mkdir)(path, mode); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    return is_hit() ? -1 : REAL(renameat)(from_dir, from, to_dir, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    return is_hit() ? -1 : REAL(linkat)(from_dir, from, to_dir, to, flags);
}

int mkdirat(int dir, const char *path, mode_t mode) { return is_hit() ? -1 : REAL(mkdirat)(dir, path, mode); }

#define OPENS(name, before, given)                                              \
    int name before {                                                           \
        mode_t mode = 0;                                                        \
        if (flags & O_CREAT) {                                                  \
            va_list more;                                                       \
            va_start(more, flags);                                              \
            mode = va_arg(more, mode_t);                                        \
            va_end(more);                                                       \
            if (is_hit())                                                       \
                return -1;                                                      \
        }                                                                       \
        return REAL(name) given;                                                \
    }

OPENS(open, (const char *path, int flags, ...), (path, flags, mode))
OPENS(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENS(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
OPENS(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))

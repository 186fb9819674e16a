/* Counts and disturbs the writes of a process inside one folder; loaded with LD_PRELOAD by campaign.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long counted, disturbed;
static int fault, repeated;

/* The call number `nth` inside `inside` fails with `error`, or kills the process where it is 0; so do the calls after
   it where `every` is not 0. No call is disturbed where `nth` is 0. */
void arm(const char *inside, long nth, int error, int every) {
    snprintf(folder, sizeof folder, "%s/", inside);
    counted = 0;
    disturbed = nth;
    fault = error;
    repeated = every;
}

long count(void) { return counted; }

static int strikes(const char *path) {
    if (!folder[0] || strncmp(path, folder, strlen(folder)) != 0) return 0;
    counted++;
    if (!disturbed || counted < disturbed || (counted > disturbed && !repeated)) return 0;
    if (!fault) {
        kill(getpid(), SIGKILL);
        pause();
    }
    errno = fault;
    return 1;
}

static int strikes_descriptor(int descriptor) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strikes(path);
}

static int strikes_at(int directory, const char *path) {
    return path[0] == '/' || directory == AT_FDCWD ? strikes(path) : strikes_descriptor(directory);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES(flags) (((flags) & O_ACCMODE) != O_RDONLY || (flags) & O_CREAT)
#define MODE(mode, flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) {
    MODE(mode, flags)
    return WRITES(flags) && strikes(path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(mode, flags)
    return WRITES(flags) && strikes(path) ? -1 : REAL(open64)(path, flags, mode);
}
int openat(int directory, const char *path, int flags, ...) {
    MODE(mode, flags)
    return WRITES(flags) && strikes_at(directory, path) ? -1 : REAL(openat)(directory, path, flags, mode);
}
int openat64(int directory, const char *path, int flags, ...) {
    MODE(mode, flags)
    return WRITES(flags) && strikes_at(directory, path) ? -1 : REAL(openat64)(directory, path, flags, mode);
}
ssize_t write(int descriptor, const void *data, size_t size) {
    return strikes_descriptor(descriptor) ? -1 : REAL(write)(descriptor, data, size);
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    return strikes_descriptor(descriptor) ? -1 : REAL(pwrite)(descriptor, data, size, offset);
}
ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    return strikes_descriptor(descriptor) ? -1 : REAL(pwrite64)(descriptor, data, size, offset);
}
int ftruncate(int descriptor, off_t size) {
    return strikes_descriptor(descriptor) ? -1 : REAL(ftruncate)(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) {
    return strikes_descriptor(descriptor) ? -1 : REAL(ftruncate64)(descriptor, size);
}
int fsync(int descriptor) { return strikes_descriptor(descriptor) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return strikes_descriptor(descriptor) ? -1 : REAL(fdatasync)(descriptor); }
int rename(const char *from, const char *to) { return strikes(to) ? -1 : REAL(rename)(from, to); }
int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return strikes_at(to_directory, to) ? -1 : REAL(renameat)(from_directory, from, to_directory, to);
}
int link(const char *from, const char *to) { return strikes(to) ? -1 : REAL(link)(from, to); }
int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    return strikes_at(to_directory, to) ? -1 : REAL(linkat)(from_directory, from, to_directory, to, flags);
}
int unlink(const char *path) { return strikes(path) ? -1 : REAL(unlink)(path); }
int unlinkat(int directory, const char *path, int flags) {
    return strikes_at(directory, path) ? -1 : REAL(unlinkat)(directory, path, flags);
}
int mkdir(const char *path, mode_t mode) { return strikes(path) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int directory, const char *path, mode_t mode) {
    return strikes_at(directory, path) ? -1 : REAL(mkdirat)(directory, path, mode);
}
int rmdir(const char *path) { return strikes(path) ? -1 : REAL(rmdir)(path); }

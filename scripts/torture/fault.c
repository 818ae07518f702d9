// Preloaded by `cargo xtask torture` below the program under test: counts what the program does to
// files below a folder and the processes that it starts, and lets something happen at the n-th.
//
// TORTURE_EXE    the program; in all others, which inherit the environment, nothing happens
// TORTURE_ROOT   the folder, absolute
// TORTURE_KINDS  what is counted: (o)pen to write, (q) open to read, (i) read, (w)rite, (r)ename,
//                f(s)ync, (u)nlink, (m)kdir, (c)hmod, (p)rocess
// TORTURE_TRACE  a file that gets a line per counted operation
// TORTURE_AT     n, from 1
// TORTURE_DO     "kill SIGNAL MILLISECONDS-AFTERWARDS" | "fail ERRNO" | "stay ERRNO" (from the n-th
//                on) | "short" (half of a write) | "vanish" | "clock SECONDS"
// TORTURE_FROM, TORTURE_TO   the folder that vanishes, and where it goes
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char root[PATH_MAX], verb[16];
static const char *kinds;
static size_t root_len;
static long at, count, number, pause_ms, jump_s;
static int active, trace = -1;
static char is_below[65536]; // by file descriptor: opened below the folder

__attribute__((constructor)) static void start(void) {
    char self[PATH_MAX] = "";
    const char *exe = getenv("TORTURE_EXE"), *folder = getenv("TORTURE_ROOT");
    kinds = getenv("TORTURE_KINDS");
    if (!exe || !folder || !kinds || readlink("/proc/self/exe", self, sizeof self - 1) < 0 ||
        strcmp(exe, self))
        return;
    root_len = (size_t)snprintf(root, sizeof root, "%s/", folder);
    at = atol(getenv("TORTURE_AT") ?: "0");
    sscanf(getenv("TORTURE_DO") ?: "", "%15s %ld %ld", verb, &number, &pause_ms);
    if (getenv("TORTURE_TRACE"))
        trace = (int)syscall(SYS_openat, AT_FDCWD, getenv("TORTURE_TRACE"),
                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    active = 1;
}

static int is(const char *name) { return !strcmp(verb, name); }

// What the n-th operation comes to: 0, or the error that it ends with; -1 for half of it.
static int operation(char kind, const char *path) {
    if (!active || !strchr(kinds, kind) || strncmp(path, root, root_len)) return 0;
    long n = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    if (trace >= 0) {
        char line[PATH_MAX + 32];
        int len = snprintf(line, sizeof line, "%c %s\n", kind, path + root_len);
        syscall(SYS_write, trace, line, len);
    }
    if (!at || n < at) return 0;
    if (is("stay")) return (int)number;
    if (n > at) return 0;
    if (is("fail")) return (int)number;
    if (is("short")) return -1;
    if (is("clock")) jump_s = number;
    if (is("vanish")) syscall(SYS_rename, getenv("TORTURE_FROM"), getenv("TORTURE_TO"));
    if (is("kill") && kind != 'p') kill(getpid(), (int)number);
    return 0;
}

// A process is there before the signal comes, and has had some time.
static void started(void) {
    if (!active || count != at || !is("kill")) return;
    usleep((useconds_t)pause_ms * 1000);
    kill(getpid(), (int)number);
}

static const char *below(int folder, const char *path, char *full) {
    char link[64];
    if (path[0] == '/') return path;
    if (folder == AT_FDCWD) {
        if (!getcwd(full, PATH_MAX)) return path;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t len = readlink(link, full, PATH_MAX - 1);
        full[len < 0 ? 0 : len] = 0;
    }
    size_t len = strlen(full);
    snprintf(full + len, PATH_MAX - len, "/%s", path);
    return full;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define FAIL(error, value) do { errno = (error); return (value); } while (0)
#define AT(kind, folder, path)                                                                     \
    char full[PATH_MAX];                                                                           \
    int error = active ? operation(kind, below(folder, path, full)) : 0;                           \
    if (error > 0) FAIL(error, -1)

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < (int)sizeof is_below) is_below[fd] = !strncmp(path, root, root_len);
    return fd;
}

#define OPEN(name, arguments, call, folder)                                                        \
    int name arguments {                                                                           \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                    \
        va_end(rest);                                                                              \
        AT(flags & (O_WRONLY | O_RDWR | O_CREAT) ? 'o' : 'q', folder, path);                       \
        int fd = call;                                                                             \
        return active ? opened(fd, below(folder, path, full)) : fd;                                \
    }
OPEN(open, (const char *path, int flags, ...), REAL(open)(path, flags, mode), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), REAL(open64)(path, flags, mode), AT_FDCWD)
OPEN(openat, (int dir, const char *path, int flags, ...), REAL(openat)(dir, path, flags, mode), dir)
OPEN(openat64, (int dir, const char *path, int flags, ...), REAL(openat64)(dir, path, flags, mode), dir)

static int on(char kind, int fd) {
    if (!active || fd < 0 || fd >= (int)sizeof is_below || !is_below[fd]) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = 0;
    return operation(kind, path);
}

int close(int fd) {
    if (fd >= 0 && fd < (int)sizeof is_below) is_below[fd] = 0;
    return REAL(close)(fd);
}
ssize_t read(int fd, void *bytes, size_t len) {
    int error = on('i', fd);
    if (error > 0) FAIL(error, -1);
    return REAL(read)(fd, bytes, len);
}
ssize_t write(int fd, const void *bytes, size_t len) {
    int error = on('w', fd);
    if (error > 0) FAIL(error, -1);
    return REAL(write)(fd, bytes, error && len > 1 ? len / 2 : len);
}
ssize_t writev(int fd, const struct iovec *parts, int n) {
    int error = on('w', fd);
    if (error > 0) FAIL(error, -1);
    return REAL(writev)(fd, parts, error && n > 1 ? n / 2 : n);
}
int fsync(int fd) { int error = on('s', fd); if (error > 0) FAIL(error, -1); return REAL(fsync)(fd); }
int fdatasync(int fd) { int error = on('s', fd); if (error > 0) FAIL(error, -1); return REAL(fdatasync)(fd); }
int fchmod(int fd, mode_t mode) { int error = on('c', fd); if (error > 0) FAIL(error, -1); return REAL(fchmod)(fd, mode); }
int chmod(const char *path, mode_t mode) { AT('c', AT_FDCWD, path); return REAL(chmod)(path, mode); }
int rename(const char *path, const char *to) { AT('r', AT_FDCWD, path); return REAL(rename)(path, to); }
int unlink(const char *path) { AT('u', AT_FDCWD, path); return REAL(unlink)(path); }
int unlinkat(int dir, const char *path, int flags) { AT('u', dir, path); return REAL(unlinkat)(dir, path, flags); }
int rmdir(const char *path) { AT('u', AT_FDCWD, path); return REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { AT('m', AT_FDCWD, path); return REAL(mkdir)(path, mode); }

int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const env[]) {
    int error = operation('p', root);
    if (error > 0) return error;
    int result = REAL(posix_spawnp)(child, file, actions, attributes, argv, env);
    started();
    return result;
}
pid_t fork(void) {
    int error = operation('p', root);
    if (error > 0) FAIL(error, -1);
    pid_t child = REAL(fork)();
    if (child > 0) started();
    return child;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (jump_s && clock == CLOCK_REALTIME) now->tv_sec += jump_s;
    return result;
}

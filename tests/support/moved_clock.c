/* SPDX-License-Identifier: MIT
 *
 * moved_clock - loaded before the C library, it moves the clocks of a whole
 * program by as many seconds as stand in the file that MOVED_CLOCK names: wall
 * time, and the clock that goes on while a machine sleeps. The monotonic clock
 * stays, as with a machine that was suspended.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Read at each call: a test moves the clock while the program runs. */
static int64_t moved_s(void)
{
    const char *path = getenv("MOVED_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    char text[32] = { 0 };
    ssize_t got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return got > 0 ? strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t id, struct timespec *time)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, time);
    if (code == 0 && (id == CLOCK_REALTIME || id == CLOCK_BOOTTIME)) time->tv_sec += moved_s();
    return code;
}

/* What PostgreSQL asks. */
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    if (code == 0) *time = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
    return code;
}

/*
 * A process whose wall clock is off by what the file JUMPING_CLOCK says, ms, in all its threads and libraries: loaded into it with
 * LD_PRELOAD. The file is mapped, so that a jump is there at once. The monotonic clock goes on as it does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *offset_ms;

__attribute__((constructor)) static void map_offset(void) {
  const char *file = getenv("JUMPING_CLOCK");
  int fd = file ? open(file, O_RDONLY) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) offset_ms = mapped;
}

static int64_t offset(void) { return offset_ms ? *offset_ms : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(clock, now);
  if (answer == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t ms = offset();
    now->tv_sec += ms / 1000;
    now->tv_nsec += ms % 1000 * 1000000;
    if (now->tv_nsec < 0) {
      now->tv_sec--;
      now->tv_nsec += 1000000000;
    } else if (now->tv_nsec >= 1000000000) {
      now->tv_sec++;
      now->tv_nsec -= 1000000000;
    }
  }
  return answer;
}

int gettimeofday(struct timeval *now, void *zone) {
  (void)zone;
  struct timespec told;
  if (clock_gettime(CLOCK_REALTIME, &told) != 0) return -1;
  now->tv_sec = told.tv_sec;
  now->tv_usec = told.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *place) {
  struct timespec told;
  if (clock_gettime(CLOCK_REALTIME, &told) != 0) return (time_t)-1;
  if (place) *place = told.tv_sec;
  return told.tv_sec;
}

// sched_setattr(2) and sched_getattr(2): glibc has no functions for them before 2.41, and Swift cannot import the variadic
// syscall(2) that stands for both.
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The first version of the kernel's struct sched_attr (include/uapi/linux/sched/types.h).
struct strandline_sched_attr {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

// SCHED_FLAG_RESET_ON_FORK (include/uapi/linux/sched.h): threads that this one makes do not take after it.
enum { STRANDLINE_SCHED_RESET_ON_FORK = 1 };

// Of the calling thread. Returns -1 and sets errno where the kernel refuses.
static inline int strandline_sched_getattr(struct strandline_sched_attr *attributes) {
    return (int)syscall(SYS_sched_getattr, 0, attributes, sizeof *attributes, 0);
}

static inline int strandline_sched_setattr(struct strandline_sched_attr *attributes) {
    return (int)syscall(SYS_sched_setattr, 0, attributes, 0);
}

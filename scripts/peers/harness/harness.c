// Bare-metal start-up and the measuring loop: rows in through semihosting, class, ticks and stack out.
#include "harness.h"

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

int main(void);
void reset(void);
void fault(void);

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_RB = 1, MODE_WB = 5 };
enum { EXIT_IO = 2, EXIT_FAULT = 4, EXIT_WRAPPED = 5, EXIT_STACK = 6 };

static uint32_t call(uint32_t operation, const void *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static __attribute__((noreturn)) void leave(uint32_t code) {
    const uint32_t application_exit = 0x20026;
    const uint32_t block[2] = {application_exit, code};
    call(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

void fault(void) { leave(EXIT_FAULT); }

void reset(void) {
    for (uint32_t *to = data_start, *from = data_load; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
#ifdef __ARM_FP
    // Full access to the floating point unit.
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    leave((uint32_t)main());
}

#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
enum { ENABLE = 1, PROCESSOR_CLOCK = 4, COUNTFLAG = 1 << 16, RELOAD = 0xFFFFFF };

enum { WATCHED_BYTES = 8192, MARGIN_BYTES = 64 };
static const uint32_t PAINT = 0xC5C5C5C5;

struct outcome {
    uint32_t class;
    uint32_t ticks;
    uint32_t stack_bytes;
};

static reading row[N_FEATURES];

static __attribute__((noinline)) void paint(uint32_t *low, uint32_t *high) {
    while (low < high) {
        *(volatile uint32_t *)low++ = PAINT;
    }
}

static __attribute__((noinline)) uint32_t *deepest(uint32_t *low, uint32_t *high) {
    while (low < high && *(volatile uint32_t *)low == PAINT) {
        low++;
    }
    return low;
}

static uint32_t *stack_pointer(void) {
    uint32_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static uint32_t open_file(const char *name, uint32_t mode, uint32_t length) {
    const uint32_t block[3] = {(uint32_t)name, mode, length};
    return call(SYS_OPEN, block);
}

// Bytes that were not transferred.
static uint32_t transfer(uint32_t operation, uint32_t file, void *bytes, uint32_t length) {
    const uint32_t block[3] = {file, (uint32_t)bytes, length};
    return call(operation, block);
}

int main(void) {
    const uint32_t rows = open_file("rows.bin", MODE_RB, 8);
    const uint32_t outcomes = open_file("outcomes.bin", MODE_WB, 12);
    if (rows == (uint32_t)-1 || outcomes == (uint32_t)-1) {
        return EXIT_IO;
    }
    SYST_RVR = RELOAD;
    SYST_CVR = 0;
    SYST_CSR = ENABLE | PROCESSOR_CLOCK;
    for (;;) {
        const uint32_t missing = transfer(SYS_READ, rows, row, sizeof row);
        if (missing == sizeof row) {
            return 0;
        }
        if (missing != 0) {
            return EXIT_IO;
        }
        uint32_t *high = stack_pointer() - MARGIN_BYTES / 4;
        uint32_t *low = high - WATCHED_BYTES / 4;
        if (low < bss_end) {
            low = bss_end;
        }
        paint(low, high);
        // Full again, so that a stretch which reaches zero is one that could have wrapped twice.
        SYST_CVR = 0;
        while (SYST_CVR == 0) {
        }
        (void)SYST_CSR;
        const uint32_t before = SYST_CVR;
        const int class = predict(row);
        const uint32_t after = SYST_CVR;
        if (SYST_CSR & COUNTFLAG) {
            return EXIT_WRAPPED;
        }
        uint32_t *touched = deepest(low, high);
        if (touched == low) {
            return EXIT_STACK;
        }
        const struct outcome outcome = {
            (uint32_t)class,
            before - after,
            (uint32_t)((uint8_t *)stack_top - (uint8_t *)touched),
        };
        if (transfer(SYS_WRITE, outcomes, (void *)&outcome, sizeof outcome) != 0) {
            return EXIT_IO;
        }
    }
}

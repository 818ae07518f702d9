// The measuring loop: rows in through semihosting, class, ticks and stack out.
#include "bare_metal.h"
#include "harness.h"

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

// Bare-metal start-up of an Arm core, and the host's files through semihosting.
#ifndef BARE_METAL_H
#define BARE_METAL_H

#include <stdint.h>

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

int main(void);
void reset(void);
void fault(void);
// Of the timer; a program that lets it interrupt defines OWN_SYSTICK and has its own.
void systick(void);

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
    [15] = (void *)systick,
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

#ifndef OWN_SYSTICK
void systick(void) { fault(); }
#endif

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

static uint32_t open_file(const char *name, uint32_t mode, uint32_t length) {
    const uint32_t block[3] = {(uint32_t)name, mode, length};
    return call(SYS_OPEN, block);
}

// Bytes that were not transferred.
static uint32_t transfer(uint32_t operation, uint32_t file, void *bytes, uint32_t length) {
    const uint32_t block[3] = {file, (uint32_t)bytes, length};
    return call(operation, block);
}

#endif

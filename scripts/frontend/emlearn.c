// Log-mel energies by emlearn: frames in through semihosting, ticks, stack and logarithms out.
//
// With AS_PUBLISHED the steps of eml_audio_melspectrogram, which as a whole refuses every frame for
// the lengths of its own buffers: the window and the filters' edges are worked out for each frame,
// and the power is that of real parts. Else what emlearn offers for speed: tables of the window and
// of sparse filters.
#define OWN_SYSTICK
#include "bare_metal.h"

#include <eml_audio.h>

#include "tables.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
enum { ENABLE = 1, INTERRUPT = 2, PROCESSOR_CLOCK = 4, RELOAD = 0xFFFFFF };
enum { WATCHED_BYTES = 2048, MARGIN_BYTES = 64, N_BINS = N_POINTS / 2 + 1 };
static const uint32_t PAINT = 0xC5C5C5C5;

struct outcome {
    uint32_t ticks;
    uint32_t stack_bytes;
    float logs[N_BANDS];
};

static volatile uint32_t n_wraps;
static int16_t samples[N_POINTS];
static float real[N_POINTS], imaginary[N_POINTS];
static struct outcome outcome;

void systick(void) { n_wraps++; }

static __attribute__((noinline)) int analyse(void) {
    const EmlFFT fft = {N_POINTS / 2, (float *)sines, (float *)cosines};
#ifdef AS_PUBLISHED
    const EmlAudioMel bank = {N_BANDS, F_MIN, F_MAX, N_POINTS, SAMPLE_RATE};
    const EmlVector frame = {real, N_POINTS}, power = {imaginary, N_BINS}, mels = {outcome.logs, N_BANDS};
    for (int at = 0; at < N_POINTS; at++) {
        real[at] = samples[at];
        imaginary[at] = 0.0f;
    }
    eml_signal_hann_apply(real, N_POINTS);
    if (eml_fft_forward(fft, real, imaginary, N_POINTS) != EmlOk ||
        eml_audio_power_spectrogram(frame, power, N_POINTS) != EmlOk ||
        eml_audio_melspec(bank, power, mels) != EmlOk) {
        return 0;
    }
#else
    for (int at = 0; at < N_POINTS; at++) {
        real[at] = samples[at] * window[at];
        imaginary[at] = 0.0f;
    }
    if (eml_fft_forward(fft, real, imaginary, N_POINTS) != EmlOk) {
        return 0;
    }
    for (int bin = 0; bin < N_BINS; bin++) {
        real[bin] = real[bin] * real[bin] + imaginary[bin] * imaginary[bin];
    }
    eml_sparse_filterbank(real, outcome.logs, N_BANDS, starts, stops, weights);
#endif
    for (int band = 0; band < N_BANDS; band++) {
        outcome.logs[band] = log2f(outcome.logs[band]);
    }
    return 1;
}

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

int main(void) {
    const uint32_t rows = open_file("rows.bin", MODE_RB, 8);
    const uint32_t outcomes = open_file("outcomes.bin", MODE_WB, 12);
    if (rows == (uint32_t)-1 || outcomes == (uint32_t)-1) {
        return EXIT_IO;
    }
    SYST_RVR = RELOAD;
    SYST_CVR = 0;
    SYST_CSR = ENABLE | INTERRUPT | PROCESSOR_CLOCK;
    for (;;) {
        const uint32_t missing = transfer(SYS_READ, rows, samples, sizeof samples);
        if (missing == sizeof samples) {
            return 0;
        }
        if (missing != 0) {
            return EXIT_IO;
        }
        uint32_t *sp;
        __asm__ volatile("mov %0, sp" : "=r"(sp));
        uint32_t *high = sp - MARGIN_BYTES / 4, *low = high - WATCHED_BYTES / 4;
        if (low < bss_end) {
            low = bss_end;
        }
        paint(low, high);
        SYST_CVR = 0;
        while (SYST_CVR == 0) {
        }
        n_wraps = 0;
        const uint32_t before = SYST_CVR;
        const int is_done = analyse();
        const uint32_t after = SYST_CVR;
        // A wrap costs a dozen instructions in its exception, one in a hundred thousand.
        outcome.ticks = n_wraps * (RELOAD + 1u) + before - after;
        uint32_t *touched = deepest(low, high);
        if (!is_done || touched == low) {
            return EXIT_STACK;
        }
        outcome.stack_bytes = (uint32_t)((uint8_t *)stack_top - (uint8_t *)touched);
        if (transfer(SYS_WRITE, outcomes, &outcome, sizeof outcome) != 0) {
            return EXIT_IO;
        }
    }
}

// What every target gives for a row: the class from readings, the class from codes, the codes as they
// lie in memory, the scores; integers little-endian. `model.h` names the header under test and its prefix.
#ifndef RECORD_H
#define RECORD_H

#include <string.h>

#include "model.h"

enum { RECORD_LEN = 2 + sizeof(NAME(code_t)) * MACRO(N_CODES) + 8 * MACRO(N_CLASSES) };

static void put(uint8_t *to, uint64_t value, uint8_t n_bytes)
{
    for (uint8_t i = 0; i < n_bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static void record_of(const NAME(reading_t) *readings, uint8_t *record)
{
    static NAME(code_t) codes[MACRO(N_CODES)];
    static NAME(score_t) scores[MACRO(N_CLASSES)];
    NAME(encode)(readings, codes);
    NAME(scores)(codes, scores);
    *record++ = NAME(predict)(readings);
    *record++ = NAME(classify)(codes);
    memcpy(record, codes, sizeof codes);
    record += sizeof codes;
    for (size_t i = 0; i < MACRO(N_CLASSES); i++) {
        put(record, (uint64_t)scores[i], 8);
        record += 8;
    }
}

#endif

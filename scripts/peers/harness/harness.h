// What a peer's source and the harness agree on.
#ifndef HARNESS_H
#define HARNESS_H

#include <stdint.h>
#include <string.h>

#ifdef READING_INT16
typedef int16_t reading;
#else
typedef float reading;
#endif

#ifdef __cplusplus
extern "C"
#endif
// The class of a row of N_FEATURES readings.
int predict(const reading *row);

#endif

// Rows from standard input, their records to standard output.
#include <stdio.h>

#include "record.h"

int main(void)
{
    static NAME(reading_t) readings[MACRO(N_FEATURES)];
    static uint8_t record[RECORD_LEN];
    while (fread(readings, sizeof readings, 1, stdin) == 1) {
        record_of(readings, record);
        if (fwrite(record, sizeof record, 1, stdout) != 1) {
            return 2;
        }
    }
    return 0;
}

// Rows from a file of the host, their records to another, through semihosting.
#include "bare_metal.h"
#include "record.h"

int main(void)
{
    static NAME(reading_t) readings[MACRO(N_FEATURES)];
    static uint8_t record[RECORD_LEN];
    const uint32_t rows = open_file("rows.bin", MODE_RB, 8);
    const uint32_t records = open_file("records.bin", MODE_WB, 11);
    if (rows == (uint32_t)-1 || records == (uint32_t)-1) {
        return EXIT_IO;
    }
    for (;;) {
        const uint32_t missing = transfer(SYS_READ, rows, readings, sizeof readings);
        if (missing == sizeof readings) {
            return 0;
        }
        if (missing != 0) {
            return EXIT_IO;
        }
        record_of(readings, record);
        if (transfer(SYS_WRITE, records, record, sizeof record) != 0) {
            return EXIT_IO;
        }
    }
}

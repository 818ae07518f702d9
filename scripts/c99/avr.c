// Rows from flash, their records in hexadecimal over the first UART; sleeping ends the simulator.
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "record.h"
#include "rows.h"

static void send(char c)
{
    while (!(UCSR0A & (1 << UDRE0))) {
    }
    UDR0 = (uint8_t)c;
}

static char digit(uint8_t value)
{
    return (char)(value < 10 ? '0' + value : 'a' + value - 10);
}

int main(void)
{
    static NAME(reading_t) readings[MACRO(N_FEATURES)];
    static uint8_t record[RECORD_LEN];
    UBRR0 = 0;
    UCSR0A = 1 << U2X0;
    UCSR0B = 1 << TXEN0;
    for (uint16_t row = 0; row < N_ROWS; row++) {
        memcpy_P(readings, rows + row * sizeof readings, sizeof readings);
        record_of(readings, record);
        // The simulator prints line by line, and lines have a limit.
        for (size_t i = 0; i < sizeof record; i++) {
            if (i % 64 == 0) {
                send('\n');
                send('=');
            }
            send(digit(record[i] >> 4));
            send(digit(record[i] & 15));
        }
    }
    send('\n');
    cli();
    sleep_enable();
    sleep_cpu();
    return 0;
}

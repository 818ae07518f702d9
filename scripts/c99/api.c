// Every function of the header, for what compilers have to say about it.
#include "record.h"

void api(const NAME(reading_t) *readings, uint8_t *record);

void api(const NAME(reading_t) *readings, uint8_t *record)
{
    record_of(readings, record);
}

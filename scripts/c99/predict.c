// What a firmware takes of the header: one function, whose code and tables `size` then counts.
#include "model.h"

uint8_t predict(const NAME(reading_t) *readings);

uint8_t predict(const NAME(reading_t) *readings)
{
    return NAME(predict)(readings);
}

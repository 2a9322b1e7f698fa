// The verdict on a stripped text of each of the three signed codes, in the case that is given.
#ifndef CODES_H
#define CODES_H

#include "bytes.h"

const char *cc1(const char *text, size_t length);
const char *ccq(const char *text, size_t length);
const char *ccr(const char *text, size_t length);

#endif

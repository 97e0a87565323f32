// zlib, for its CRC-32. Swift imports it as it is.
#include <zlib.h>

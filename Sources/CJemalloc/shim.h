// jemalloc takes the place of the system's malloc in whatever is linked with it (decision 0021); only its settings are
// spoken to.
#include <jemalloc/jemalloc.h>

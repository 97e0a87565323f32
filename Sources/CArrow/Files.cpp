// What is asked of Arrow once a process, and of a table's file.

#include <arrow/util/key_value_metadata.h>

#include <cstdlib>

#include "Internal.hpp"

void carrow_return_freed_memory(void) {
    // A pool that keeps what was freed would hold the labels, the columns and their copies in Arrow all at once.
    (void)::setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
}

const char *carrow_metadata(const CArrowTable *table, const char *key) {
    const auto &metadata = table->table->schema()->metadata();
    const int place = metadata ? metadata->FindKey(key) : -1;
    return place < 0 ? nullptr : metadata->value(place).c_str();
}

// RocksDB's own C header, whole. Nothing is added: every function that we use is plain C without variadic arguments,
// so Swift imports all of it.
#include <rocksdb/c.h>

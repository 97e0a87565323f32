// The entry point of libFuzzer, which no header declares. `-sanitize=fuzzer` links what it stands for.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#pragma once

// Schema-guided JSON decoding: one record in, one 8-byte slot a field out. simdjson is C++, so it stands behind this
// small C ABI; no exception and no C++ type crosses it.

#include "JSONDocument.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a field's JSON value must be, and what its slot holds then.
typedef enum strandline_json_kind {
    STRANDLINE_JSON_INT64 = 1,     // a JSON integer in the range of int64; the bits
    STRANDLINE_JSON_FLOAT64 = 2,   // a JSON number, finite as a double; IEEE bits, -0.0 as +0.0
    STRANDLINE_JSON_STRING = 3,    // a JSON string; offset << 32 | length into the decoder's text
    STRANDLINE_JSON_BOOL = 4,      // 0 or 1
    STRANDLINE_JSON_EPOCH_S = 5,   // a JSON number of seconds (may have decimals); microseconds
    STRANDLINE_JSON_EPOCH_MS = 6,  // a JSON integer of milliseconds; microseconds
    STRANDLINE_JSON_EPOCH_US = 7,  // a JSON integer of microseconds
    STRANDLINE_JSON_OBJECT = 8,    // a JSON object; 1. Fields may name it as the object that they are members of
    STRANDLINE_JSON_WRAPPER = 9,   // a JSON object of the record itself whose members stand for the record's; 1
} strandline_json_kind;

typedef enum strandline_json_status {
    STRANDLINE_JSON_OK = 0,
    STRANDLINE_JSON_BAD_JSON = 1,       // not one JSON object and nothing after it
    STRANDLINE_JSON_WRONG_TYPE = 2,     // a field's value is of another JSON type, or does not fit
    STRANDLINE_JSON_NON_FINITE = 3,     // NaN, an infinity, or a number beyond the doubles
    STRANDLINE_JSON_OUT_OF_MEMORY = 4,
    STRANDLINE_JSON_BAD_TIME = 5,       // a number of the right kind that is no time: beyond 64 bits of microseconds
} strandline_json_status;

typedef struct strandline_json_field {
    const char *name;
    size_t name_length;
    strandline_json_kind kind;
    // The number of the object that the field is a member of, which stands before it; -1: the record itself.
    int parent;
} strandline_json_field;

typedef struct strandline_json_decoder strandline_json_decoder;

/// Makes a decoder for at most 128 fields, at most 8 objects deep; names are copied. NULL when out of memory, or when there
/// are too many fields or a parent is no object before its member. One decoder serves one thread at a time.
strandline_json_decoder *strandline_json_decoder_create(const strandline_json_field *fields, size_t count);
void strandline_json_decoder_destroy(strandline_json_decoder *decoder);

/// Decodes one record.
///
/// slots: one a field. nulls: 128 bits in two words; bit f is set where the field is absent or null. Of duplicate keys the
/// last counts: of an object that stands twice, the members of the last. Members of an object that is absent or null are
/// absent. Fields that were not asked for are skipped: their bytes must balance, but are not looked at further.
/// On WRONG_TYPE, NON_FINITE and BAD_TIME `*bad_field` is the first such field. detail: a static text from simdjson, may be NULL.
/// String slots point into `strandline_json_decoder_text`, valid until the next record.
strandline_json_status strandline_json_decode(
    strandline_json_decoder *decoder, const uint8_t *payload, size_t length, uint64_t *slots, uint64_t nulls[2],
    size_t *bad_field, const char **detail);

/// Never NULL, not even before the first string that is not empty.
const uint8_t *strandline_json_decoder_text(const strandline_json_decoder *decoder);

#ifdef __cplusplus
}
#endif

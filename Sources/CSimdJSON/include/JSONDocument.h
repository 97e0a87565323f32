#pragma once

// A whole JSON text as a flat list of tokens, for documents whose shape is only known when they are read, such as the
// body of an HTTP request. simdjson's DOM parser checks syntax, numbers and UTF-8.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum strandline_json_token_kind {
    STRANDLINE_JSON_TOKEN_NULL = 0,
    STRANDLINE_JSON_TOKEN_BOOL = 1,    // payload: 0 or 1
    STRANDLINE_JSON_TOKEN_INT64 = 2,   // an integer that fits; payload: its bits
    STRANDLINE_JSON_TOKEN_DOUBLE = 3,  // any other number; payload: IEEE bits, always finite
    STRANDLINE_JSON_TOKEN_STRING = 4,  // payload: offset into the text; length: bytes of UTF-8
    STRANDLINE_JSON_TOKEN_KEY = 5,     // the name of the object's member that follows; as a string
    STRANDLINE_JSON_TOKEN_ARRAY = 6,   // payload: the number of the token after the array; length: elements
    STRANDLINE_JSON_TOKEN_OBJECT = 7,  // payload: the number of the token after the object; length: members
} strandline_json_token_kind;

typedef struct strandline_json_token {
    uint32_t kind;
    uint32_t length;
    uint64_t payload;
} strandline_json_token;

typedef struct strandline_json_document strandline_json_document;

/// Parses one JSON value with nothing after it. Objects and arrays may stand at most `depth_max` (1 to 64) deep.
///
/// NULL when it is not JSON, is too deep, or memory is short; `*detail` is then a static text.
strandline_json_document *strandline_json_document_parse(
    const uint8_t *bytes, size_t length, size_t depth_max, const char **detail);
void strandline_json_document_destroy(strandline_json_document *document);

/// The tokens, in the order of the text; at least one.
const strandline_json_token *strandline_json_document_tokens(const strandline_json_document *document);
size_t strandline_json_document_token_count(const strandline_json_document *document);

/// What string tokens point into.
const uint8_t *strandline_json_document_text(const strandline_json_document *document);

#ifdef __cplusplus
}
#endif

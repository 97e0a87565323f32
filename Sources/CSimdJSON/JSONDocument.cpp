// Walks simdjson's DOM once and leaves a flat list: Swift then reads tokens without a call across the language for each.

#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

using namespace simdjson;

struct strandline_json_document {
    std::vector<strandline_json_token> tokens;
    std::vector<uint8_t> text;
};

namespace {

void add_text(strandline_json_document &document, uint32_t kind, std::string_view text) {
    document.tokens.push_back({kind, static_cast<uint32_t>(text.size()), document.text.size()});
    document.text.insert(document.text.end(), text.begin(), text.end());
}

template <typename Number>
uint64_t bits(Number number) {
    static_assert(sizeof(Number) == sizeof(uint64_t), "a slot");
    uint64_t payload;
    std::memcpy(&payload, &number, sizeof payload);
    return payload;
}

// As deep as the parser let it be.
void walk(strandline_json_document &document, dom::element element) {
    auto &tokens = document.tokens;
    switch (element.type()) {
    case dom::element_type::NULL_VALUE: tokens.push_back({STRANDLINE_JSON_TOKEN_NULL, 0, 0}); break;
    case dom::element_type::BOOL:
        tokens.push_back({STRANDLINE_JSON_TOKEN_BOOL, 0, bool(element.get_bool().value_unsafe()) ? 1u : 0u});
        break;
    case dom::element_type::INT64:
        tokens.push_back({STRANDLINE_JSON_TOKEN_INT64, 0, bits(element.get_int64().value_unsafe())});
        break;
    case dom::element_type::UINT64:
        // Beyond int64: simdjson gives the others as INT64.
        tokens.push_back({STRANDLINE_JSON_TOKEN_DOUBLE, 0, bits(double(element.get_uint64().value_unsafe()))});
        break;
    case dom::element_type::DOUBLE:
        tokens.push_back({STRANDLINE_JSON_TOKEN_DOUBLE, 0, bits(element.get_double().value_unsafe())});
        break;
    case dom::element_type::STRING: add_text(document, STRANDLINE_JSON_TOKEN_STRING, element.get_string().value_unsafe()); break;
    case dom::element_type::ARRAY: {
        size_t place = tokens.size();
        tokens.push_back({STRANDLINE_JSON_TOKEN_ARRAY, 0, 0});
        uint32_t count = 0;
        for (dom::element child : element.get_array().value_unsafe()) {
            walk(document, child);
            count++;
        }
        tokens[place].length = count;
        tokens[place].payload = tokens.size();
        break;
    }
    case dom::element_type::OBJECT: {
        size_t place = tokens.size();
        tokens.push_back({STRANDLINE_JSON_TOKEN_OBJECT, 0, 0});
        uint32_t count = 0;
        for (dom::key_value_pair member : element.get_object().value_unsafe()) {
            add_text(document, STRANDLINE_JSON_TOKEN_KEY, member.key);
            walk(document, member.value);
            count++;
        }
        tokens[place].length = count;
        tokens[place].payload = tokens.size();
        break;
    }
    }
}

}  // namespace

extern "C" {

strandline_json_document *strandline_json_document_parse(
    const uint8_t *bytes, size_t length, size_t depth_max, const char **detail) {
    try {
        dom::parser parser;
        error_code error = parser.allocate(length, depth_max);
        dom::element root;
        if (!error) error = parser.parse(bytes, length, true).get(root);
        if (error) {
            *detail = error_message(error);
            return nullptr;
        }
        auto document = std::make_unique<strandline_json_document>();
        walk(*document, root);
        return document.release();
    } catch (const std::bad_alloc &) {
        *detail = "out of memory";
        return nullptr;
    }
}

void strandline_json_document_destroy(strandline_json_document *document) { delete document; }

const strandline_json_token *strandline_json_document_tokens(const strandline_json_document *document) {
    return document->tokens.data();
}

size_t strandline_json_document_token_count(const strandline_json_document *document) { return document->tokens.size(); }

const uint8_t *strandline_json_document_text(const strandline_json_document *document) { return document->text.data(); }

}

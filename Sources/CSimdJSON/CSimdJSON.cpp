// One record, one pass: simdjson's on-demand parser walks the object to its end; each key is compared with the field that
// came next in the record before (producers keep their order), then with all fields. Objects that fields are members of are
// walked the same way where they stand.

#include "CSimdJSON.h"

#include <simdjson.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace simdjson;

struct strandline_json_decoder {
    struct field {
        std::string name;
        strandline_json_kind kind;
        int parent;
    };

    ondemand::parser parser;
    std::vector<field> fields;
    // simdjson reads past the end of a record, up to SIMDJSON_PADDING bytes: records are copied here first.
    std::vector<uint8_t> buffer;
    std::vector<uint8_t> text;
    // Whether some field is an object or a member of one; the others pay nothing for it.
    bool is_nested = false;
    // What is wrong with each field's last value; 0 when nothing.
    std::vector<uint8_t> problems;
};

namespace {


bool scaled(int64_t value, int64_t factor, int64_t &result) { return !__builtin_mul_overflow(value, factor, &result); }

// A number token that is not JSON, such as NaN or -Infinity: its own reason, since producers do write them.
bool looks_non_finite(std::string_view token) {
    if (!token.empty() && token[0] >= '0' && token[0] <= '9') return false;
    if (!token.empty() && (token[0] == '-' || token[0] == '+')) token.remove_prefix(1);
    return token.substr(0, 3) == "NaN" || token.substr(0, 3) == "nan" || token.substr(0, 3) == "Inf" || token.substr(0, 3) == "inf";
}

bool is_number_token(std::string_view token) {
    return !token.empty() && (token[0] == '-' || (token[0] >= '0' && token[0] <= '9'));
}

strandline_json_status read_double(ondemand::value &value, double &number) {
    std::string_view token = value.raw_json_token();
    if (looks_non_finite(token)) return STRANDLINE_JSON_NON_FINITE;
    if (!is_number_token(token)) return STRANDLINE_JSON_WRONG_TYPE;
    error_code error = value.get_double().get(number);
    // simdjson refuses numbers beyond the doubles; anything else that starts like a number but is none is bad JSON.
    if (error == NUMBER_ERROR && token.find_first_not_of("+-0123456789.eE \t\r\n") == std::string_view::npos)
        return token.find_first_of("eE") != std::string_view::npos || token.size() > 308 ? STRANDLINE_JSON_NON_FINITE
                                                                                        : STRANDLINE_JSON_BAD_JSON;
    if (error) return STRANDLINE_JSON_BAD_JSON;
    if (!std::isfinite(number)) return STRANDLINE_JSON_NON_FINITE;
    return STRANDLINE_JSON_OK;
}

strandline_json_status read_int64(ondemand::value &value, int64_t &number) {
    std::string_view token = value.raw_json_token();
    if (looks_non_finite(token)) return STRANDLINE_JSON_NON_FINITE;
    if (!is_number_token(token)) return STRANDLINE_JSON_WRONG_TYPE;
    return value.get_int64().get(number) ? STRANDLINE_JSON_WRONG_TYPE : STRANDLINE_JSON_OK;
}

strandline_json_status read_epoch_seconds(ondemand::value &value, int64_t &microseconds) {
    int64_t whole;
    std::string_view token = value.raw_json_token();
    if (token.find_first_of(".eE") == std::string_view::npos) {
        strandline_json_status status = read_int64(value, whole);
        if (status) return status;
        return scaled(whole, 1000000, microseconds) ? STRANDLINE_JSON_OK : STRANDLINE_JSON_BAD_TIME;
    }
    double seconds;
    strandline_json_status status = read_double(value, seconds);
    if (status) return status;
    // Exact to the microsecond for |seconds| < 2^53 / 10^6, that is until the year 2255.
    double scaled_seconds = std::nearbyint(seconds * 1e6);
    if (!(std::fabs(scaled_seconds) < 9.0e18)) return STRANDLINE_JSON_BAD_TIME;
    microseconds = static_cast<int64_t>(scaled_seconds);
    return STRANDLINE_JSON_OK;
}

// Reads one field's value into its slot.
strandline_json_status read_value(strandline_json_decoder &decoder, strandline_json_kind kind, ondemand::value &value, uint64_t &slot) {
    int64_t number = 0;
    strandline_json_status status = STRANDLINE_JSON_OK;
    switch (kind) {
    case STRANDLINE_JSON_INT64:
    case STRANDLINE_JSON_EPOCH_US:
        status = read_int64(value, number);
        break;
    case STRANDLINE_JSON_EPOCH_MS: {
        int64_t milliseconds;
        status = read_int64(value, milliseconds);
        if (!status && !scaled(milliseconds, 1000, number)) status = STRANDLINE_JSON_BAD_TIME;
        break;
    }
    case STRANDLINE_JSON_EPOCH_S:
        status = read_epoch_seconds(value, number);
        break;
    case STRANDLINE_JSON_FLOAT64: {
        double real;
        status = read_double(value, real);
        if (status) return status;
        real += 0.0;  // -0.0 becomes +0.0: equal numbers must have equal bits, or ties would depend on arrival
        std::memcpy(&slot, &real, sizeof slot);
        return STRANDLINE_JSON_OK;
    }
    case STRANDLINE_JSON_BOOL: {
        bool flag;
        std::string_view token = value.raw_json_token();
        if (token.substr(0, 1) != "t" && token.substr(0, 1) != "f") return STRANDLINE_JSON_WRONG_TYPE;
        if (value.get_bool().get(flag)) return STRANDLINE_JSON_BAD_JSON;
        slot = flag ? 1 : 0;
        return STRANDLINE_JSON_OK;
    }
    case STRANDLINE_JSON_OBJECT:
    case STRANDLINE_JSON_WRAPPER:
        // Its members are read by `walk`.
        return STRANDLINE_JSON_WRONG_TYPE;
    case STRANDLINE_JSON_STRING: {
        std::string_view string;
        std::string_view token = value.raw_json_token();
        if (token.substr(0, 1) != "\"") return STRANDLINE_JSON_WRONG_TYPE;
        if (value.get_string().get(string)) return STRANDLINE_JSON_BAD_JSON;
        slot = static_cast<uint64_t>(decoder.text.size()) << 32 | string.size();
        decoder.text.insert(decoder.text.end(), string.begin(), string.end());
        return STRANDLINE_JSON_OK;
    }
    }
    slot = static_cast<uint64_t>(number);
    return status;
}

// Whether a raw key in the record is `name`. Raw keys stand between quotes, escapes and all.
bool is_key(const char *raw, const char *end, const std::string &name) {
    return static_cast<size_t>(end - raw) > name.size() && std::memcmp(raw, name.data(), name.size()) == 0 && raw[name.size()] == '"';
}

// The number of the field of an object with this key, or the count when there is none. `guess` is tried first.
template <bool is_nested>
size_t find_field(const strandline_json_decoder &decoder, int parent, ondemand::field &member, size_t guess, bool &is_bad) {
    const char *raw = member.key().raw();
    const char *limit = reinterpret_cast<const char *>(decoder.buffer.data() + decoder.buffer.size());
    size_t count = decoder.fields.size();
    auto is_member = [&](size_t index) { return !is_nested || decoder.fields[index].parent == parent; };
    auto is_field = [&](size_t index) { return is_member(index) && is_key(raw, limit, decoder.fields[index].name); };
    if (guess < count && is_field(guess)) return guess;
    for (size_t index = 0; index < count; index++)
        if (is_field(index)) return index;
    // An escaped key may still be one of ours.
    const char *end = raw;
    while (*end != '"' && *end != '\\') end++;
    if (*end == '"') return count;
    std::string_view name;
    if (member.unescaped_key().get(name)) {
        is_bad = true;
        return count;
    }
    for (size_t index = 0; index < count; index++)
        if (is_member(index) && name == decoder.fields[index].name) return index;
    return count;
}

// Forgets what was read of an object's members, theirs included.
void forget(strandline_json_decoder &decoder, int parent, uint64_t nulls[2]) {
    for (size_t index = 0; index < decoder.fields.size(); index++) {
        if (decoder.fields[index].parent != parent) continue;
        nulls[index >> 6] |= 1ull << (index & 63);
        decoder.problems[index] = 0;
        if (decoder.fields[index].kind == STRANDLINE_JSON_OBJECT) forget(decoder, static_cast<int>(index), nulls);
    }
}

// Reads the members of one object. Objects within are walked as deep as fields ask for, so no record decides the depth.
template <bool is_nested>
error_code walk(
    strandline_json_decoder &decoder, ondemand::object object, int parent, bool is_wrapped, uint64_t *slots, uint64_t nulls[2]) {
    size_t guess = parent < 0 ? 0 : static_cast<size_t>(parent) + 1;
    for (auto result : object) {
        ondemand::field member;
        if (error_code error = std::move(result).get(member)) return error;
        bool is_bad = false;
        size_t index = find_field<is_nested>(decoder, parent, member, guess, is_bad);
        if (is_bad) return STRING_ERROR;
        if (index == decoder.fields.size()) continue;
        guess = index + 1;
        ondemand::value value = member.value();
        std::string_view token = value.raw_json_token();
        strandline_json_kind kind = decoder.fields[index].kind;
        if (is_nested && kind == STRANDLINE_JSON_WRAPPER && (is_wrapped || token.substr(0, 1) != "{")) continue;
        uint64_t bit = 1ull << (index & 63);
        if (is_nested && kind == STRANDLINE_JSON_OBJECT) forget(decoder, static_cast<int>(index), nulls);
        if (!token.empty() && token[0] == 'n' && token.substr(0, 3) != "nan") {
            bool is_null;
            if (error_code error = value.is_null().get(is_null)) return error;
            if (!is_null) return N_ATOM_ERROR;
            nulls[index >> 6] |= bit;
            decoder.problems[index] = 0;
            continue;
        }
        strandline_json_status status = STRANDLINE_JSON_OK;
        if (is_nested && (kind == STRANDLINE_JSON_OBJECT || kind == STRANDLINE_JSON_WRAPPER) && token.substr(0, 1) == "{") {
            ondemand::object members;
            if (error_code error = value.get_object().get(members)) return error;
            bool unwraps = kind == STRANDLINE_JSON_WRAPPER;
            if (unwraps) forget(decoder, -1, nulls);
            slots[index] = 1;
            int members_of = unwraps ? -1 : static_cast<int>(index);
            if (error_code error = walk<is_nested>(decoder, members, members_of, unwraps, slots, nulls)) return error;
        } else {
            status = read_value(decoder, kind, value, slots[index]);
            if (status == STRANDLINE_JSON_BAD_JSON) return TAPE_ERROR;
        }
        decoder.problems[index] = static_cast<uint8_t>(status);
        nulls[index >> 6] &= ~bit;
    }
    return SUCCESS;
}

strandline_json_status decode(
    strandline_json_decoder &decoder, const uint8_t *payload, size_t length, uint64_t *slots, uint64_t nulls[2],
    size_t *bad_field, const char **detail) {
    auto bad = [&](error_code error) {
        *detail = error_message(error);
        return error == MEMALLOC ? STRANDLINE_JSON_OUT_OF_MEMORY : STRANDLINE_JSON_BAD_JSON;
    };
    if (decoder.buffer.size() < length + SIMDJSON_PADDING) decoder.buffer.resize((length + SIMDJSON_PADDING) * 2);
    std::memcpy(decoder.buffer.data(), payload, length);
    // Padding must not look like JSON, or a record cut short could borrow from its predecessor.
    std::memset(decoder.buffer.data() + length, ' ', SIMDJSON_PADDING);
    decoder.text.clear();
    std::fill(decoder.problems.begin(), decoder.problems.end(), 0);
    nulls[0] = nulls[1] = ~0ull;

    ondemand::document document;
    if (error_code error = decoder.parser.iterate(decoder.buffer.data(), length, decoder.buffer.size()).get(document)) return bad(error);
    ondemand::object object;
    if (error_code error = document.get_object().get(object)) return bad(error);
    error_code error = decoder.is_nested ? walk<true>(decoder, object, -1, false, slots, nulls)
                                         : walk<false>(decoder, object, -1, false, slots, nulls);
    if (error) return bad(error);
    const char *rest;
    if (document.current_location().get(rest) == SUCCESS) return bad(TRAILING_CONTENT);
    for (size_t index = 0; index < decoder.problems.size(); index++) {
        if (decoder.problems[index] == 0) continue;
        *bad_field = index;
        return static_cast<strandline_json_status>(decoder.problems[index]);
    }
    return STRANDLINE_JSON_OK;
}

}  // namespace

extern "C" strandline_json_decoder *strandline_json_decoder_create(const strandline_json_field *fields, size_t count) {
    if (count > 128) return nullptr;
    for (size_t index = 0; index < count; index++) {
        size_t depth = 0;
        for (int parent = fields[index].parent; parent >= 0; parent = fields[parent].parent) {
            if (static_cast<size_t>(parent) >= index || fields[parent].kind != STRANDLINE_JSON_OBJECT || ++depth > 8) return nullptr;
        }
    }
    try {
        auto decoder = std::make_unique<strandline_json_decoder>();
        for (size_t index = 0; index < count; index++) {
            const strandline_json_field &field = fields[index];
            decoder->fields.push_back({std::string(field.name, field.name_length), field.kind, field.parent});
            if (field.kind == STRANDLINE_JSON_OBJECT || field.kind == STRANDLINE_JSON_WRAPPER) decoder->is_nested = true;
        }
        decoder->problems.resize(count);
        // Never without memory: its start is asked for even where all strings are empty.
        decoder->text.reserve(256);
        return decoder.release();
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void strandline_json_decoder_destroy(strandline_json_decoder *decoder) { delete decoder; }

extern "C" strandline_json_status strandline_json_decode(
    strandline_json_decoder *decoder, const uint8_t *payload, size_t length, uint64_t *slots, uint64_t nulls[2],
    size_t *bad_field, const char **detail) {
    *bad_field = 0;
    *detail = nullptr;
    try {
        return decode(*decoder, payload, length, slots, nulls, bad_field, detail);
    } catch (const std::bad_alloc &) {
        return STRANDLINE_JSON_OUT_OF_MEMORY;
    } catch (const std::exception &) {
        return STRANDLINE_JSON_BAD_JSON;
    }
}

extern "C" const uint8_t *strandline_json_decoder_text(const strandline_json_decoder *decoder) { return decoder->text.data(); }

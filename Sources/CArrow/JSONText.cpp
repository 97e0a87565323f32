// Lists and maps as JSON text.

#include <cmath>

#include "ValueText.hpp"

namespace carrow {
namespace {

void append_json_string(std::string_view value, std::string &text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text += '"';
    for (char byte : value) {
        switch (byte) {
            case '"': text += "\\\""; break;
            case '\\': text += "\\\\"; break;
            case '\n': text += "\\n"; break;
            case '\r': text += "\\r"; break;
            case '\t': text += "\\t"; break;
            default:
                if (static_cast<unsigned char>(byte) < 0x20) {
                    text += "\\u00";
                    text += kDigits[byte >> 4];
                    text += kDigits[byte & 15];
                } else {
                    text += byte;
                }
        }
    }
    text += '"';
}

template <class Array>
Cell string_cell(const arrow::Array &array) {
    return [&values = as<Array>(array)](int64_t row, std::string &text) {
        append_json_string(values.GetView(row), text);
    };
}

/// JSON has no NaN and no infinities.
template <class Array>
Cell finite_cell(const arrow::Array &array, Cell number) {
    return [&values = as<Array>(array), number = std::move(number)](int64_t row, std::string &text) {
        if (std::isfinite(values.Value(row))) {
            number(row, text);
        } else {
            text += "null";
        }
    };
}

Cell quoted(Cell cell) {
    return [cell = std::move(cell)](int64_t row, std::string &text) {
        text += '"';
        cell(row, text);
        text += '"';
    };
}

/// What is in the lists of an array, in one array of its own that begins with the first list's first element: a batch
/// of a long column would else look at the elements of all other batches too.
struct Inside {
    std::shared_ptr<arrow::Array> array;
    Cell cell;

    void append(int64_t index, std::string &text) const {
        if (array->IsValid(index)) {
            cell(index, text);
        } else {
            text += "null";
        }
    }
};

arrow::Result<Inside> inside(const std::shared_ptr<arrow::Array> &all, int64_t start, int64_t end) {
    Inside made{all->Slice(start, end - start), Cell()};
    ARROW_ASSIGN_OR_RAISE(made.cell, json_cell(made.array));
    return made;
}

template <class Array>
arrow::Result<Cell> list_cell(const arrow::Array &array) {
    const auto &lists = as<Array>(array);
    const int64_t first = lists.value_offset(0);
    ARROW_ASSIGN_OR_RAISE(auto elements, inside(lists.values(), first, lists.value_offset(lists.length())));
    return [&lists, first, elements](int64_t row, std::string &text) {
        const int64_t start = lists.value_offset(row) - first;
        text += '[';
        for (int64_t i = 0; i < lists.value_length(row); ++i) {
            if (i > 0) text += ',';
            elements.append(start + i, text);
        }
        text += ']';
    };
}

arrow::Result<Cell> map_cell(const arrow::Array &array) {
    const auto &maps = as<arrow::MapArray>(array);
    const int64_t first = maps.value_offset(0), end = maps.value_offset(maps.length());
    // `MapArray::keys` and `items` leave out an offset that the entries may have.
    const auto &entries = as<arrow::StructArray>(*maps.values());
    ARROW_ASSIGN_OR_RAISE(auto keys, inside(entries.field(0), first, end));
    ARROW_ASSIGN_OR_RAISE(auto items, inside(entries.field(1), first, end));
    return [&maps, first, keys, items](int64_t row, std::string &text) {
        const int64_t start = maps.value_offset(row) - first;
        std::string key;
        text += '{';
        for (int64_t i = 0; i < maps.value_length(row); ++i) {
            if (i > 0) text += ',';
            key.clear();
            keys.append(start + i, key);
            // Text and times are strings already.
            if (key.starts_with('"')) {
                text += key;
            } else {
                append_json_string(key, text);
            }
            text += ':';
            items.append(start + i, text);
        }
        text += '}';
    };
}

}  // namespace

bool is_list_or_map(const arrow::DataType &type) {
    return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST || type.id() == arrow::Type::MAP;
}

arrow::Result<Cell> json_cell(const std::shared_ptr<arrow::Array> &array) {
    if (auto literal = literal_cell(*array)) {
        switch (array->type_id()) {
            case arrow::Type::FLOAT: return finite_cell<arrow::FloatArray>(*array, std::move(literal));
            case arrow::Type::DOUBLE: return finite_cell<arrow::DoubleArray>(*array, std::move(literal));
            default: return literal;
        }
    }
    ARROW_ASSIGN_OR_RAISE(auto time, time_cell(*array));
    if (time) return quoted(std::move(time));
    switch (array->type_id()) {
        case arrow::Type::NA: return [](int64_t, std::string &text) { text += "null"; };
        case arrow::Type::STRING: return string_cell<arrow::StringArray>(*array);
        case arrow::Type::LARGE_STRING: return string_cell<arrow::LargeStringArray>(*array);
        case arrow::Type::LIST: return list_cell<arrow::ListArray>(*array);
        case arrow::Type::LARGE_LIST: return list_cell<arrow::LargeListArray>(*array);
        case arrow::Type::MAP: return map_cell(*array);
        default:
            return arrow::Status::TypeError(
                "holds lists or maps of ", array->type()->ToString(), ", which have no text form; write Parquet");
    }
}

}  // namespace carrow

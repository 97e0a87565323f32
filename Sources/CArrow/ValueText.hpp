#pragma once
// How single values are written as text, in CSV fields and within JSON alike.

#include "Internal.hpp"

namespace carrow {

/// Appends the text of one row's value; the row has one.
using Cell = std::function<void(int64_t row, std::string &text)>;

template <class Array>
const Array &as(const arrow::Array &array) {
    return arrow::internal::checked_cast<const Array &>(array);
}

/// The writer of numbers and bools; empty for other types. Doubles are the shortest text that parses to the same bits.
Cell literal_cell(const arrow::Array &array);
/// The writer of dates and timestamps as ISO 8601; empty for other types. An error when a time has no such text.
arrow::Result<Cell> time_cell(const arrow::Array &array);
/// The writer of lists and maps, and of what is in them, as JSON; an error for types that have no JSON.
///
/// Keys are JSON strings whatever their type, times are ISO 8601 strings, doubles that are no numbers are null.
arrow::Result<Cell> json_cell(const std::shared_ptr<arrow::Array> &array);
/// Lists and maps: what CSV has JSON text for.
bool is_list_or_map(const arrow::DataType &type);

}  // namespace carrow

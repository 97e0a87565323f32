// Each value of a column as text that says its bits: what CSV has, without CSV's quotes.

#include <arrow/compute/api.h>

#include <cstdlib>
#include <cstring>

#include "ValueText.hpp"

namespace carrow {
namespace {

template <class Array>
Cell raw_cell(const arrow::Array &array) {
    return [&values = as<Array>(array)](int64_t row, std::string &text) { text += values.GetView(row); };
}

/// The cell writer of an array; empty for a type that has no text of its own.
arrow::Result<Cell> cell_of(const std::shared_ptr<arrow::Array> &array) {
    if (auto cell = literal_cell(*array)) return cell;
    ARROW_ASSIGN_OR_RAISE(auto time, time_cell(*array));
    if (time) return time;
    switch (array->type_id()) {
        case arrow::Type::NA: return [](int64_t, std::string &) {};
        case arrow::Type::STRING: return raw_cell<arrow::StringArray>(*array);
        case arrow::Type::LARGE_STRING: return raw_cell<arrow::LargeStringArray>(*array);
        default: break;
    }
    return is_list_or_map(*array->type()) ? json_cell(array) : Cell();
}

arrow::Status copy_cells(const arrow::ChunkedArray &column, CArrowText *text) {
    const auto rows = static_cast<size_t>(column.length());
    text->rows = column.length();
    text->offsets = static_cast<int64_t *>(std::calloc(rows + 1, sizeof(int64_t)));
    text->validity = static_cast<uint8_t *>(std::calloc(rows + 1, 1));
    if (text->offsets == nullptr || text->validity == nullptr) {
        return arrow::Status::OutOfMemory("cannot hold ", rows, " rows of text");
    }
    std::string all;
    int64_t row = 0;
    for (auto array : column.chunks()) {
        ARROW_ASSIGN_OR_RAISE(auto cell, cell_of(array));
        if (!cell) {
            // Dictionaries, narrow integers, decimals: Arrow's own text.
            ARROW_ASSIGN_OR_RAISE(array, arrow::compute::Cast(*array, arrow::large_utf8()));
            ARROW_ASSIGN_OR_RAISE(cell, cell_of(array));
        }
        for (int64_t i = 0; i < array->length(); ++i, ++row) {
            text->validity[row] = array->IsValid(i);
            if (text->validity[row]) cell(i, all);
            text->offsets[row + 1] = static_cast<int64_t>(all.size());
        }
    }
    text->bytes = static_cast<char *>(std::malloc(all.size() + 1));
    if (text->bytes == nullptr) return arrow::Status::OutOfMemory("cannot hold ", all.size(), " bytes of text");
    std::memcpy(text->bytes, all.data(), all.size());
    return arrow::Status::OK();
}

}  // namespace
}  // namespace carrow

using namespace carrow;

CArrowStatus carrow_copy_cells(const CArrowTable *table, int32_t column, CArrowText *text, char **error) {
    CArrowText copy = {};
    const auto status = guarded(error, [&] { return copy_cells(*table->table->column(column), &copy); });
    if (status == CARROW_OK) {
        *text = copy;
    } else {
        carrow_text_free(&copy);
    }
    return status;
}

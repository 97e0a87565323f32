// Table -> CSV that reads back as it was written.
//
// Arrow's own writer is not used, for three reasons: it prints the double 1 as `1` and -0.0 as `-0`, which read back as
// integers; it quotes every text; and its times are not the ISO 8601 that the rest of Strandline prints. Here a double
// is the shortest text that parses to the same bits and always looks like a double, and null (nothing) differs from
// empty text (`""`). Lists and maps, which CSV has no form for, are JSON text.

#include <arrow/compute/api.h>
#include <arrow/io/interfaces.h>

#include "ValueText.hpp"

namespace carrow {
namespace {

constexpr size_t kFlushBytes = 1 << 20;

void append_text(std::string_view value, std::string &text) {
    if (!value.empty() && value.find_first_of(",\"\n\r") == value.npos) {
        text += value;
        return;
    }
    text += '"';
    for (char byte : value) {
        if (byte == '"') text += '"';
        text += byte;
    }
    text += '"';
}

template <class Array>
Cell text_cell(const arrow::Array &array) {
    return [&values = as<Array>(array)](int64_t row, std::string &text) { append_text(values.GetView(row), text); };
}

/// The cell writer of a column whose array is of a type that has text of its own; empty for other types.
arrow::Result<Cell> direct_cell(const std::shared_ptr<arrow::Array> &array) {
    if (auto cell = literal_cell(*array)) return cell;
    ARROW_ASSIGN_OR_RAISE(auto time, time_cell(*array));
    if (time) return time;
    switch (array->type_id()) {
        case arrow::Type::NA: return [](int64_t, std::string &) {};
        case arrow::Type::STRING: return text_cell<arrow::StringArray>(*array);
        case arrow::Type::LARGE_STRING: return text_cell<arrow::LargeStringArray>(*array);
        case arrow::Type::BINARY: return text_cell<arrow::BinaryArray>(*array);
        default: break;
    }
    if (!is_list_or_map(*array->type())) return Cell();
    ARROW_ASSIGN_OR_RAISE(auto json, json_cell(array));
    return [json, field = std::string()](int64_t row, std::string &text) mutable {
        field.clear();
        json(row, field);
        append_text(field, text);
    };
}

/// A column of one batch: its array (kept alive here) and how to print it.
struct Column {
    std::shared_ptr<arrow::Array> array;
    Cell cell;
};

arrow::Result<Column> column_of(std::shared_ptr<arrow::Array> array, const std::string &name) {
    auto direct = [&](std::shared_ptr<arrow::Array> values) -> arrow::Result<Column> {
        auto cell = direct_cell(values);
        if (!cell.ok()) return cell.status().WithMessage("column '", name, "' ", cell.status().message());
        return Column{values, cell.MoveValueUnsafe()};
    };
    ARROW_ASSIGN_OR_RAISE(auto column, direct(array));
    if (column.cell) return column;
    // Dictionaries, narrow integers, decimals, times of day: Arrow's own text. Structs have none.
    auto text = arrow::compute::Cast(*array, arrow::large_utf8());
    if (!text.ok()) {
        return arrow::Status::TypeError(
            "column '", name, "' of type ", array->type()->ToString(), " has no text form; write Parquet");
    }
    return direct(text.MoveValueUnsafe());
}

class CSVEncoder : public RowEncoder {
  public:
    CSVEncoder(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::io::OutputStream> sink)
        : schema_(std::move(schema)), sink_(std::move(sink)) {
        for (int column = 0; column < schema_->num_fields(); ++column) {
            if (column > 0) text_ += ',';
            append_text(schema_->field(column)->name(), text_);
        }
        text_ += '\n';
    }

    arrow::Status write(const std::shared_ptr<arrow::RecordBatch> &batch) override {
        // A blank line is no row, so the null of a one-column table must be written as something: as empty text.
        const bool alone = batch->num_columns() == 1;
        std::vector<Column> columns;
        for (int column = 0; column < batch->num_columns(); ++column) {
            ARROW_ASSIGN_OR_RAISE(auto made, column_of(batch->column(column), schema_->field(column)->name()));
            columns.push_back(std::move(made));
        }
        for (int64_t row = 0; row < batch->num_rows(); ++row) {
            for (size_t column = 0; column < columns.size(); ++column) {
                if (column > 0) text_ += ',';
                if (columns[column].array->IsValid(row)) {
                    columns[column].cell(row, text_);
                } else if (alone) {
                    text_ += "\"\"";
                }
            }
            text_ += '\n';
            if (text_.size() >= kFlushBytes) ARROW_RETURN_NOT_OK(close());
        }
        return arrow::Status::OK();
    }

    arrow::Status close() override {
        ARROW_RETURN_NOT_OK(sink_->Write(text_.data(), static_cast<int64_t>(text_.size())));
        text_.clear();
        return arrow::Status::OK();
    }

  private:
    std::shared_ptr<arrow::Schema> schema_;
    std::shared_ptr<arrow::io::OutputStream> sink_;
    /// What is not written yet.
    std::string text_;
};

}  // namespace

arrow::Result<std::unique_ptr<RowEncoder>> csv_encoder(
    std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::io::OutputStream> sink) {
    return std::make_unique<CSVEncoder>(std::move(schema), std::move(sink));
}

}  // namespace carrow

// Columns out (copied into the caller's memory) and in (appended).

#include <arrow/buffer_builder.h>
#include <arrow/compute/api.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "Internal.hpp"

using namespace carrow;

namespace {

std::string described(const CArrowTable *table, int32_t column) {
    return "column '" + table->table->field(column)->name() + "' of type " +
           table->table->field(column)->type()->ToString();
}

/// Calls `body(row, array, index)` for every row that has a value and writes the validity of all.
template <class Array, class Body>
arrow::Status each_value(const arrow::ChunkedArray &column, uint8_t *validity, Body &&body) {
    int64_t row = 0;
    for (const auto &chunk : column.chunks()) {
        const auto &array = arrow::internal::checked_cast<const Array &>(*chunk);
        for (int64_t i = 0; i < array.length(); ++i, ++row) {
            validity[row] = array.IsValid(i);
            if (validity[row]) ARROW_RETURN_NOT_OK(body(row, array, i));
        }
    }
    return arrow::Status::OK();
}

/// Microseconds = value * multiply / divide, refusing what does not fit or leaves a remainder; `row` is the file's.
arrow::Status scaled(int64_t value, int64_t multiply, int64_t divide, int64_t row, int64_t *result) {
    if (value % divide != 0) {
        return arrow::Status::Invalid("row ", row + 1, " has digits beyond microseconds; round the column first");
    }
    if (__builtin_mul_overflow(value / divide, multiply, result)) {
        return arrow::Status::Invalid("row ", row + 1, " is too far from 1970 for 64-bit microseconds");
    }
    return arrow::Status::OK();
}

template <class Array>
arrow::Status copy_scaled(
    const CArrowTable &table, int32_t place, int64_t multiply, int64_t divide, int64_t *values, uint8_t *validity) {
    return each_value<Array>(
        *table.table->column(place), validity, [&](int64_t row, const Array &array, int64_t i) {
            const auto value = static_cast<int64_t>(array.Value(i));
            return scaled(value, multiply, divide, table.rows_before + row, &values[row]);
        });
}

arrow::Status copy_timestamps(const CArrowTable &table, int32_t column, int64_t *values, uint8_t *validity) {
    constexpr int64_t kSecond = 1'000'000;
    const auto &type = table.table->column(column)->type();
    switch (type->id()) {
        case arrow::Type::NA: return arrow::Status::OK();
        case arrow::Type::DATE32:
            return copy_scaled<arrow::Date32Array>(table, column, 86'400 * kSecond, 1, values, validity);
        case arrow::Type::DATE64: return copy_scaled<arrow::Date64Array>(table, column, 1000, 1, values, validity);
        case arrow::Type::TIMESTAMP: break;
        default: return arrow::Status::TypeError("does not hold times: timestamps, dates or ISO 8601 text do");
    }
    using Array = arrow::TimestampArray;
    switch (arrow::internal::checked_cast<const arrow::TimestampType &>(*type).unit()) {
        case arrow::TimeUnit::SECOND: return copy_scaled<Array>(table, column, kSecond, 1, values, validity);
        case arrow::TimeUnit::MILLI: return copy_scaled<Array>(table, column, 1000, 1, values, validity);
        case arrow::TimeUnit::MICRO: return copy_scaled<Array>(table, column, 1, 1, values, validity);
        case arrow::TimeUnit::NANO: return copy_scaled<Array>(table, column, 1, 1000, values, validity);
    }
    return arrow::Status::TypeError("has an unknown time unit");
}

arrow::Status copy_int64(std::shared_ptr<arrow::ChunkedArray> column, int64_t *values, uint8_t *validity) {
    const auto id = column->type()->id();
    if (!arrow::is_integer(id) && !arrow::is_floating(id) && id != arrow::Type::NA) {
        return arrow::Status::TypeError("does not hold whole numbers");
    }
    if (id != arrow::Type::INT64) {
        // The safe cast refuses fractions and what does not fit.
        ARROW_ASSIGN_OR_RAISE(auto cast, arrow::compute::Cast(arrow::Datum(column), arrow::int64()));
        column = cast.chunked_array();
    }
    return each_value<arrow::Int64Array>(*column, validity, [&](int64_t row, const auto &array, int64_t i) {
        values[row] = array.Value(i);
        return arrow::Status::OK();
    });
}

/// The bits of doubles; integers become the nearest one.
arrow::Status copy_doubles(std::shared_ptr<arrow::ChunkedArray> column, int64_t *bits, uint8_t *validity) {
    const auto id = column->type()->id();
    if (!arrow::is_integer(id) && !arrow::is_floating(id) && id != arrow::Type::NA) {
        return arrow::Status::TypeError("does not hold numbers");
    }
    if (id != arrow::Type::DOUBLE) {
        ARROW_ASSIGN_OR_RAISE(
            auto cast, arrow::compute::Cast(
                           arrow::Datum(column), arrow::float64(), arrow::compute::CastOptions::Unsafe()));
        column = cast.chunked_array();
    }
    return each_value<arrow::DoubleArray>(*column, validity, [&](int64_t row, const auto &array, int64_t i) {
        const double value = array.Value(i);
        std::memcpy(&bits[row], &value, sizeof(value));
        return arrow::Status::OK();
    });
}

arrow::Status copy_bools(const arrow::ChunkedArray &column, int64_t *values, uint8_t *validity) {
    if (column.type()->id() == arrow::Type::NA) return arrow::Status::OK();
    if (column.type()->id() != arrow::Type::BOOL) return arrow::Status::TypeError("does not hold true and false");
    return each_value<arrow::BooleanArray>(column, validity, [&](int64_t row, const auto &array, int64_t i) {
        values[row] = array.Value(i) ? 1 : 0;
        return arrow::Status::OK();
    });
}

bool reads_as_text(const arrow::DataType &type) {
    switch (type.id()) {
        case arrow::Type::STRING:
        case arrow::Type::LARGE_STRING:
        case arrow::Type::STRING_VIEW:
        case arrow::Type::BOOL:
        case arrow::Type::NA: return true;
        case arrow::Type::DICTIONARY:
            return reads_as_text(*arrow::internal::checked_cast<const arrow::DictionaryType &>(type).value_type());
        default: return arrow::is_integer(type.id());
    }
}

template <class Array>
arrow::Status copy_text_bytes(const arrow::ChunkedArray &column, CArrowText *text) {
    int64_t bytes = 0;
    for (const auto &chunk : column.chunks()) {
        bytes += arrow::internal::checked_cast<const Array &>(*chunk).total_values_length();
    }
    text->bytes = static_cast<char *>(std::malloc(static_cast<size_t>(bytes) + 1));
    if (text->bytes == nullptr) return arrow::Status::OutOfMemory("cannot hold ", bytes, " bytes of text");
    int64_t row = 0, end = 0;
    text->offsets[0] = 0;
    for (const auto &chunk : column.chunks()) {
        const auto &array = arrow::internal::checked_cast<const Array &>(*chunk);
        for (int64_t i = 0; i < array.length(); ++i, ++row) {
            text->validity[row] = array.IsValid(i);
            if (text->validity[row]) {
                const std::string_view value = array.GetView(i);
                std::memcpy(text->bytes + end, value.data(), value.size());
                end += static_cast<int64_t>(value.size());
            }
            text->offsets[row + 1] = end;
        }
    }
    return arrow::Status::OK();
}

arrow::Status copy_text(std::shared_ptr<arrow::ChunkedArray> column, CArrowText *text) {
    if (!reads_as_text(*column->type())) return arrow::Status::TypeError("does not hold text or whole numbers");
    const auto rows = static_cast<size_t>(column->length());
    text->rows = column->length();
    text->offsets = static_cast<int64_t *>(std::calloc(rows + 1, sizeof(int64_t)));
    text->validity = static_cast<uint8_t *>(std::calloc(rows + 1, 1));
    if (text->offsets == nullptr || text->validity == nullptr) {
        return arrow::Status::OutOfMemory("cannot hold ", rows, " rows of text");
    }
    if (column->type()->id() == arrow::Type::STRING) return copy_text_bytes<arrow::StringArray>(*column, text);
    if (column->type()->id() != arrow::Type::LARGE_STRING) {
        ARROW_ASSIGN_OR_RAISE(auto cast, arrow::compute::Cast(arrow::Datum(column), arrow::large_utf8()));
        column = cast.chunked_array();
    }
    return copy_text_bytes<arrow::LargeStringArray>(*column, text);
}

template <class Value, class Builder>
arrow::Result<std::shared_ptr<arrow::Array>> built(Builder builder, const CArrowValues &values) {
    ARROW_RETURN_NOT_OK(builder.AppendValues(static_cast<const Value *>(values.data), values.count, values.validity));
    return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> array_of(const CArrowValues &values) {
    switch (values.type) {
        case CARROW_INT64: return built<int64_t>(arrow::Int64Builder(), values);
        case CARROW_DOUBLE: return built<double>(arrow::DoubleBuilder(), values);
        case CARROW_BOOL: return built<uint8_t>(arrow::BooleanBuilder(), values);
        case CARROW_TIMESTAMP:
            return built<int64_t>(
                arrow::TimestampBuilder(
                    arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool()),
                values);
        case CARROW_TEXT: break;
    }
    // 32-bit offsets, the form every reader knows; Arrow refuses more than 2 GiB of text in one column.
    arrow::StringBuilder builder;
    const char *bytes = static_cast<const char *>(values.data);
    ARROW_RETURN_NOT_OK(builder.Reserve(values.count));
    ARROW_RETURN_NOT_OK(builder.ReserveData(values.offsets[values.count]));
    for (int64_t i = 0; i < values.count; ++i) {
        if (values.validity[i]) {
            const int64_t start = values.offsets[i];
            ARROW_RETURN_NOT_OK(builder.Append(bytes + start, static_cast<int32_t>(values.offsets[i + 1] - start)));
        } else {
            ARROW_RETURN_NOT_OK(builder.AppendNull());
        }
    }
    return builder.Finish();
}

/// 32-bit offsets here too, for the same reason.
arrow::Result<std::shared_ptr<arrow::Buffer>> narrow_starts(const CArrowColumn &column) {
    if (column.starts[column.rows] > std::numeric_limits<int32_t>::max()) {
        return arrow::Status::CapacityError("the lists or maps of a column have more than 2^31 - 1 elements together");
    }
    arrow::TypedBufferBuilder<int32_t> starts;
    ARROW_RETURN_NOT_OK(starts.Reserve(column.rows + 1));
    for (int64_t row = 0; row <= column.rows; ++row) starts.UnsafeAppend(static_cast<int32_t>(column.starts[row]));
    return starts.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> array_of(const CArrowColumn &column) {
    ARROW_ASSIGN_OR_RAISE(auto values, array_of(column.values));
    if (column.shape == CARROW_SINGLE) return values;
    ARROW_ASSIGN_OR_RAISE(auto starts, narrow_starts(column));
    arrow::TypedBufferBuilder<bool> validity;
    ARROW_RETURN_NOT_OK(validity.Append(column.validity, column.rows));
    const int64_t nulls = validity.false_count();
    ARROW_ASSIGN_OR_RAISE(auto bitmap, validity.Finish());
    if (column.shape == CARROW_LIST) {
        // The name that Parquet prescribes, so that both formats hold the same type.
        auto type = arrow::list(arrow::field("element", values->type()));
        return std::make_shared<arrow::ListArray>(type, column.rows, starts, values, bitmap, nulls);
    }
    ARROW_ASSIGN_OR_RAISE(auto keys, array_of(column.keys));
    auto type = arrow::map(keys->type(), values->type());
    return std::make_shared<arrow::MapArray>(type, column.rows, starts, keys, values, bitmap, nulls);
}

/// Puts the column into the message. A value that does not fit what was asked for is an error of type, not of the file.
arrow::Status naming(const CArrowTable *table, int32_t column, const arrow::Status &status) {
    if (status.ok()) return status;
    const auto code = status.IsInvalid() ? arrow::StatusCode::TypeError : status.code();
    return arrow::Status(code, described(table, column) + ": " + status.message());
}

}  // namespace

CArrowStatus carrow_copy_int64(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error) {
    std::memset(values, 0, static_cast<size_t>(table->table->num_rows()) * sizeof(int64_t));
    std::memset(validity, 0, static_cast<size_t>(table->table->num_rows()));
    return guarded(
        error, [&] { return naming(table, column, copy_int64(table->table->column(column), values, validity)); });
}

CArrowStatus carrow_copy_timestamps(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error) {
    std::memset(values, 0, static_cast<size_t>(table->table->num_rows()) * sizeof(int64_t));
    std::memset(validity, 0, static_cast<size_t>(table->table->num_rows()));
    return guarded(
        error, [&] { return naming(table, column, copy_timestamps(*table, column, values, validity)); });
}

CArrowStatus carrow_copy_doubles(
    const CArrowTable *table, int32_t column, int64_t *bits, uint8_t *validity, char **error) {
    std::memset(bits, 0, static_cast<size_t>(table->table->num_rows()) * sizeof(int64_t));
    std::memset(validity, 0, static_cast<size_t>(table->table->num_rows()));
    return guarded(
        error, [&] { return naming(table, column, copy_doubles(table->table->column(column), bits, validity)); });
}

CArrowStatus carrow_copy_bools(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error) {
    std::memset(values, 0, static_cast<size_t>(table->table->num_rows()) * sizeof(int64_t));
    std::memset(validity, 0, static_cast<size_t>(table->table->num_rows()));
    return guarded(
        error, [&] { return naming(table, column, copy_bools(*table->table->column(column), values, validity)); });
}

CArrowStatus carrow_copy_text(const CArrowTable *table, int32_t column, CArrowText *text, char **error) {
    CArrowText copy = {};
    const auto status = guarded(
        error, [&] { return naming(table, column, copy_text(table->table->column(column), &copy)); });
    if (status == CARROW_OK) {
        *text = copy;
    } else {
        carrow_text_free(&copy);
    }
    return status;
}

void carrow_text_free(CArrowText *text) {
    std::free(text->offsets);
    std::free(text->bytes);
    std::free(text->validity);
    *text = {};
}

CArrowStatus carrow_append(const CArrowTable *table, const CArrowColumn *column, CArrowTable **result, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(auto array, array_of(*column));
        ARROW_ASSIGN_OR_RAISE(
            auto appended, table->table->AddColumn(
                               table->table->num_columns(), arrow::field(column->name, array->type()),
                               std::make_shared<arrow::ChunkedArray>(array)));
        auto made = std::make_unique<CArrowTable>(std::move(appended), table->lines, table->bad_rows);
        made->rows_before = table->rows_before;
        *result = made.release();
        return arrow::Status::OK();
    });
}

// Numbers, bools and times as text.

#include "ValueText.hpp"

#include <charconv>
#include <chrono>
#include <cmath>

namespace carrow {
namespace {

template <class Number>
void append_number(Number value, std::string &text) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text.append(digits, end);
    if constexpr (std::is_floating_point_v<Number>) {
        // Without a mark of its own a whole double would read back as an integer, and -0.0 as 0.
        const std::string_view written(digits, static_cast<size_t>(end - digits));
        if (std::isfinite(value) && written.find_first_of(".e") == written.npos) text += ".0";
    }
}

void append_padded(int64_t value, int width, std::string &text) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text.append(static_cast<size_t>(std::max<int64_t>(0, width - (end - digits))), '0');
    text.append(digits, end);
}

void append_date(int64_t day, std::string &text) {
    const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
    append_padded(static_cast<int>(date.year()), 4, text);
    text += '-';
    append_padded(static_cast<unsigned>(date.month()), 2, text);
    text += '-';
    append_padded(static_cast<unsigned>(date.day()), 2, text);
}

/// `1998-06-30T00:00:00Z`, with 3, 6 or 9 fraction digits when they are needed.
void append_time(int64_t value, int64_t per_second, bool has_zone, std::string &text) {
    int64_t seconds = value / per_second, fraction = value % per_second;
    if (fraction < 0) fraction += per_second, --seconds;
    int64_t day = seconds / 86'400, second = seconds % 86'400;
    if (second < 0) second += 86'400, --day;
    append_date(day, text);
    text += 'T';
    append_padded(second / 3600, 2, text);
    text += ':';
    append_padded(second / 60 % 60, 2, text);
    text += ':';
    append_padded(second % 60, 2, text);
    if (fraction != 0) {
        const int64_t nanos = fraction * (1'000'000'000 / per_second);
        text += '.';
        if (nanos % 1'000'000 == 0) {
            append_padded(nanos / 1'000'000, 3, text);
        } else if (nanos % 1000 == 0) {
            append_padded(nanos / 1000, 6, text);
        } else {
            append_padded(nanos, 9, text);
        }
    }
    if (has_zone) text += 'Z';
}

int64_t units_per_second(arrow::TimeUnit::type unit) {
    switch (unit) {
        case arrow::TimeUnit::SECOND: return 1;
        case arrow::TimeUnit::MILLI: return 1000;
        case arrow::TimeUnit::MICRO: return 1'000'000;
        case arrow::TimeUnit::NANO: return 1'000'000'000;
    }
    return 1;
}

/// Days of the years 1 to 9999, the ones that ISO 8601 text of four digits has.
bool has_text(int64_t day) { return day >= -719'162 && day <= 2'932'896; }

template <class Array>
Cell number_cell(const arrow::Array &array) {
    return [&values = as<Array>(array)](int64_t row, std::string &text) { append_number(values.Value(row), text); };
}

template <class Array>
arrow::Status check_days(const arrow::Array &array, int64_t per_day) {
    for (int64_t row = 0; row < array.length(); ++row) {
        if (!array.IsValid(row)) continue;
        const int64_t value = as<Array>(array).Value(row);
        if (!has_text(value / per_day - (value % per_day < 0))) {
            return arrow::Status::TypeError(
                "holds a time outside the years 1 to 9999, which has no text; write Parquet");
        }
    }
    return arrow::Status::OK();
}

}  // namespace

Cell literal_cell(const arrow::Array &array) {
    switch (array.type_id()) {
        case arrow::Type::INT64: return number_cell<arrow::Int64Array>(array);
        case arrow::Type::INT32: return number_cell<arrow::Int32Array>(array);
        case arrow::Type::UINT64: return number_cell<arrow::UInt64Array>(array);
        case arrow::Type::FLOAT: return number_cell<arrow::FloatArray>(array);
        case arrow::Type::DOUBLE: return number_cell<arrow::DoubleArray>(array);
        case arrow::Type::BOOL:
            return [&values = as<arrow::BooleanArray>(array)](int64_t row, std::string &text) {
                text += values.Value(row) ? "true" : "false";
            };
        default: return Cell();
    }
}

arrow::Result<Cell> time_cell(const arrow::Array &array) {
    switch (array.type_id()) {
        case arrow::Type::DATE32:
            ARROW_RETURN_NOT_OK(check_days<arrow::Date32Array>(array, 1));
            return [&values = as<arrow::Date32Array>(array)](int64_t row, std::string &text) {
                append_date(values.Value(row), text);
            };
        case arrow::Type::TIMESTAMP: {
            const auto &type = arrow::internal::checked_cast<const arrow::TimestampType &>(*array.type());
            const int64_t per_second = units_per_second(type.unit());
            ARROW_RETURN_NOT_OK(check_days<arrow::TimestampArray>(array, per_second * 86'400));
            return [&values = as<arrow::TimestampArray>(array), per_second, zone = !type.timezone().empty()](
                       int64_t row, std::string &text) { append_time(values.Value(row), per_second, zone, text); };
        }
        default: return Cell();
    }
}

}  // namespace carrow

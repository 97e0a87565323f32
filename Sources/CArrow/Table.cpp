// Life, schema and rows of a table.

#include <arrow/compute/api.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <arrow/util/byte_size.h>

#include "Internal.hpp"
#include <arrow/util/io_util.h>

std::atomic<int64_t> CArrowTable::live{0};

CArrowTable::CArrowTable(
    std::shared_ptr<arrow::Table> table, carrow::Lines lines, std::vector<carrow::BadRow> bad_rows)
    : table(std::move(table)), lines(std::move(lines)), bad_rows(std::move(bad_rows)) {
    for (const auto &field : this->table->schema()->fields()) type_names.push_back(field->type()->ToString());
    live.fetch_add(1, std::memory_order_relaxed);
}

CArrowTable::~CArrowTable() { live.fetch_sub(1, std::memory_order_relaxed); }

namespace carrow {

Lines Lines::slice(int64_t offset, int64_t count) const {
    Lines lines;
    lines.known = known;
    lines.first = first + offset;
    if (!of_row.empty()) lines.of_row.assign(of_row.begin() + offset, of_row.begin() + offset + count);
    return lines;
}

char *copy_message(std::string_view message) noexcept {
    char *copy = static_cast<char *>(std::malloc(message.size() + 1));
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, message.data(), message.size());
    copy[message.size()] = 0;
    return copy;
}

CArrowStatus status_code(const arrow::Status &status) noexcept {
    switch (status.code()) {
        case arrow::StatusCode::OK: return CARROW_OK;
        case arrow::StatusCode::OutOfMemory: return CARROW_OUT_OF_MEMORY;
        case arrow::StatusCode::IOError:
            return arrow::internal::ErrnoFromStatus(status) == ENOENT ? CARROW_NO_SUCH_FILE : CARROW_IO;
        case arrow::StatusCode::TypeError:
        case arrow::StatusCode::NotImplemented: return CARROW_TYPE;
        case arrow::StatusCode::Invalid:
        case arrow::StatusCode::CapacityError:
        case arrow::StatusCode::SerializationError: return CARROW_MALFORMED;
        default: return CARROW_INTERNAL;
    }
}

}  // namespace carrow

using namespace carrow;

void carrow_error_free(char *error) { std::free(error); }

CArrowStatus carrow_empty(int64_t rows, CArrowTable **table, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto made = arrow::Table::Make(arrow::schema({}), std::vector<std::shared_ptr<arrow::ChunkedArray>>{}, rows);
        *table = new CArrowTable(std::move(made), {}, {});
        return arrow::Status::OK();
    });
}

void carrow_free(CArrowTable *table) { delete table; }

int64_t carrow_live_tables(void) { return CArrowTable::live.load(std::memory_order_relaxed); }

int64_t carrow_row_count(const CArrowTable *table) { return table->table->num_rows(); }

int32_t carrow_column_count(const CArrowTable *table) { return table->table->num_columns(); }

const char *carrow_column_name(const CArrowTable *table, int32_t column) {
    return table->table->field(column)->name().c_str();
}

const char *carrow_column_type(const CArrowTable *table, int32_t column) {
    return table->type_names[static_cast<size_t>(column)].c_str();
}

int64_t carrow_rows_before(const CArrowTable *table) { return table->rows_before; }

int64_t carrow_line_of_row(const CArrowTable *table, int64_t row) { return table->lines.at(row); }

size_t carrow_bad_row_count(const CArrowTable *table) { return table->bad_rows.size(); }

CArrowBadRow carrow_bad_row(const CArrowTable *table, size_t index) {
    const BadRow &row = table->bad_rows[index];
    return {row.line, row.text.data(), row.text.size(), row.expected_fields, row.actual_fields};
}

CArrowStatus carrow_filter(const CArrowTable *table, const uint8_t *keep, CArrowTable **result, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        const int64_t rows = table->table->num_rows();
        arrow::BooleanBuilder mask;
        ARROW_RETURN_NOT_OK(mask.AppendValues(keep, rows));
        ARROW_ASSIGN_OR_RAISE(auto mask_array, mask.Finish());
        ARROW_ASSIGN_OR_RAISE(
            auto kept, arrow::compute::Filter(arrow::Datum(table->table), arrow::Datum(mask_array)));
        Lines lines;
        lines.known = table->lines.known;
        if (lines.known) {
            for (int64_t row = 0; row < rows; ++row) {
                if (keep[row]) lines.of_row.push_back(table->lines.at(row));
            }
        }
        auto made = std::make_unique<CArrowTable>(kept.table(), std::move(lines), table->bad_rows);
        made->rows_before = table->rows_before;
        *result = made.release();
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_slice(
    const CArrowTable *table, int64_t offset, int64_t count, CArrowTable **result, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto made = std::make_unique<CArrowTable>(
            table->table->Slice(offset, count), table->lines.slice(offset, count), std::vector<BadRow>());
        made->rows_before = table->rows_before + offset;
        *result = made.release();
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_join(const CArrowTable *const *tables, size_t count, CArrowTable **result, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        std::vector<std::shared_ptr<arrow::Table>> parts;
        Lines lines;
        lines.known = count > 0;
        std::vector<BadRow> bad_rows;
        for (size_t part = 0; part < count; ++part) {
            parts.push_back(tables[part]->table);
            lines.known = lines.known && tables[part]->lines.known;
            bad_rows.insert(bad_rows.end(), tables[part]->bad_rows.begin(), tables[part]->bad_rows.end());
        }
        for (size_t part = 0; lines.known && part < count; ++part) {
            for (int64_t row = 0; row < parts[part]->num_rows(); ++row) {
                lines.of_row.push_back(tables[part]->lines.at(row));
            }
        }
        ARROW_ASSIGN_OR_RAISE(auto joined, arrow::ConcatenateTables(parts));
        auto made = std::make_unique<CArrowTable>(std::move(joined), std::move(lines), std::move(bad_rows));
        if (count > 0) made->rows_before = tables[0]->rows_before;
        *result = made.release();
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_byte_count(const CArrowTable *table, int64_t *bytes, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(*bytes, arrow::util::ReferencedBufferSize(*table->table));
        return arrow::Status::OK();
    });
}

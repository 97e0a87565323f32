#pragma once
// What the files of this target share. Not installed: Swift sees include/CArrow.h only.

#include <arrow/api.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "CArrow.h"

namespace carrow {

struct BadRow {
    int64_t line;
    std::string text;
    int32_t expected_fields;
    int32_t actual_fields;
};

/// Where a CSV table's rows stand in the file.
struct Lines {
    bool known = false;
    /// The line of the first row.
    int64_t first = 2;
    /// The line of each row; empty while each is simply on the line behind the one before.
    std::vector<int64_t> of_row;

    int64_t at(int64_t row) const {
        if (!known) return 0;
        return of_row.empty() ? first + row : of_row[static_cast<size_t>(row)];
    }
    Lines slice(int64_t offset, int64_t count) const;
};

/// What reading some rows of a CSV file yields.
struct CSVTable {
    std::shared_ptr<arrow::Table> table;
    Lines lines;
    std::vector<BadRow> bad_rows;
};

/// Rows on their way into a file of one format.
class RowEncoder {
  public:
    virtual ~RowEncoder() = default;
    virtual arrow::Status write(const std::shared_ptr<arrow::RecordBatch> &batch) = 0;
    /// Writes what the format has at its end; once.
    virtual arrow::Status close() = 0;
};

arrow::Result<std::unique_ptr<RowEncoder>> csv_encoder(
    std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::io::OutputStream> sink);

/// A file that is written and has not got its name yet. Gone with this object unless it was published.
class PartialFile {
  public:
    explicit PartialFile(std::string path);
    ~PartialFile();
    PartialFile(const PartialFile &) = delete;
    PartialFile &operator=(const PartialFile &) = delete;

    /// Creates it, to be filled; once.
    arrow::Result<std::shared_ptr<arrow::io::OutputStream>> begin();
    /// Syncs what was written into what `begin` gave.
    arrow::Status end();
    /// Gives it its name, in place of a file that had it.
    arrow::Status publish();
    /// For reading what was written; at its end after `end`.
    int descriptor() const { return descriptor_; }

  private:
    void remember_name();
    void forget_name();

    std::string path_, folder_, partial_;
    int descriptor_ = -1;
    std::shared_ptr<arrow::io::OutputStream> sink_;
    /// Whether `partial_` stands in the folder, and its place in the signal handler's list.
    bool has_name_ = false;
    int place_ = -1;
};

/// `malloc`ed, as `carrow_error_free` expects. Null only when memory is out.
char *copy_message(std::string_view message) noexcept;
CArrowStatus status_code(const arrow::Status &status) noexcept;

/// The one funnel for errors: runs `body`, which returns `arrow::Status`, and lets no exception out.
template <class Body>
CArrowStatus guarded(char **error, Body &&body) noexcept {
    try {
        arrow::Status status = body();
        if (status.ok()) return CARROW_OK;
        *error = copy_message(status.message());
        return status_code(status);
    } catch (const std::bad_alloc &) {
        *error = copy_message("out of memory");
        return CARROW_OUT_OF_MEMORY;
    } catch (const std::exception &exception) {
        *error = copy_message(exception.what());
        return CARROW_INTERNAL;
    } catch (...) {
        *error = copy_message("unknown C++ exception");
        return CARROW_INTERNAL;
    }
}

}  // namespace carrow

struct CArrowPartial : carrow::PartialFile {
    using PartialFile::PartialFile;
};

/// An immutable Arrow table and, for CSV, where its rows came from.
struct CArrowTable {
    std::shared_ptr<arrow::Table> table;
    carrow::Lines lines;
    std::vector<carrow::BadRow> bad_rows;
    /// How many rows of the file stand before its first, for messages.
    int64_t rows_before = 0;
    /// Kept here so that the C side can lend pointers to them.
    std::vector<std::string> type_names;

    CArrowTable(std::shared_ptr<arrow::Table> table, carrow::Lines lines, std::vector<carrow::BadRow> bad_rows);
    ~CArrowTable();
    CArrowTable(const CArrowTable &) = delete;
    CArrowTable &operator=(const CArrowTable &) = delete;

    static std::atomic<int64_t> live;
};

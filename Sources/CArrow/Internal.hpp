#pragma once
// What the files of this target share. Not installed: Swift sees include/CArrow.h only.

#include <arrow/api.h>

#include <atomic>
#include <functional>
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
    /// The line of each row; empty while row `r` is simply on line `r + 2`.
    std::vector<int64_t> of_row;

    int64_t at(int64_t row) const {
        if (!known) return 0;
        return of_row.empty() ? row + 2 : of_row[static_cast<size_t>(row)];
    }
};

/// What reading a CSV file yields.
struct CSVTable {
    std::shared_ptr<arrow::Table> table;
    Lines lines;
    std::vector<BadRow> bad_rows;
};

arrow::Result<CSVTable> read_csv(const std::string &path, const CArrowReadOptions &options);
arrow::Status write_csv(const arrow::Table &table, arrow::io::OutputStream &sink);
/// Writes a table in its format, with the metadata of the file's own.
arrow::Status write_table(
    const arrow::Table &table, CArrowFormat format, const CArrowMetadata *metadata, size_t metadata_count,
    std::shared_ptr<arrow::io::OutputStream> sink);

/// A file that is written and has not got its name yet. Gone with this object unless it was published.
class PartialFile {
  public:
    explicit PartialFile(std::string path);
    ~PartialFile();
    PartialFile(const PartialFile &) = delete;
    PartialFile &operator=(const PartialFile &) = delete;

    /// Fills and syncs it; once.
    arrow::Status write(const std::function<arrow::Status(std::shared_ptr<arrow::io::OutputStream>)> &body);
    /// Gives it its name, in place of a file that had it.
    arrow::Status publish();
    /// For reading what was written; at its end after `write`.
    int descriptor() const { return descriptor_; }

  private:
    void remember_name();
    void forget_name();

    std::string path_, folder_, partial_;
    int descriptor_ = -1;
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

/// An immutable Arrow table and, for CSV, where its rows came from.
struct CArrowTable {
    std::shared_ptr<arrow::Table> table;
    carrow::Lines lines;
    std::vector<carrow::BadRow> bad_rows;
    /// Kept here so that the C side can lend pointers to them.
    std::vector<std::string> type_names;

    CArrowTable(std::shared_ptr<arrow::Table> table, carrow::Lines lines, std::vector<carrow::BadRow> bad_rows);
    ~CArrowTable();
    CArrowTable(const CArrowTable &) = delete;
    CArrowTable &operator=(const CArrowTable &) = delete;

    static std::atomic<int64_t> live;
};

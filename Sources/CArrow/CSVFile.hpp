#pragma once
// A CSV file as tables of some megabytes each.

#include "CSVRows.hpp"
#include "Internal.hpp"

namespace carrow {

/// Of each column its type; null where it is not known yet.
using CSVTypes = std::vector<std::shared_ptr<arrow::DataType>>;

class CSVFile {
  public:
    /// Reads the header and, unless all columns are text, the whole file once for the types of the others.
    static arrow::Result<std::unique_ptr<CSVFile>> open(const std::string &path, const CArrowReadOptions &options);

    const std::shared_ptr<arrow::Schema> &schema() const { return schema_; }
    /// Begins at the first row, with these columns.
    void start(std::vector<int> columns);
    /// The rows of the next block; nothing at the end. A block may have bad rows only.
    arrow::Result<std::optional<CSVTable>> next();

  private:
    CSVFile(CSVBlocks blocks, bool skip_bad_rows) : blocks_(std::move(blocks)), skip_bad_rows_(skip_bad_rows) {}

    /// CSVTypes.cpp: gives a type to each column that has none.
    arrow::Status find_types();
    /// Loosens the types of columns until the whole file converts.
    arrow::Status settle(std::vector<size_t> &kinds, std::vector<int> columns);
    arrow::Result<CSVTable> convert(
        const CSVBlock &block, const CSVTypes &types, const std::vector<int> &columns, bool skip_bad_rows) const;

    CSVBlocks blocks_;
    bool skip_bad_rows_;
    std::vector<std::string> names_;
    CSVTypes types_;
    std::shared_ptr<arrow::Schema> schema_;
    std::vector<int> columns_;
};

}  // namespace carrow

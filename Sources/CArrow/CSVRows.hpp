#pragma once
// Where the rows of CSV text begin and end, and the file in blocks of whole rows.

#include <arrow/buffer.h>
#include <arrow/io/api.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carrow {

/// The rows of a text that begins where a row does.
struct RowScan {
    /// The line on which each non-blank row starts.
    std::vector<int64_t> lines;
    /// The bytes of the longest one.
    size_t longest = 0;
    bool quoted_line_ends = false;
    /// The line of an opening quote without its closing one.
    std::optional<int64_t> open_quote_line;
    /// The bytes up to the end of the last whole row, and the line behind it.
    size_t consumed = 0;
    int64_t next_line = 1;
};

/// Follows Arrow's lexer: a quote opens only at the start of a field, `""` inside is one quote, what follows a closing
/// quote belongs to the field; `\n`, `\r` and `\r\n` end a row.
///
/// - line: that of the first byte.
/// - is_end: nothing follows the text, so that its last row is whole without a line end.
RowScan scan_rows(std::string_view text, int64_t line, bool is_end, size_t rows_max);

/// Whole rows of a file.
struct CSVBlock {
    std::shared_ptr<arrow::Buffer> bytes;
    RowScan scan;
};

/// A CSV file read from front to back. What is appended to it after it was opened is not looked at.
class CSVBlocks {
  public:
    static arrow::Result<CSVBlocks> open(const std::string &path);

    /// The first row that is not blank; the blocks begin behind it.
    arrow::Result<CSVBlock> header();
    /// Begins again behind the header.
    void rewind();
    /// The next rows, some megabytes of them; nothing at the end.
    arrow::Result<std::optional<CSVBlock>> next();

  private:
    arrow::Result<CSVBlock> read(size_t rows_max);

    std::shared_ptr<arrow::io::ReadableFile> file_;
    int64_t size_ = 0;
    int64_t offset_ = 0;
    int64_t line_ = 1;
    int64_t body_offset_ = 0;
    int64_t body_line_ = 1;
};

}  // namespace carrow

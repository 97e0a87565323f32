// CSV -> table, with the physical line of every row.
//
// Arrow numbers rows, not lines: it does not count blank lines and counts a row with a quoted line end once. And it
// numbers bad rows only when it reads with one thread. So a scan of our own, with the same quoting rule as Arrow's
// parser, notes where each row starts, and a second single-threaded read happens only when the first met a bad row.

#include <arrow/buffer.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>

#include <algorithm>
#include <optional>

#include "Internal.hpp"

namespace carrow {
namespace {

/// A read block: at least as long as the longest row that can be read.
constexpr int32_t kBlockBytes = 4 << 20;
/// A bad row's text is shown to a person: the beginning is enough.
constexpr size_t kBadRowBytesMax = 200;

/// The line on which each non-blank row starts; index 0 is the header.
struct RowScan {
    std::vector<int64_t> lines;
    bool quoted_line_ends = false;
    /// The line of an opening quote without its closing one.
    std::optional<int64_t> open_quote_line;

    bool regular() const { return lines.empty() || lines.back() == static_cast<int64_t>(lines.size()); }
};

/// Follows Arrow's lexer: a quote opens only at the start of a field, `""` inside is one quote, what follows a closing
/// quote belongs to the field; `\n`, `\r` and `\r\n` end a row.
RowScan scan_rows(std::string_view text) {
    RowScan scan;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const char *at = text.data();
    const char *const end = at + text.size();
    int64_t line = 1;
    while (at < end) {
        const int64_t start = line;
        const char *const row = at;
        bool field_start = true;
        while (at < end && *at != '\n' && *at != '\r') {
            if (field_start && *at == '"') {
                const int64_t opened = line;
                bool closed = false;
                for (++at; at < end; ++at) {
                    if (*at == '"') {
                        if (at + 1 < end && at[1] == '"') {
                            ++at;
                            continue;
                        }
                        ++at;
                        closed = true;
                        break;
                    }
                    if (*at == '\n' || (*at == '\r' && !(at + 1 < end && at[1] == '\n'))) ++line;
                    if (*at == '\n' || *at == '\r') scan.quoted_line_ends = true;
                }
                field_start = false;
                if (!closed) scan.open_quote_line = opened;
            } else {
                field_start = *at == ',';
                ++at;
            }
        }
        if (at > row) scan.lines.push_back(start);
        if (at < end) {
            at += (*at == '\r' && at + 1 < end && at[1] == '\n') ? 2 : 1;
            ++line;
        }
    }
    return scan;
}

arrow::csv::ConvertOptions convert_options(const CArrowReadOptions &options) {
    auto convert = arrow::csv::ConvertOptions::Defaults();
    // Arrow's default list would turn the words "NA", "null" and "nan" into nulls: a country code, a name, a number.
    convert.null_values = {""};
    convert.strings_can_be_null = true;
    convert.quoted_strings_can_be_null = false;
    if (options.every_column_is_text) convert.default_column_type = arrow::utf8();
    for (size_t i = 0; i < options.text_column_count; ++i) {
        convert.column_types[options.text_columns[i]] = arrow::utf8();
    }
    return convert;
}

std::string shortened(std::string_view text) {
    if (text.size() <= kBadRowBytesMax) return std::string(text);
    size_t cut = kBadRowBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    return std::string(text.substr(0, cut)) + "…";
}

}  // namespace

arrow::Result<CSVTable> read_csv(const std::string &path, const CArrowReadOptions &options) {
    // Read, not mapped: a file that shrinks under a mapping ends the process with SIGBUS.
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(int64_t bytes, file->GetSize());
    ARROW_ASSIGN_OR_RAISE(auto buffer, file->ReadAt(0, bytes));
    const RowScan scan = scan_rows(std::string_view(*buffer));
    if (scan.open_quote_line) {
        return arrow::Status::Invalid("line ", *scan.open_quote_line, ": a quote is opened and never closed");
    }
    if (scan.lines.empty()) return arrow::Status::Invalid("the file has no header row");
    // Arrow finds no columns in a header row without a line end.
    if (scan.lines.size() == 1) buffer = arrow::Buffer::FromString(buffer->ToString() + "\n");

    CSVTable result;
    std::vector<int64_t> bad_row_numbers;
    std::atomic<bool> met_bad_row{false};
    auto read = [&](bool threads) -> arrow::Result<std::shared_ptr<arrow::Table>> {
        auto reading = arrow::csv::ReadOptions::Defaults();
        reading.use_threads = threads;
        reading.block_size = kBlockBytes;
        auto parsing = arrow::csv::ParseOptions::Defaults();
        parsing.newlines_in_values = scan.quoted_line_ends;
        parsing.invalid_row_handler = [&, threads](const arrow::csv::InvalidRow &row) {
            met_bad_row.store(true, std::memory_order_relaxed);
            if (threads) return arrow::csv::InvalidRowResult::Error;
            const int64_t line = scan.lines[static_cast<size_t>(row.number - 1)];
            bad_row_numbers.push_back(row.number);
            result.bad_rows.push_back({line, shortened(row.text), row.expected_columns, row.actual_columns});
            return options.skip_bad_rows ? arrow::csv::InvalidRowResult::Skip : arrow::csv::InvalidRowResult::Error;
        };
        ARROW_ASSIGN_OR_RAISE(
            auto reader, arrow::csv::TableReader::Make(
                             arrow::io::default_io_context(), std::make_shared<arrow::io::BufferReader>(buffer),
                             reading, parsing, convert_options(options)));
        return reader->Read();
    };
    auto table = read(true);
    if (met_bad_row.load()) table = read(false);
    if (!table.ok() && !options.skip_bad_rows && !result.bad_rows.empty()) {
        const BadRow &row = result.bad_rows.front();
        return arrow::Status::Invalid(
            "line ", row.line, ": expected ", row.expected_fields, " fields, found ", row.actual_fields, ": ",
            row.text);
    }
    ARROW_ASSIGN_OR_RAISE(result.table, std::move(table));

    const size_t read_rows = static_cast<size_t>(result.table->num_rows());
    if (read_rows + bad_row_numbers.size() + 1 != scan.lines.size()) {
        return arrow::Status::UnknownError(
            "rows read and rows counted differ: ", read_rows, " + ", bad_row_numbers.size(), " bad + header against ",
            scan.lines.size());
    }
    result.lines.known = true;
    if (!scan.regular() || !bad_row_numbers.empty()) {
        result.lines.of_row.reserve(read_rows);
        size_t bad = 0;
        for (size_t number = 2; number <= scan.lines.size(); ++number) {
            if (bad < bad_row_numbers.size() && bad_row_numbers[bad] == static_cast<int64_t>(number)) {
                ++bad;
            } else {
                result.lines.of_row.push_back(scan.lines[number - 1]);
            }
        }
    }
    return result;
}

}  // namespace carrow

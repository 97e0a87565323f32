// CSV text cut at the ends of rows:
//
//   ...row\n row\n row\n ro|w\n row...      a block ends behind its last whole row; the next one begins there
//
// Arrow numbers rows, not lines: it does not count blank lines and counts a row with a quoted line end once. So this scan,
// with the same quoting rule as Arrow's parser, notes where each row starts.

#include "CSVRows.hpp"

#include <algorithm>
#include <limits>

namespace carrow {
namespace {

constexpr int64_t kBlockBytes = 4 << 20;
/// A row that does not fit into a block gets a longer one, up to here.
constexpr int64_t kRowBytesMax = 64 << 20;

}  // namespace

RowScan scan_rows(std::string_view text, int64_t line, bool is_end, size_t rows_max) {
    RowScan scan;
    scan.next_line = line;
    const char *const begin = text.data();
    const char *at = begin;
    const char *const end = at + text.size();
    while (at < end && scan.lines.size() < rows_max) {
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
        const char *const row_end = at;
        // What follows may belong to the row, and `\n` behind `\r` to its end.
        if (!is_end && (at == end || (*at == '\r' && at + 1 == end))) break;
        if (at < end) {
            at += (*at == '\r' && at + 1 < end && at[1] == '\n') ? 2 : 1;
            ++line;
        }
        if (row_end > row) {
            scan.lines.push_back(start);
            scan.longest = std::max(scan.longest, static_cast<size_t>(row_end - row));
        }
        scan.consumed = static_cast<size_t>(at - begin);
        scan.next_line = line;
    }
    return scan;
}

arrow::Result<CSVBlocks> CSVBlocks::open(const std::string &path) {
    CSVBlocks blocks;
    // Read, not mapped: a file that shrinks under a mapping ends the process with SIGBUS.
    ARROW_ASSIGN_OR_RAISE(blocks.file_, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(blocks.size_, blocks.file_->GetSize());
    ARROW_ASSIGN_OR_RAISE(const auto first, blocks.file_->ReadAt(0, 3));
    if (std::string_view(*first) == "\xef\xbb\xbf") blocks.offset_ = 3;
    return blocks;
}

arrow::Result<CSVBlock> CSVBlocks::read(size_t rows_max) {
    for (int64_t wanted = kBlockBytes;; wanted = std::min(2 * wanted, kRowBytesMax)) {
        const int64_t count = std::min(wanted, size_ - offset_);
        const bool is_end = offset_ + count == size_;
        ARROW_ASSIGN_OR_RAISE(auto bytes, file_->ReadAt(offset_, count));
        if (bytes->size() < count) return arrow::Status::IOError("the file became shorter while it was read");
        auto scan = scan_rows(std::string_view(*bytes), line_, is_end, rows_max);
        if (is_end && scan.open_quote_line && scan.consumed == bytes->size()) {
            return arrow::Status::Invalid("line ", *scan.open_quote_line, ": a quote is opened and never closed");
        }
        if (scan.consumed == 0 && !is_end) {
            if (wanted < kRowBytesMax) continue;
            if (scan.open_quote_line) {
                return arrow::Status::Invalid(
                    "line ", *scan.open_quote_line, ": a quote is opened and not closed within 64 MiB");
            }
            return arrow::Status::Invalid("line ", line_, ": the row is longer than 64 MiB");
        }
        bytes = arrow::SliceBuffer(bytes, 0, static_cast<int64_t>(scan.consumed));
        offset_ += bytes->size();
        line_ = scan.next_line;
        return CSVBlock{std::move(bytes), std::move(scan)};
    }
}

arrow::Result<CSVBlock> CSVBlocks::header() {
    ARROW_ASSIGN_OR_RAISE(auto block, read(1));
    while (block.scan.lines.empty() && offset_ < size_) {
        ARROW_ASSIGN_OR_RAISE(block, read(1));
    }
    if (block.scan.lines.empty()) return arrow::Status::Invalid("the file has no header row");
    body_offset_ = offset_;
    body_line_ = line_;
    return block;
}

void CSVBlocks::rewind() {
    offset_ = body_offset_;
    line_ = body_line_;
}

arrow::Result<std::optional<CSVBlock>> CSVBlocks::next() {
    while (offset_ < size_) {
        ARROW_ASSIGN_OR_RAISE(auto block, read(std::numeric_limits<size_t>::max()));
        if (!block.scan.lines.empty()) return block;
    }
    return std::nullopt;
}

}  // namespace carrow

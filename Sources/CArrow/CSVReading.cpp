// CSV -> tables, block by block, with the physical line of every row.
//
//   file --> header: names --> types, unless all is text (CSVTypes.cpp) --> blocks of whole rows --> a table each
//
// Arrow numbers bad rows only when it reads with one thread, so a block is read a second time, by one thread, only when the
// first time met a bad row. Columns go by their number here, since names may stand twice in a header.

#include <arrow/csv/api.h>

#include <algorithm>

#include "CSVFile.hpp"

namespace carrow {
namespace {

/// What Arrow's threads parse at a time.
constexpr size_t kParsedBytes = 1 << 20;
/// A bad row's text is shown to a person: the beginning is enough.
constexpr size_t kBadRowBytesMax = 200;

std::string shortened(std::string_view text) {
    if (text.size() <= kBadRowBytesMax) return std::string(text);
    size_t cut = kBadRowBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    return std::string(text.substr(0, cut)) + "…";
}

arrow::csv::ConvertOptions convert_options(const CSVTypes &types, const std::vector<int> &columns) {
    auto convert = arrow::csv::ConvertOptions::Defaults();
    // Arrow's default list would turn the words "NA", "null" and "nan" into nulls: a country code, a name, a number.
    convert.null_values = {""};
    convert.strings_can_be_null = true;
    convert.quoted_strings_can_be_null = false;
    for (const int column : columns) {
        const auto &type = types[static_cast<size_t>(column)];
        if (type) convert.column_types[std::to_string(column)] = type;
        convert.include_columns.push_back(std::to_string(column));
    }
    // None would mean all.
    if (columns.empty()) convert.include_columns.push_back("0");
    return convert;
}

arrow::Result<std::vector<std::string>> column_names(const CSVBlock &header) {
    auto parsing = arrow::csv::ParseOptions::Defaults();
    parsing.newlines_in_values = header.scan.quoted_line_ends;
    auto reading = arrow::csv::ReadOptions::Defaults();
    reading.use_threads = false;
    reading.block_size = static_cast<int32_t>(header.bytes->size() + 2);
    // Arrow finds no columns in a header row without a line end.
    auto text = arrow::Buffer::FromString(header.bytes->ToString() + "\n");
    ARROW_ASSIGN_OR_RAISE(
        auto reader, arrow::csv::TableReader::Make(
                         arrow::io::default_io_context(), std::make_shared<arrow::io::BufferReader>(text), reading,
                         parsing, arrow::csv::ConvertOptions::Defaults()));
    ARROW_ASSIGN_OR_RAISE(auto table, reader->Read());
    return table->ColumnNames();
}

}  // namespace

arrow::Result<std::unique_ptr<CSVFile>> CSVFile::open(const std::string &path, const CArrowReadOptions &options) {
    ARROW_ASSIGN_OR_RAISE(auto blocks, CSVBlocks::open(path));
    auto file = std::unique_ptr<CSVFile>(new CSVFile(std::move(blocks), options.skip_bad_rows));
    ARROW_ASSIGN_OR_RAISE(const auto header, file->blocks_.header());
    ARROW_ASSIGN_OR_RAISE(file->names_, column_names(header));
    file->types_.resize(file->names_.size());
    for (size_t column = 0; column < file->names_.size(); ++column) {
        const auto texts = options.text_columns;
        const bool is_text = options.every_column_is_text ||
                             std::any_of(texts, texts + options.text_column_count, [&](const char *name) {
                                 return file->names_[column] == name;
                             });
        if (is_text) file->types_[column] = arrow::utf8();
    }
    ARROW_RETURN_NOT_OK(file->find_types());
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (size_t column = 0; column < file->names_.size(); ++column) {
        fields.push_back(arrow::field(file->names_[column], file->types_[column]));
    }
    file->schema_ = arrow::schema(std::move(fields));
    return file;
}

void CSVFile::start(std::vector<int> columns) {
    columns_ = std::move(columns);
    blocks_.rewind();
}

arrow::Result<std::optional<CSVTable>> CSVFile::next() {
    ARROW_ASSIGN_OR_RAISE(const auto block, blocks_.next());
    if (!block) return std::nullopt;
    ARROW_ASSIGN_OR_RAISE(auto made, convert(*block, types_, columns_, skip_bad_rows_));
    return made;
}

arrow::Result<CSVTable> CSVFile::convert(
    const CSVBlock &block, const CSVTypes &types, const std::vector<int> &columns, bool skip_bad_rows) const {
    CSVTable result;
    std::vector<int64_t> bad_row_numbers;
    std::atomic<bool> met_bad_row{false};
    auto read = [&](bool threads) -> arrow::Result<std::shared_ptr<arrow::Table>> {
        auto reading = arrow::csv::ReadOptions::Defaults();
        reading.use_threads = threads;
        reading.block_size = static_cast<int32_t>(std::max(kParsedBytes, block.scan.longest + 2));
        for (size_t column = 0; column < names_.size(); ++column) {
            reading.column_names.push_back(std::to_string(column));
        }
        auto parsing = arrow::csv::ParseOptions::Defaults();
        parsing.newlines_in_values = block.scan.quoted_line_ends;
        parsing.invalid_row_handler = [&, threads](const arrow::csv::InvalidRow &row) {
            met_bad_row.store(true, std::memory_order_relaxed);
            if (threads) return arrow::csv::InvalidRowResult::Error;
            const int64_t line = block.scan.lines[static_cast<size_t>(row.number - 1)];
            bad_row_numbers.push_back(row.number);
            result.bad_rows.push_back({line, shortened(row.text), row.expected_columns, row.actual_columns});
            return skip_bad_rows ? arrow::csv::InvalidRowResult::Skip : arrow::csv::InvalidRowResult::Error;
        };
        ARROW_ASSIGN_OR_RAISE(
            auto reader, arrow::csv::TableReader::Make(
                             arrow::io::default_io_context(), std::make_shared<arrow::io::BufferReader>(block.bytes),
                             reading, parsing, convert_options(types, columns)));
        return reader->Read();
    };
    auto table = read(true);
    if (met_bad_row.load()) table = read(false);
    if (!table.ok() && !skip_bad_rows && !result.bad_rows.empty()) {
        const BadRow &row = result.bad_rows.front();
        return arrow::Status::Invalid(
            "line ", row.line, ": expected ", row.expected_fields, " fields, found ", row.actual_fields, ": ",
            row.text);
    }
    ARROW_ASSIGN_OR_RAISE(result.table, std::move(table));

    const auto &lines = block.scan.lines;
    const size_t read_rows = static_cast<size_t>(result.table->num_rows());
    if (read_rows + bad_row_numbers.size() != lines.size()) {
        return arrow::Status::UnknownError(
            "rows read and rows counted differ: ", read_rows, " + ", bad_row_numbers.size(), " bad against ",
            lines.size());
    }
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::ChunkedArray>> arrays;
    for (size_t place = 0; place < columns.size(); ++place) {
        arrays.push_back(result.table->column(static_cast<int>(place)));
        fields.push_back(arrow::field(names_[static_cast<size_t>(columns[place])], arrays.back()->type()));
    }
    result.table = arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), static_cast<int64_t>(read_rows));
    result.lines.known = true;
    result.lines.first = lines.front();
    const bool regular = lines.back() - lines.front() + 1 == static_cast<int64_t>(lines.size());
    if (!regular || !bad_row_numbers.empty()) {
        result.lines.of_row.reserve(read_rows);
        size_t bad = 0;
        for (size_t number = 1; number <= lines.size(); ++number) {
            if (bad < bad_row_numbers.size() && bad_row_numbers[bad] == static_cast<int64_t>(number)) {
                ++bad;
            } else {
                result.lines.of_row.push_back(lines[number - 1]);
            }
        }
    }
    return result;
}

}  // namespace carrow

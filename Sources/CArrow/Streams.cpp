// Tables read piece by piece, and only the columns that somebody asks for; a whole table is all pieces side by side.
//
//   Parquet    row group by row group, some columns decoded      Arrow IPC    record batches
//   CSV        blocks of some megabytes (CSVReading.cpp)

#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <algorithm>

#include "CSVFile.hpp"

struct CArrowStream {
    CArrowFormat format;
    std::shared_ptr<arrow::Schema> schema;
    std::vector<std::string> type_names;
    std::vector<int> selected;

    std::unique_ptr<parquet::arrow::FileReader> parquet;
    std::shared_ptr<arrow::RecordBatchReader> parquet_batches;

    std::shared_ptr<arrow::ipc::RecordBatchFileReader> ipc;
    int next_batch = 0;

    std::unique_ptr<carrow::CSVFile> csv;

    /// What is handed out in pieces, and how far it was.
    carrow::CSVTable current;
    int64_t offset = 0;
    /// Rows that were handed out.
    int64_t rows_before = 0;
};

namespace {

using namespace carrow;

constexpr int64_t kPieceRows = 64 * 1024;
/// Of each column of a Parquet file.
constexpr int64_t kBufferBytes = 256 * 1024;

/// A file that has a table in it: an empty one is told by its name, not by the number of bytes that a format wants.
arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> open_table(const std::string &path, const char *format) {
    // Read, not mapped: a file that shrinks under a mapping ends the process with SIGBUS.
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(const int64_t size, file->GetSize());
    if (size == 0) return arrow::Status::Invalid("the file is empty, and not ", format);
    return file;
}

arrow::Status open_parquet(const std::string &path, CArrowStream &stream) {
    ARROW_ASSIGN_OR_RAISE(auto file, open_table(path, "a Parquet file"));
    // Pages as they are needed, of a row group that may be the whole file.
    parquet::ReaderProperties reading(arrow::default_memory_pool());
    reading.enable_buffered_stream();
    reading.set_buffer_size(kBufferBytes);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file, reading));
    auto properties = parquet::default_arrow_reader_properties();
    properties.set_batch_size(kPieceRows);
    properties.set_use_threads(true);
    // A row group is read as it is needed: the whole file's would be held otherwise.
    properties.set_pre_buffer(false);
    ARROW_RETURN_NOT_OK(builder.memory_pool(arrow::default_memory_pool())->properties(properties)->Build(&stream.parquet));
    return stream.parquet->GetSchema(&stream.schema);
}

arrow::Status open_ipc(const std::string &path, CArrowStream &stream) {
    ARROW_ASSIGN_OR_RAISE(auto file, open_table(path, "an Arrow file"));
    ARROW_ASSIGN_OR_RAISE(stream.ipc, arrow::ipc::RecordBatchFileReader::Open(file));
    stream.schema = stream.ipc->schema();
    return arrow::Status::OK();
}

void add_leaves(const parquet::arrow::SchemaField &field, std::vector<int> &leaves) {
    if (field.is_leaf()) leaves.push_back(field.column_index);
    for (const auto &child : field.children) add_leaves(child, leaves);
}

arrow::Status start_parquet(CArrowStream &stream) {
    std::vector<int> groups(static_cast<size_t>(stream.parquet->num_row_groups()));
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    const auto &fields = stream.parquet->manifest().schema_fields;
    std::vector<int> leaves;
    for (const int column : stream.selected) add_leaves(fields[static_cast<size_t>(column)], leaves);
    std::sort(leaves.begin(), leaves.end());
    ARROW_ASSIGN_OR_RAISE(stream.parquet_batches, stream.parquet->GetRecordBatchReader(groups, leaves));
    return arrow::Status::OK();
}

/// The selected columns in their order: Parquet gives them in the file's.
std::shared_ptr<arrow::RecordBatch> ordered(const CArrowStream &stream, const arrow::RecordBatch &batch) {
    std::vector<int> in_file = stream.selected;
    std::sort(in_file.begin(), in_file.end());
    std::vector<std::shared_ptr<arrow::Field>> fields;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const int column : stream.selected) {
        const auto place = std::lower_bound(in_file.begin(), in_file.end(), column) - in_file.begin();
        arrays.push_back(batch.column(static_cast<int>(place)));
        fields.push_back(stream.schema->field(column)->WithType(arrays.back()->type()));
    }
    return arrow::RecordBatch::Make(
        arrow::schema(std::move(fields), stream.schema->metadata()), batch.num_rows(), std::move(arrays));
}

/// The next rows, with the selected columns in their order; no table at the end.
arrow::Result<CSVTable> next_rows(CArrowStream &stream) {
    CSVTable result;
    if (stream.format == CARROW_CSV) {
        ARROW_ASSIGN_OR_RAISE(auto read, stream.csv->next());
        return read ? std::move(*read) : std::move(result);
    }
    std::shared_ptr<arrow::RecordBatch> batch;
    if (stream.format == CARROW_PARQUET) {
        ARROW_RETURN_NOT_OK(stream.parquet_batches->ReadNext(&batch));
        if (!batch) return result;
        batch = ordered(stream, *batch);
    } else {
        if (stream.next_batch >= stream.ipc->num_record_batches()) return result;
        ARROW_ASSIGN_OR_RAISE(batch, stream.ipc->ReadRecordBatch(stream.next_batch++));
        ARROW_ASSIGN_OR_RAISE(batch, batch->SelectColumns(stream.selected));
    }
    // Full: a damaged file must end here and not in a later read past a buffer's end.
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    ARROW_ASSIGN_OR_RAISE(result.table, arrow::Table::FromRecordBatches({batch}));
    return result;
}

/// The next piece; null at the end.
arrow::Result<std::unique_ptr<CArrowTable>> next_piece(CArrowStream &stream) {
    auto &current = stream.current;
    while (!current.table || (stream.offset >= current.table->num_rows() && current.bad_rows.empty())) {
        ARROW_ASSIGN_OR_RAISE(current, next_rows(stream));
        stream.offset = 0;
        if (!current.table) return nullptr;
    }
    auto piece = current.table->Slice(stream.offset, kPieceRows);
    const int64_t rows = piece->num_rows();
    // Bad rows come with the good ones that stand around them.
    auto last_bad = current.bad_rows.end();
    if (stream.offset + rows < current.table->num_rows()) {
        const int64_t next_line = current.lines.at(stream.offset + rows);
        last_bad = std::find_if(
            current.bad_rows.begin(), last_bad, [&](const BadRow &bad) { return bad.line > next_line; });
    }
    std::vector<BadRow> bad_rows(current.bad_rows.begin(), last_bad);
    current.bad_rows.erase(current.bad_rows.begin(), last_bad);
    auto made = std::make_unique<CArrowTable>(
        std::move(piece), current.lines.slice(stream.offset, rows), std::move(bad_rows));
    made->rows_before = stream.rows_before;
    stream.offset += rows;
    stream.rows_before += rows;
    return made;
}

}  // namespace

CArrowStatus carrow_stream_open(
    const char *path, CArrowFormat format, const CArrowReadOptions *options, CArrowStream **stream, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto made = std::make_unique<CArrowStream>();
        made->format = format;
        switch (format) {
            case CARROW_CSV: {
                ARROW_ASSIGN_OR_RAISE(made->csv, CSVFile::open(path, *options));
                made->schema = made->csv->schema();
                break;
            }
            case CARROW_PARQUET: ARROW_RETURN_NOT_OK(open_parquet(path, *made)); break;
            case CARROW_IPC: ARROW_RETURN_NOT_OK(open_ipc(path, *made)); break;
        }
        for (const auto &field : made->schema->fields()) {
            if (field->name().find('\0') != std::string::npos) {
                return arrow::Status::Invalid("a column's name holds a zero byte");
            }
            made->type_names.push_back(field->type()->ToString());
        }
        *stream = made.release();
        return arrow::Status::OK();
    });
}

void carrow_stream_free(CArrowStream *stream) { delete stream; }

int32_t carrow_stream_column_count(const CArrowStream *stream) { return stream->schema->num_fields(); }

const char *carrow_stream_column_name(const CArrowStream *stream, int32_t column) {
    return stream->schema->field(column)->name().c_str();
}

const char *carrow_stream_column_type(const CArrowStream *stream, int32_t column) {
    return stream->type_names[static_cast<size_t>(column)].c_str();
}

CArrowStatus carrow_stream_start(CArrowStream *stream, const int32_t *columns, size_t count, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        stream->selected.assign(columns, columns + count);
        stream->current = {};
        stream->offset = 0;
        stream->rows_before = 0;
        stream->next_batch = 0;
        if (stream->format == CARROW_PARQUET) return start_parquet(*stream);
        if (stream->format == CARROW_CSV) stream->csv->start(stream->selected);
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_stream_next(CArrowStream *stream, CArrowTable **table, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(auto piece, next_piece(*stream));
        *table = piece.release();
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_stream_none(const CArrowStream *stream, CArrowTable **table, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        std::vector<std::shared_ptr<arrow::Field>> fields;
        for (const int column : stream->selected) fields.push_back(stream->schema->field(column));
        ARROW_ASSIGN_OR_RAISE(
            auto made, arrow::Table::MakeEmpty(arrow::schema(std::move(fields), stream->schema->metadata())));
        *table = new CArrowTable(std::move(made), {}, {});
        return arrow::Status::OK();
    });
}

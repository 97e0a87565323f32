// Tables read piece by piece, and only the columns that somebody asks for.
//
//   Parquet    row group by row group, some columns decoded      Arrow IPC    record batches of a mapped file
//   CSV        read whole, handed out in pieces

#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <algorithm>

#include "Internal.hpp"

struct CArrowStream {
    CArrowFormat format;
    std::shared_ptr<arrow::Schema> schema;
    std::vector<std::string> type_names;
    int64_t rows = 0;
    std::vector<int> selected;

    std::unique_ptr<parquet::arrow::FileReader> parquet;
    std::shared_ptr<arrow::RecordBatchReader> parquet_batches;

    std::shared_ptr<arrow::io::MemoryMappedFile> mapped;
    std::shared_ptr<arrow::ipc::RecordBatchFileReader> ipc;
    int next_batch = 0;

    carrow::CSVTable csv;

    /// What is handed out in pieces, and how far it was.
    std::shared_ptr<arrow::Table> current;
    int64_t offset = 0;
};

namespace {

using namespace carrow;

constexpr int64_t kPieceRows = 64 * 1024;

arrow::Status open_parquet(const std::string &path, CArrowStream &stream) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file));
    auto properties = parquet::default_arrow_reader_properties();
    properties.set_batch_size(kPieceRows);
    properties.set_use_threads(true);
    // A row group is read as it is needed: the whole file's would be held otherwise.
    properties.set_pre_buffer(false);
    ARROW_RETURN_NOT_OK(builder.memory_pool(arrow::default_memory_pool())->properties(properties)->Build(&stream.parquet));
    ARROW_RETURN_NOT_OK(stream.parquet->GetSchema(&stream.schema));
    stream.rows = stream.parquet->parquet_reader()->metadata()->num_rows();
    return arrow::Status::OK();
}

arrow::Status open_ipc(const std::string &path, CArrowStream &stream) {
    ARROW_ASSIGN_OR_RAISE(stream.mapped, arrow::io::MemoryMappedFile::Open(path, arrow::io::FileMode::READ));
    ARROW_ASSIGN_OR_RAISE(stream.ipc, arrow::ipc::RecordBatchFileReader::Open(stream.mapped));
    stream.schema = stream.ipc->schema();
    ARROW_ASSIGN_OR_RAISE(stream.rows, stream.ipc->CountRows());
    return arrow::Status::OK();
}

arrow::Status start_parquet(CArrowStream &stream) {
    std::vector<int> groups(static_cast<size_t>(stream.parquet->num_row_groups()));
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    const auto &fields = stream.parquet->manifest().schema_fields;
    std::vector<int> leaves;
    for (const int column : stream.selected) {
        const int leaf = fields[static_cast<size_t>(column)].column_index;
        if (leaf < 0) {
            return arrow::Status::TypeError(
                "column '", stream.schema->field(column)->name(), "' holds lists or structures, not single values");
        }
        leaves.push_back(leaf);
    }
    std::sort(leaves.begin(), leaves.end());
    ARROW_ASSIGN_OR_RAISE(stream.parquet_batches, stream.parquet->GetRecordBatchReader(groups, leaves));
    return arrow::Status::OK();
}

/// The next batch, with the selected columns in their order; null at the end.
arrow::Result<std::shared_ptr<arrow::Table>> next_table(CArrowStream &stream) {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (stream.format == CARROW_PARQUET) {
        ARROW_RETURN_NOT_OK(stream.parquet_batches->ReadNext(&batch));
        if (!batch) return nullptr;
        std::vector<std::shared_ptr<arrow::Field>> fields;
        std::vector<std::shared_ptr<arrow::Array>> arrays;
        for (const int column : stream.selected) {
            const auto &field = stream.schema->field(column);
            auto array = batch->GetColumnByName(field->name());
            if (!array) return arrow::Status::Invalid("there are several columns named '", field->name(), "'");
            fields.push_back(arrow::field(field->name(), array->type()));
            arrays.push_back(std::move(array));
        }
        batch = arrow::RecordBatch::Make(arrow::schema(fields), batch->num_rows(), arrays);
    } else {
        if (stream.next_batch >= stream.ipc->num_record_batches()) return nullptr;
        ARROW_ASSIGN_OR_RAISE(batch, stream.ipc->ReadRecordBatch(stream.next_batch++));
        ARROW_ASSIGN_OR_RAISE(batch, batch->SelectColumns(stream.selected));
    }
    // Full: a damaged file must end here and not in a later read past a buffer's end.
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    return arrow::Table::FromRecordBatches({batch});
}

}  // namespace

CArrowStatus carrow_stream_open(
    const char *path, CArrowFormat format, const CArrowReadOptions *options, CArrowStream **stream, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto made = std::make_unique<CArrowStream>();
        made->format = format;
        switch (format) {
            case CARROW_CSV: {
                ARROW_ASSIGN_OR_RAISE(made->csv, read_csv(path, *options));
                made->schema = made->csv.table->schema();
                made->rows = made->csv.table->num_rows();
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

int64_t carrow_stream_row_count(const CArrowStream *stream) { return stream->rows; }

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
        stream->current = nullptr;
        stream->offset = 0;
        stream->next_batch = 0;
        if (stream->format == CARROW_PARQUET) return start_parquet(*stream);
        if (stream->format == CARROW_CSV) {
            ARROW_ASSIGN_OR_RAISE(stream->current, stream->csv.table->SelectColumns(stream->selected));
        }
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_stream_next(CArrowStream *stream, CArrowTable **table, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        while (!stream->current || stream->offset >= stream->current->num_rows()) {
            if (stream->format == CARROW_CSV) {
                *table = nullptr;
                return arrow::Status::OK();
            }
            ARROW_ASSIGN_OR_RAISE(stream->current, next_table(*stream));
            stream->offset = 0;
            if (!stream->current) {
                *table = nullptr;
                return arrow::Status::OK();
            }
        }
        auto piece = stream->current->Slice(stream->offset, kPieceRows);
        Lines lines;
        if (stream->csv.lines.known) {
            lines.known = true;
            for (int64_t row = 0; row < piece->num_rows(); ++row) {
                lines.of_row.push_back(stream->csv.lines.at(stream->offset + row));
            }
        }
        stream->offset += piece->num_rows();
        *table = new CArrowTable(std::move(piece), std::move(lines), {});
        return arrow::Status::OK();
    });
}

// Tables out, piece by piece:
//
//   pieces of any length --> units --> Parquet: row groups | Arrow IPC: record batches | CSV: text --> a file without a name
//
// A unit has a number of rows that only the columns decide, so how the rows came in pieces does not show in the file.

#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>

#include <algorithm>

#include "Internal.hpp"

struct CArrowWriter {
    std::unique_ptr<CArrowPartial> file;
    std::shared_ptr<arrow::io::OutputStream> sink;
    CArrowFormat format;
    std::vector<std::pair<std::string, std::string>> metadata;
    /// Of the first piece, with the metadata of the file's own; null before it.
    std::shared_ptr<arrow::Schema> schema;
    std::unique_ptr<carrow::RowEncoder> encoder;
    /// Rows behind the last whole unit.
    std::vector<std::shared_ptr<arrow::Table>> pending;
    int64_t pending_rows = 0;
};

namespace carrow {
namespace {

constexpr int64_t kUnitRows = 32 * 1024;
constexpr int64_t kUnitCells = 512 * 1024;
constexpr int64_t kRowGroupRows = 128 * 1024;
/// A row group is encoded in memory: the more columns, the fewer rows.
constexpr int64_t kRowGroupCells = 16 * 1024 * 1024;

/// The largest power of two of rows that has no more than these cells.
int64_t rows_of(const arrow::Schema &schema, int64_t rows, int64_t cells) {
    while (rows > 1 && rows * schema.num_fields() > cells) rows /= 2;
    return rows;
}

class ParquetEncoder : public RowEncoder {
  public:
    static arrow::Result<std::unique_ptr<RowEncoder>> open(
        const std::shared_ptr<arrow::Schema> &schema, const std::shared_ptr<arrow::io::OutputStream> &sink) {
        parquet::WriterProperties::Builder builder;
        builder.compression(parquet::Compression::ZSTD)->created_by("strandline");
        builder.max_row_group_length(rows_of(*schema, kRowGroupRows, kRowGroupCells));
        // Sums and means hardly repeat: a dictionary of them is built at length and then given up.
        for (const auto &field : schema->fields()) {
            if (field->type()->id() == arrow::Type::DOUBLE) builder.disable_dictionary(field->name());
        }
        // The stored Arrow schema keeps what Parquet has no type for: a timestamp's zone, 64-bit text, dictionaries.
        // Threads encode the columns of a unit side by side.
        auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(true)->build();
        auto encoder = std::make_unique<ParquetEncoder>();
        encoder->schema_ = schema;
        ARROW_ASSIGN_OR_RAISE(
            encoder->writer_, parquet::arrow::FileWriter::Open(
                                  *schema, arrow::default_memory_pool(), sink, builder.build(), properties));
        return encoder;
    }

    arrow::Status write(const std::shared_ptr<arrow::RecordBatch> &batch) override {
        is_empty_ = false;
        return writer_->WriteRecordBatch(*batch);
    }

    arrow::Status close() override {
        if (is_empty_) {
            ARROW_ASSIGN_OR_RAISE(const auto none, arrow::Table::MakeEmpty(schema_));
            ARROW_RETURN_NOT_OK(writer_->WriteTable(*none, kRowGroupRows));
        }
        return writer_->Close();
    }

  private:
    std::shared_ptr<arrow::Schema> schema_;
    std::unique_ptr<parquet::arrow::FileWriter> writer_;
    bool is_empty_ = true;
};

class IPCEncoder : public RowEncoder {
  public:
    explicit IPCEncoder(std::shared_ptr<arrow::ipc::RecordBatchWriter> writer) : writer_(std::move(writer)) {}

    arrow::Status write(const std::shared_ptr<arrow::RecordBatch> &batch) override {
        return writer_->WriteRecordBatch(*batch);
    }

    arrow::Status close() override { return writer_->Close(); }

  private:
    std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

/// The input's own metadata without pandas' description of columns and index, which no longer holds, and with ours.
std::shared_ptr<arrow::KeyValueMetadata> file_metadata(
    const arrow::Schema &schema, const std::vector<std::pair<std::string, std::string>> &metadata) {
    auto merged = schema.metadata() ? schema.metadata()->Copy() : std::make_shared<arrow::KeyValueMetadata>();
    if (merged->Contains("pandas")) (void)merged->Delete("pandas");
    // Labels that are a training set themselves bring along what was said of that one.
    std::vector<std::string> old;
    for (const auto &key : merged->keys()) {
        if (key.rfind("strandline.", 0) == 0) old.push_back(key);
    }
    for (const auto &key : old) (void)merged->Delete(key);
    for (const auto &[key, value] : metadata) (void)merged->Set(key, value);
    return merged;
}

arrow::Result<std::unique_ptr<RowEncoder>> encoder_of(const CArrowWriter &writer) {
    switch (writer.format) {
        case CARROW_CSV: return csv_encoder(writer.schema, writer.sink);
        case CARROW_PARQUET: return ParquetEncoder::open(writer.schema, writer.sink);
        case CARROW_IPC: {
            ARROW_ASSIGN_OR_RAISE(auto made, arrow::ipc::MakeFileWriter(writer.sink, writer.schema));
            return std::make_unique<IPCEncoder>(std::move(made));
        }
    }
    return arrow::Status::Invalid("unknown format");
}

/// Rows in buffers of their own that end with them: IPC writes what stands behind a slice as its padding, and a slice keeps all
/// of its piece.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> copied(const arrow::Table &table) {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto &column : table.columns()) {
        ARROW_ASSIGN_OR_RAISE(auto array, arrow::Concatenate(column->chunks()));
        columns.push_back(std::move(array));
    }
    return arrow::RecordBatch::Make(table.schema(), table.num_rows(), std::move(columns));
}

/// Writes the whole units of what is pending; at the end also what is left.
arrow::Status write_units(CArrowWriter &writer, bool is_end) {
    const int64_t unit = rows_of(*writer.schema, kUnitRows, kUnitCells);
    if (writer.pending_rows == 0 || (writer.pending_rows < unit && !is_end)) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto all, arrow::ConcatenateTables(writer.pending));
    writer.pending.clear();
    int64_t begin = 0;
    while (all->num_rows() - begin >= unit || (is_end && begin < all->num_rows())) {
        ARROW_ASSIGN_OR_RAISE(const auto batch, copied(*all->Slice(begin, unit)));
        ARROW_RETURN_NOT_OK(writer.encoder->write(batch));
        begin += batch->num_rows();
    }
    writer.pending_rows = all->num_rows() - begin;
    if (writer.pending_rows == 0) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto left, copied(*all->Slice(begin)));
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches({left}));
    writer.pending.push_back(std::move(table));
    return arrow::Status::OK();
}

arrow::Status append(CArrowWriter &writer, const std::shared_ptr<arrow::Table> &table) {
    if (!writer.schema) {
        writer.schema = table->schema()->WithMetadata(file_metadata(*table->schema(), writer.metadata));
        ARROW_ASSIGN_OR_RAISE(writer.encoder, encoder_of(writer));
    }
    if (!table->schema()->Equals(*writer.schema, false)) {
        return arrow::Status::TypeError(
            "the columns changed on the way: ", table->schema()->ToString(), " and not ", writer.schema->ToString());
    }
    if (table->num_rows() == 0) return arrow::Status::OK();
    writer.pending.push_back(table->ReplaceSchemaMetadata(writer.schema->metadata()));
    writer.pending_rows += table->num_rows();
    return write_units(writer, false);
}

arrow::Status finish(CArrowWriter &writer) {
    if (!writer.encoder) return arrow::Status::Invalid("a file of no columns");
    ARROW_RETURN_NOT_OK(write_units(writer, true));
    ARROW_RETURN_NOT_OK(writer.encoder->close());
    return writer.file->end();
}

}  // namespace
}  // namespace carrow

using namespace carrow;

CArrowStatus carrow_writer_open(
    const char *path, CArrowFormat format, const CArrowMetadata *metadata, size_t metadata_count,
    CArrowWriter **writer, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto made = std::make_unique<CArrowWriter>();
        made->format = format;
        for (size_t i = 0; i < metadata_count; ++i) made->metadata.emplace_back(metadata[i].key, metadata[i].value);
        made->file = std::make_unique<CArrowPartial>(path);
        ARROW_ASSIGN_OR_RAISE(made->sink, made->file->begin());
        *writer = made.release();
        return arrow::Status::OK();
    });
}

CArrowStatus carrow_writer_append(CArrowWriter *writer, const CArrowTable *table, char **error) {
    return guarded(error, [&] { return append(*writer, table->table); });
}

CArrowStatus carrow_writer_finish(CArrowWriter *writer, CArrowPartial **partial, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        ARROW_RETURN_NOT_OK(finish(*writer));
        *partial = writer->file.release();
        return arrow::Status::OK();
    });
}

void carrow_writer_free(CArrowWriter *writer) { delete writer; }

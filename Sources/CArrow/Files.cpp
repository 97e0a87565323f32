// Tables in and out: Parquet and Arrow IPC, the choice of format. PartialFile.cpp has the files that they are written to.

#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <string>
#include <vector>

#include "Internal.hpp"

namespace carrow {
namespace {

constexpr int64_t kRowGroupRows = 128 * 1024;

/// A file that has a table in it: an empty one is told by its name, not by the number of bytes that a format wants.
arrow::Result<std::shared_ptr<arrow::io::ReadableFile>> open_table(const std::string &path, const char *format) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(const int64_t size, file->GetSize());
    if (size == 0) return arrow::Status::Invalid("the file is empty, and not ", format);
    return file;
}

arrow::Result<std::shared_ptr<arrow::Table>> read_parquet(const std::string &path) {
    ARROW_ASSIGN_OR_RAISE(auto file, open_table(path, "a Parquet file"));
    ARROW_ASSIGN_OR_RAISE(auto reader, parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
    reader->set_use_threads(true);
    return reader->ReadTable();
}

arrow::Result<std::shared_ptr<arrow::Table>> read_ipc(const std::string &path) {
    ARROW_ASSIGN_OR_RAISE(auto file, open_table(path, "an Arrow file"));
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
    return reader->ToTable();
}

arrow::Status write_parquet(const arrow::Table &table, std::shared_ptr<arrow::io::OutputStream> sink) {
    parquet::WriterProperties::Builder builder;
    builder.compression(parquet::Compression::ZSTD)->max_row_group_length(kRowGroupRows)->created_by("strandline");
    // Sums and means hardly repeat: a dictionary of them is built at length and then given up.
    for (const auto &field : table.schema()->fields()) {
        if (field->type()->id() == arrow::Type::DOUBLE) builder.disable_dictionary(field->name());
    }
    const auto properties = builder.build();
    // The stored Arrow schema keeps what Parquet has no type for: a timestamp's zone, 64-bit text, dictionaries. Threads
    // encode the columns of a row group side by side.
    auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(true)->build();
    if (table.num_rows() == 0) {
        return parquet::arrow::WriteTable(
            table, arrow::default_memory_pool(), sink, kRowGroupRows, properties, arrow_properties);
    }
    ARROW_ASSIGN_OR_RAISE(
        auto writer,
        parquet::arrow::FileWriter::Open(
            *table.schema(), arrow::default_memory_pool(), sink, properties, arrow_properties));
    arrow::TableBatchReader reader(table);
    reader.set_chunksize(kRowGroupRows);
    for (;;) {
        std::shared_ptr<arrow::RecordBatch> batch;
        ARROW_RETURN_NOT_OK(reader.ReadNext(&batch));
        if (!batch) return writer->Close();
        ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
    }
}

arrow::Status write_ipc(const arrow::Table &table, const std::shared_ptr<arrow::io::OutputStream> &sink) {
    ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(sink, table.schema()));
    ARROW_RETURN_NOT_OK(writer->WriteTable(table, kRowGroupRows));
    return writer->Close();
}

/// The input's own metadata without pandas' description of columns and index, which no longer holds, and with ours.
std::shared_ptr<arrow::KeyValueMetadata> file_metadata(
    const arrow::Table &table, const CArrowMetadata *metadata, size_t count) {
    auto merged = table.schema()->metadata() ? table.schema()->metadata()->Copy()
                                             : std::make_shared<arrow::KeyValueMetadata>();
    if (merged->Contains("pandas")) (void)merged->Delete("pandas");
    // Labels that are a training set themselves bring along what was said of that one.
    std::vector<std::string> old;
    for (const auto &key : merged->keys()) {
        if (key.rfind("strandline.", 0) == 0) old.push_back(key);
    }
    for (const auto &key : old) (void)merged->Delete(key);
    for (size_t i = 0; i < count; ++i) (void)merged->Set(metadata[i].key, metadata[i].value);
    return merged;
}

}  // namespace

arrow::Status write_table(
    const arrow::Table &table, CArrowFormat format, const CArrowMetadata *metadata, size_t metadata_count,
    std::shared_ptr<arrow::io::OutputStream> sink) {
    auto described = table.ReplaceSchemaMetadata(file_metadata(table, metadata, metadata_count));
    switch (format) {
        case CARROW_CSV: return write_csv(*described, *sink);
        case CARROW_PARQUET: return write_parquet(*described, std::move(sink));
        case CARROW_IPC: return write_ipc(*described, sink);
    }
    return arrow::Status::Invalid("unknown format");
}

}  // namespace carrow

using namespace carrow;

void carrow_return_freed_memory(void) {
    // A pool that keeps what was freed would hold the labels, the columns and their copies in Arrow all at once.
    (void)::setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
}

CArrowStatus carrow_read(
    const char *path, CArrowFormat format, const CArrowReadOptions *options, CArrowTable **table, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        CSVTable read;
        switch (format) {
            case CARROW_CSV: {
                ARROW_ASSIGN_OR_RAISE(read, read_csv(path, *options));
                break;
            }
            case CARROW_PARQUET: {
                ARROW_ASSIGN_OR_RAISE(read.table, read_parquet(path));
                break;
            }
            case CARROW_IPC: {
                ARROW_ASSIGN_OR_RAISE(read.table, read_ipc(path));
                break;
            }
        }
        // Full: a damaged file must end here and not in a later read past a buffer's end.
        if (format != CARROW_CSV) ARROW_RETURN_NOT_OK(read.table->ValidateFull());
        for (const auto &name : read.table->ColumnNames()) {
            if (name.find('\0') != std::string::npos) {
                return arrow::Status::Invalid("a column's name holds a zero byte");
            }
        }
        *table = new CArrowTable(std::move(read.table), std::move(read.lines), std::move(read.bad_rows));
        return arrow::Status::OK();
    });
}

const char *carrow_metadata(const CArrowTable *table, const char *key) {
    const auto &metadata = table->table->schema()->metadata();
    const int place = metadata ? metadata->FindKey(key) : -1;
    return place < 0 ? nullptr : metadata->value(place).c_str();
}

// Files in and out: Parquet and Arrow IPC, the choice of format, the temporary file and its rename.

#include <arrow/io/api.h>
#include <arrow/ipc/api.h>
#include <arrow/util/io_util.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>

#include "Internal.hpp"

namespace carrow {
namespace {

constexpr int64_t kRowGroupRows = 128 * 1024;

arrow::Result<std::shared_ptr<arrow::Table>> read_parquet(const std::string &path) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    ARROW_ASSIGN_OR_RAISE(auto reader, parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
    reader->set_use_threads(true);
    return reader->ReadTable();
}

arrow::Result<std::shared_ptr<arrow::Table>> read_ipc(const std::string &path) {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
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
    for (size_t i = 0; i < count; ++i) (void)merged->Set(metadata[i].key, metadata[i].value);
    return merged;
}

arrow::Status failed(int code, const char *what, const std::string &path) {
    return arrow::internal::IOErrorFromErrno(code, what, " '", path, "'");
}

/// Makes a rename durable. A file system that cannot sync folders says EINVAL; the rename has happened all the same.
arrow::Status sync_folder(const std::string &folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed(errno, "cannot open folder", folder);
    const int code = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    return code == 0 || code == EINVAL ? arrow::Status::OK() : failed(code, "cannot sync folder", folder);
}

}  // namespace

arrow::Status write_atomically(
    const std::string &path, const std::function<arrow::Status(std::shared_ptr<arrow::io::OutputStream>)> &body) {
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    char suffix[32];
    std::snprintf(suffix, sizeof suffix, ".%08x.partial", std::random_device{}());
    const std::string partial = folder + "/." + name + suffix;

    const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) return failed(errno, "cannot create a file in", folder);
    // The stream closes its descriptor; ours stays open for the sync.
    auto write = [&]() -> arrow::Status {
        const int streams = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (streams < 0) return failed(errno, "cannot write", partial);
        ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::FileOutputStream::Open(streams));
        ARROW_RETURN_NOT_OK(body(sink));
        ARROW_RETURN_NOT_OK(sink->Close());
        if (::fsync(descriptor) != 0) return failed(errno, "cannot sync", partial);
        if (::rename(partial.c_str(), path.c_str()) != 0) return failed(errno, "cannot rename to", path);
        return arrow::Status::OK();
    };
    arrow::Status status;
    try {
        status = write();
    } catch (...) {
        ::close(descriptor);
        ::unlink(partial.c_str());
        throw;
    }
    ::close(descriptor);
    if (!status.ok()) {
        ::unlink(partial.c_str());
        return status;
    }
    return sync_folder(folder);
}

}  // namespace carrow

using namespace carrow;

void carrow_return_freed_memory(void) {
    // An allocator that keeps what was freed would hold the labels, the columns and their copies in Arrow all at once.
    (void)::setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);
#ifdef M_MMAP_THRESHOLD
    (void)::mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
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

CArrowStatus carrow_write(
    const CArrowTable *table, const char *path, CArrowFormat format, const CArrowMetadata *metadata,
    size_t metadata_count, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto described = table->table->ReplaceSchemaMetadata(file_metadata(*table->table, metadata, metadata_count));
        return write_atomically(path, [&](std::shared_ptr<arrow::io::OutputStream> sink) -> arrow::Status {
            switch (format) {
                case CARROW_CSV: return write_csv(*described, *sink);
                case CARROW_PARQUET: return write_parquet(*described, std::move(sink));
                case CARROW_IPC: return write_ipc(*described, sink);
            }
            return arrow::Status::Invalid("unknown format");
        });
    });
}

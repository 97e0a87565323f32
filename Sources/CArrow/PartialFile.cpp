// Files that appear under their names whole or not at all:
//
//   begin     a file without a name (O_TMPFILE), or, where the file system has none, `.name.<random>.partial`
//   end       it is filled; now it is synced
//   publish   it gets its name: linked, or, where the name is taken, linked beside it and renamed; the folder is synced
//   else      it is gone. A file without a name also when the process is killed.

#include <arrow/io/api.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>

#include "Internal.hpp"

namespace carrow {
namespace {

/// The names of partial files that stand in a folder now, for a signal handler: it may not allocate, lock or wait.
struct NamedPartial {
    std::atomic<bool> taken{false};
    std::atomic<bool> exists{false};
    char path[4096];
};
NamedPartial named_partials[8];

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

PartialFile::PartialFile(std::string path) : path_(std::move(path)) {
    const size_t slash = path_.rfind('/');
    folder_ = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
    char suffix[32];
    std::snprintf(suffix, sizeof suffix, ".%08x.partial", std::random_device{}());
    partial_ = folder_ + "/." + (slash == std::string::npos ? path_ : path_.substr(slash + 1)) + suffix;
}

PartialFile::~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (has_name_) {
        ::unlink(partial_.c_str());
        forget_name();
    }
}

arrow::Result<std::shared_ptr<arrow::io::OutputStream>> PartialFile::begin() {
    // A file without a name gets one by way of /proc.
    const bool may_link = ::access("/proc/self/fd", X_OK) == 0;
    if (may_link) descriptor_ = ::open(folder_.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (!may_link || errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        remember_name();
        descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (descriptor_ < 0) return failed(errno, "cannot create a file in", folder_);
    // The stream closes its descriptor; ours stays open for the sync.
    const int streams = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (streams < 0) return failed(errno, "cannot write", path_);
    ARROW_ASSIGN_OR_RAISE(sink_, arrow::io::FileOutputStream::Open(streams));
    return sink_;
}

arrow::Status PartialFile::end() {
    ARROW_RETURN_NOT_OK(sink_->Close());
    sink_ = nullptr;
    return ::fsync(descriptor_) == 0 ? arrow::Status::OK() : failed(errno, "cannot sync", path_);
}

arrow::Status PartialFile::publish() {
    if (!has_name_) {
        const std::string own = "/proc/self/fd/" + std::to_string(descriptor_);
        if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) == 0) {
            return sync_folder(folder_);
        }
        if (errno != EEXIST) return failed(errno, "cannot create", path_);
        remember_name();
        if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, partial_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
            return failed(errno, "cannot create a file in", folder_);
        }
    }
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return failed(errno, "cannot rename to", path_);
    forget_name();
    return sync_folder(folder_);
}

void PartialFile::remember_name() {
    has_name_ = true;
    for (auto &place : named_partials) {
        if (partial_.size() >= sizeof place.path || place.taken.exchange(true)) continue;
        std::memcpy(place.path, partial_.c_str(), partial_.size() + 1);
        place.exists.store(true);
        place_ = static_cast<int>(&place - named_partials);
        return;
    }
}

void PartialFile::forget_name() {
    has_name_ = false;
    if (place_ < 0) return;
    named_partials[place_].exists.store(false);
    named_partials[place_].taken.store(false);
    place_ = -1;
}

}  // namespace carrow

using namespace carrow;

CArrowStatus carrow_partial_bytes(
    const char *path, const void *bytes, size_t count, CArrowPartial **partial, char **error) {
    return guarded(error, [&]() -> arrow::Status {
        auto file = std::make_unique<CArrowPartial>(path);
        ARROW_ASSIGN_OR_RAISE(auto sink, file->begin());
        ARROW_RETURN_NOT_OK(sink->Write(bytes, static_cast<int64_t>(count)));
        ARROW_RETURN_NOT_OK(file->end());
        *partial = file.release();
        return arrow::Status::OK();
    });
}

int carrow_partial_descriptor(const CArrowPartial *partial) { return partial->descriptor(); }

CArrowStatus carrow_partial_publish(CArrowPartial *partial, char **error) {
    return guarded(error, [&] { return partial->publish(); });
}

void carrow_partial_free(CArrowPartial *partial) { delete partial; }

void carrow_partial_unlink_all(void) {
    for (auto &place : named_partials) {
        if (place.exists.load()) ::unlink(place.path);
    }
}

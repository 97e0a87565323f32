// The types of CSV columns, which nothing in the file says: of each the first kind, in Arrow's order, for which all values
// convert. Arrow finds it for what it holds at once, which here is a block:
//
//   each block alone --> int64 | int64 | null | int64   all of one kind, or null: that is the file's
//                        int64 | bool  |      |         not of one: the loosest of them, if all blocks convert to it, or else
//                                                       the next one that all convert to
//
// A block's kind is the first that its values convert to, so no kind before it can be the file's.

#include <algorithm>

#include "CSVFile.hpp"

namespace carrow {
namespace {

/// In the order in which Arrow tries them; everything is the last one.
const CSVTypes &kinds_in_order() {
    static const CSVTypes kinds = {
        arrow::null(),
        arrow::int64(),
        arrow::boolean(),
        arrow::date32(),
        arrow::time32(arrow::TimeUnit::SECOND),
        arrow::timestamp(arrow::TimeUnit::SECOND),
        arrow::timestamp(arrow::TimeUnit::SECOND, "UTC"),
        arrow::timestamp(arrow::TimeUnit::NANO),
        arrow::timestamp(arrow::TimeUnit::NANO, "UTC"),
        arrow::float64(),
        arrow::utf8(),
        arrow::binary(),
    };
    return kinds;
}

arrow::Result<size_t> kind_of(const arrow::DataType &type) {
    const auto &kinds = kinds_in_order();
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
        if (kinds[kind]->Equals(type)) return kind;
    }
    return arrow::Status::UnknownError("Arrow gave a CSV column the unexpected type ", type.ToString());
}

}  // namespace

arrow::Status CSVFile::find_types() {
    std::vector<int> columns;
    for (size_t column = 0; column < types_.size(); ++column) {
        if (!types_[column]) columns.push_back(static_cast<int>(column));
    }
    if (columns.empty()) return arrow::Status::OK();
    std::vector<size_t> kinds(types_.size(), 0);
    std::vector<int> mixed;
    blocks_.rewind();
    for (;;) {
        ARROW_ASSIGN_OR_RAISE(const auto block, blocks_.next());
        if (!block) break;
        // Bad rows are for whoever reads the rows to tell.
        ARROW_ASSIGN_OR_RAISE(const auto read, convert(*block, types_, columns, true));
        for (size_t place = 0; place < columns.size(); ++place) {
            ARROW_ASSIGN_OR_RAISE(const size_t found, kind_of(*read.table->column(static_cast<int>(place))->type()));
            size_t &kind = kinds[static_cast<size_t>(columns[place])];
            if (found == 0 || found == kind) continue;
            if (kind != 0 && std::find(mixed.begin(), mixed.end(), columns[place]) == mixed.end()) {
                mixed.push_back(columns[place]);
            }
            kind = std::max(kind, found);
        }
    }
    ARROW_RETURN_NOT_OK(settle(kinds, std::move(mixed)));
    for (const int column : columns) {
        types_[static_cast<size_t>(column)] = kinds_in_order()[kinds[static_cast<size_t>(column)]];
    }
    return arrow::Status::OK();
}

arrow::Status CSVFile::settle(std::vector<size_t> &kinds, std::vector<int> columns) {
    const size_t loosest = kinds_in_order().size() - 1;
    CSVTypes types(types_.size());
    auto converts = [&](const CSVBlock &block, const std::vector<int> &some) -> arrow::Result<bool> {
        for (const int column : some) {
            types[static_cast<size_t>(column)] = kinds_in_order()[kinds[static_cast<size_t>(column)]];
        }
        const auto read = convert(block, types, some, true);
        if (read.ok()) return true;
        if (!read.status().IsInvalid()) return read.status();
        return false;
    };
    while (!columns.empty()) {
        // What is loosened on the way has to be tried on the blocks before, too.
        std::vector<int> loosened;
        blocks_.rewind();
        for (;;) {
            ARROW_ASSIGN_OR_RAISE(const auto block, blocks_.next());
            if (!block) break;
            ARROW_ASSIGN_OR_RAISE(const bool all, converts(*block, columns));
            if (all) continue;
            for (const int column : columns) {
                size_t &kind = kinds[static_cast<size_t>(column)];
                for (;;) {
                    ARROW_ASSIGN_OR_RAISE(const bool fits, converts(*block, {column}));
                    if (fits || kind == loosest) break;
                    ++kind;
                    if (loosened.empty() || loosened.back() != column) loosened.push_back(column);
                }
            }
        }
        std::sort(loosened.begin(), loosened.end());
        loosened.erase(std::unique(loosened.begin(), loosened.end()), loosened.end());
        columns = std::move(loosened);
    }
    return arrow::Status::OK();
}

}  // namespace carrow

#pragma once
// Tables of Arrow C++ behind a small C ABI. Arrow's own types and C++ exceptions stay on the other side.
//
// Rules of the border:
// - A table is immutable: `carrow_append` and `carrow_filter` make a new one that shares the old one's buffers. So a
//   table may be read from several threads at once; freeing it is the owner's last act.
// - Every call that can fail returns a status and, unless it is `CARROW_OK`, stores a message in `*error`, which the
//   caller frees with `carrow_error_free`. Out-parameters are written on success only.
// - Validity is one byte per row, 1 = has a value, 0 = null; a null row's value is 0 (or empty text).
// - Timestamps are microseconds since the Unix epoch, UTC.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CArrowTable CArrowTable;

typedef enum CArrowStatus {
    CARROW_OK = 0,
    CARROW_NO_SUCH_FILE = 1,
    CARROW_IO = 2,
    CARROW_MALFORMED = 3,
    CARROW_TYPE = 4,
    CARROW_OUT_OF_MEMORY = 5,
    CARROW_INTERNAL = 6,
} CArrowStatus;

typedef enum CArrowFormat {
    CARROW_CSV = 1,
    CARROW_PARQUET = 2,
    CARROW_IPC = 3,
} CArrowFormat;

typedef enum CArrowType {
    CARROW_INT64 = 1,
    CARROW_DOUBLE = 2,
    CARROW_BOOL = 3,
    CARROW_TEXT = 4,
    CARROW_TIMESTAMP = 5,
} CArrowType;

/// How to read a CSV file; other formats carry their types and ignore it.
typedef struct CArrowReadOptions {
    /// Columns that are kept as the text of the file. Names that the file does not have are ignored.
    const char *const *text_columns;
    size_t text_column_count;
    /// All columns are text.
    bool every_column_is_text;
    /// Leave out rows with a wrong number of fields (see `carrow_bad_row`) instead of failing on the first.
    bool skip_bad_rows;
} CArrowReadOptions;

/// A CSV row with a wrong number of fields. `text` is valid as long as the table is.
typedef struct CArrowBadRow {
    int64_t line;
    const char *text;
    size_t text_bytes;
    int32_t expected_fields;
    int32_t actual_fields;
} CArrowBadRow;

/// A column's text copied out: value `i` is `bytes[offsets[i] ..< offsets[i + 1]]`. Freed by `carrow_text_free`.
typedef struct CArrowText {
    int64_t *offsets;
    char *bytes;
    uint8_t *validity;
    int64_t rows;
} CArrowText;

typedef enum CArrowShape {
    CARROW_SINGLE = 0,
    CARROW_LIST = 1,
    CARROW_MAP = 2,
} CArrowShape;

/// Values of one type, on their way into a table. `data` holds `int64_t` (also for timestamps), `double`, `uint8_t` (bool)
/// or, for text, UTF-8 bytes cut by `offsets` (count + 1 of them).
typedef struct CArrowValues {
    CArrowType type;
    int64_t count;
    const void *data;
    const int64_t *offsets;
    const uint8_t *validity;
} CArrowValues;

/// A column to append; `rows` must be the table's row count.
///
///   single  `values` has one value a row; the fields below it are not looked at
///   list    row `r` is `values[starts[r] ..< starts[r + 1]]` where `validity[r]` is 1, else null
///   map     the same, each of `values` under the one of `keys` at its place; keys are never null
typedef struct CArrowColumn {
    const char *name;
    CArrowShape shape;
    int64_t rows;
    CArrowValues values;
    CArrowValues keys;
    /// rows + 1, from 0 to the count of `values`, never falling.
    const int64_t *starts;
    const uint8_t *validity;
} CArrowColumn;

/// A key and a value for the file's own metadata (Parquet and Arrow files; CSV has no place for it).
typedef struct CArrowMetadata {
    const char *key;
    const char *value;
} CArrowMetadata;

void carrow_error_free(char *error);

/// Lets Arrow take its memory from the process's malloc, for the rest of the process, so that freed columns are free for what
/// is not Arrow's too. To be called before the first table.
void carrow_return_freed_memory(void);

/// A table with `rows` rows and no columns, to append to.
CArrowStatus carrow_empty(int64_t rows, CArrowTable **table, char **error);
void carrow_free(CArrowTable *table);

int64_t carrow_row_count(const CArrowTable *table);
int32_t carrow_column_count(const CArrowTable *table);
/// Valid as long as the table is. May be of any UTF-8 content but holds no zero byte after a successful read.
const char *carrow_column_name(const CArrowTable *table, int32_t column);
/// Arrow's word for the type, such as `timestamp[us, tz=UTC]`. Valid as long as the table is.
const char *carrow_column_type(const CArrowTable *table, int32_t column);

/// How many rows of its file stand before the table's first: messages of rows count from the file's first.
int64_t carrow_rows_before(const CArrowTable *table);
/// The line of a CSV file on which a row starts, the header being on line 1; 0 when the table is not from CSV.
int64_t carrow_line_of_row(const CArrowTable *table, int64_t row);
size_t carrow_bad_row_count(const CArrowTable *table);
CArrowBadRow carrow_bad_row(const CArrowTable *table, size_t index);

/// Copies integers of any width, or doubles that all are whole numbers, into `values` (one per row).
CArrowStatus carrow_copy_int64(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error);
/// Copies timestamps of any unit and zone, or dates (midnight UTC). A timestamp without zone is taken as UTC. Digits
/// beyond microseconds are an error, since a rounded time could cross a window's edge.
CArrowStatus carrow_copy_timestamps(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error);
/// Copies the bits of numbers as doubles; an integer is the nearest double.
CArrowStatus carrow_copy_doubles(
    const CArrowTable *table, int32_t column, int64_t *bits, uint8_t *validity, char **error);
/// Copies bools as 0 and 1.
CArrowStatus carrow_copy_bools(
    const CArrowTable *table, int32_t column, int64_t *values, uint8_t *validity, char **error);
/// Copies text, or the decimal text of integers and `true`/`false`.
CArrowStatus carrow_copy_text(const CArrowTable *table, int32_t column, CArrowText *text, char **error);
void carrow_text_free(CArrowText *text);

CArrowStatus carrow_append(const CArrowTable *table, const CArrowColumn *column, CArrowTable **result, char **error);
/// Keeps the rows whose byte is not 0; `keep` has one byte per row.
CArrowStatus carrow_filter(const CArrowTable *table, const uint8_t *keep, CArrowTable **result, char **error);

/// Some rows, which share the table's memory. No bad rows come along.
CArrowStatus carrow_slice(
    const CArrowTable *table, int64_t offset, int64_t count, CArrowTable **result, char **error);
/// The rows of tables of the same columns, one table behind the other, which share their memory.
CArrowStatus carrow_join(const CArrowTable *const *tables, size_t count, CArrowTable **result, char **error);
/// What the table's rows take in memory; what they share with other rows is counted as theirs.
CArrowStatus carrow_byte_count(const CArrowTable *table, int64_t *bytes, char **error);

/// A file that is written and synced and has not got its name yet: it has none, or a temporary one in the same folder
/// where the file system knows no files without names. Freeing it unpublished leaves nothing.
typedef struct CArrowPartial CArrowPartial;

/// Writes bytes.
CArrowStatus carrow_partial_bytes(
    const char *path, const void *bytes, size_t count, CArrowPartial **partial, char **error);
/// For reading what was written, by offset. Belongs to the partial file.
int carrow_partial_descriptor(const CArrowPartial *partial);
/// Gives the file its name, in place of a file that had it, durably. After a failure that one is as it was. At most once.
CArrowStatus carrow_partial_publish(CArrowPartial *partial, char **error);
void carrow_partial_free(CArrowPartial *partial);
/// Removes the temporary names that stand in folders now. For a signal handler that ends the process.
void carrow_partial_unlink_all(void);

/// A table that is written piece by piece. Freeing it unfinished leaves nothing. One thread at a time.
typedef struct CArrowWriter CArrowWriter;

/// Creates the file. Parquet: zstd, row groups of 128 Ki rows (fewer where there are more than 128 columns), no pandas metadata.
CArrowStatus carrow_writer_open(
    const char *path, CArrowFormat format, const CArrowMetadata *metadata, size_t metadata_count,
    CArrowWriter **writer, char **error);
/// Adds rows; all pieces have the same columns. In which pieces the rows came does not show in the file.
CArrowStatus carrow_writer_append(CArrowWriter *writer, const CArrowTable *table, char **error);
/// Ends and syncs the file, of at least one piece, be it of no rows; once.
CArrowStatus carrow_writer_finish(CArrowWriter *writer, CArrowPartial **partial, char **error);
void carrow_writer_free(CArrowWriter *writer);

/// A value of the file's own metadata; null when it has none of that key. Valid as long as the table is.
const char *carrow_metadata(const CArrowTable *table, const char *key);

/// Each value as CSV has it, without its quotes: doubles in the shortest form of the same bits, times as ISO 8601, lists
/// and maps as JSON. Equal texts of one type are equal bits.
CArrowStatus carrow_copy_cells(const CArrowTable *table, int32_t column, CArrowText *text, char **error);

/// A file that is read piece by piece. One thread at a time.
typedef struct CArrowStream CArrowStream;

/// Opens a file and reads what it says about itself; of CSV, which says nothing of types, all of it, unless all is text.
///
/// CSV: comma, double quotes doubled, a header row, UTF-8; line ends within quotes are allowed; blank lines are ignored; an
/// empty unquoted field is null, and nothing else is.
CArrowStatus carrow_stream_open(
    const char *path, CArrowFormat format, const CArrowReadOptions *options, CArrowStream **stream, char **error);
void carrow_stream_free(CArrowStream *stream);
int32_t carrow_stream_column_count(const CArrowStream *stream);
/// As of tables. Valid as long as the stream is.
const char *carrow_stream_column_name(const CArrowStream *stream, int32_t column);
const char *carrow_stream_column_type(const CArrowStream *stream, int32_t column);
/// Begins at the first row, with these columns; may be called again.
CArrowStatus carrow_stream_start(CArrowStream *stream, const int32_t *columns, size_t count, char **error);
/// The next piece, of at most 65,536 rows, with the columns in the order in which they were asked for; null at the end.
/// It has the CSV rows that were left out among its own; it may have only such.
CArrowStatus carrow_stream_next(CArrowStream *stream, CArrowTable **table, char **error);
/// A table of those columns and no rows.
CArrowStatus carrow_stream_none(const CArrowStream *stream, CArrowTable **table, char **error);

/// Live tables, for leak tests.
int64_t carrow_live_tables(void);

#ifdef __cplusplus
}
#endif

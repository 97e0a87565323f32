import ArrowTables
import FeatureModel
import NIOPosix

/// The label file and the output of a training set, on a thread of their own: reading and writing block.
final class TrainingFiles: @unchecked Sendable {
    // Safe to share: the two are touched on the only thread of `pool`.
    private let labels: LabelFile
    private let output: TrainingSetOutput
    private let pool: NIOThreadPool

    let columnNames: [String]
    let timestampColumn: String
    let requestColumns: [String: String]

    /// Rows with their cells, on their way to the file.
    struct Piece: Sendable {
        var labels: Table
        var columns: TrainingColumns
        /// The file's own.
        var metadata: [String: String]
    }

    private init(_ labels: LabelFile, _ output: TrainingSetOutput, _ pool: NIOThreadPool) {
        (self.labels, self.output, self.pool) = (labels, output, pool)
        columnNames = labels.columnNames
        timestampColumn = labels.timestampColumn
        requestColumns = labels.requestColumns
    }

    deinit { pool.shutdownGracefully { _ in } }

    static func open(
        _ reader: LabelReader,
        joinKeys: [Field],
        request: [Field],
        output: TrainingSetOutput
    ) async throws -> TrainingFiles {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        // Nobody else has it: the thread owns it from now on.
        nonisolated(unsafe) let output = output
        return try await pool.runIfActive {
            TrainingFiles(try reader.open(joinKeys: joinKeys, request: request), output, pool)
        }
    }

    /// Checks every label row.
    func survey() async throws -> LabelSurvey { try await pool.runIfActive { try self.labels.survey() } }

    /// Begins at the first label row again, and reads a piece.
    func first(_ budget: TrainingBudget) async throws -> Labels? {
        try await pool.runIfActive {
            try self.unlessChanged { try self.labels.start() }
            return try self.read(budget)
        }
    }

    /// Writes a piece, then reads another one; nil at the end.
    func write(_ piece: Piece?, thenRead budget: TrainingBudget) async throws -> Labels? {
        try await pool.runIfActive {
            if let piece { try self.write(piece) }
            return try self.read(budget)
        }
    }

    /// Makes sure that the label file is still what the survey saw, writes the last piece, and gives the files their names.
    ///
    /// - Parameter manifest: all but the checksums and the file's length.
    /// - Returns: the manifest that was written.
    func finish(
        _ piece: Piece?,
        _ survey: LabelSurvey,
        _ manifest: TrainingSetManifest
    ) async throws -> TrainingSetManifest {
        try await pool.runIfActive {
            var manifest = manifest
            manifest.labels.sha256 = try self.labels.checkUnchanged(survey)
            if let piece { try self.write(piece) }
            return try self.output.publish(manifest)
        }
    }

    private func read(_ budget: TrainingBudget) throws -> Labels? {
        try unlessChanged { try labels.next(rowsMax: budget.rowsMax, isEnough: budget.isEnough) }
    }

    private func write(_ piece: Piece) throws {
        try output.append(piece.labels, piece.columns, metadata: piece.metadata)
    }

    /// An error of a file that changed since the survey is not about what it says.
    private func unlessChanged<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch {
            throw labels.isChanged ? labels.changed : error
        }
    }
}

// How many label rows a piece has, so that all that is in memory at a time stays within the budget:
//
//   labels    the piece that is read ahead | the one that is asked for | the one that is written
//   features                                 its cells                 | its cells, and one column of them as Arrow has it

import FeatureModel
import StrandlineClient
import WireProtocol

struct TrainingBudget {
    static let least = 1 << 20

    private let byteCount: Int
    /// Of a row, but for the label file's columns and for strings, lists and maps.
    private let rowBytes: Int
    /// What strings, lists and maps took in the piece before; nil while there was none, and such features are.
    private var variableBytes: Int?

    /// Rows of the first piece where nobody knows how long the features' strings, lists and maps are.
    private static let firstRows = 16_384

    init(_ byteCount: Int, features: [PreparedReply.Feature], requestCount: Int, keepsEventTimes: Bool) {
        self.byteCount = byteCount
        var cells = 0
        for feature in features {
            cells += Self.width(feature.type) + 1 + (keepsEventTimes ? 8 : 0)
        }
        // A key with its place and T, three times; its place in the order, twice while rows are ordered, and the number that
        // they are ordered by.
        rowBytes = 3 * 32 + 16 + requestCount * 3 * MemoryLayout<FeatureValue>.stride + 2 * cells + 9
        variableBytes = features.contains { $0.type.isVariableSize } ? nil : 0
    }

    private static func width(_ type: FeatureType) -> Int {
        switch type.single {
        case .int64?, .float64?, .timestamp?: 8
        case .bool?: 1
        case .string?: MemoryLayout<String>.stride
        case nil: MemoryLayout<FeatureValue>.stride
        }
    }

    /// Rows of a piece at most, whatever the label file's columns take.
    var rowsMax: Int {
        guard let variableBytes else { return min(Self.firstRows, max(1, byteCount / rowBytes)) }
        return max(1, byteCount / (rowBytes + 2 * variableBytes))
    }

    /// Whether a piece has as many rows as it may, given what the label file's columns of these rows take.
    func isEnough(rows: Int, labelBytes: Int) -> Bool {
        rows * (rowBytes + 2 * (variableBytes ?? 0)) + 3 * labelBytes >= byteCount
    }

    /// Learns from a piece how long strings, lists and maps are.
    mutating func learn(_ columns: TrainingColumns, rows: Int) {
        guard variableBytes != 0, rows > 0 else { return }
        variableBytes = max(variableBytes ?? 1, columns.variableByteCount / rows)
    }
}

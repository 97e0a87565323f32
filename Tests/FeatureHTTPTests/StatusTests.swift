import FeatureHistory
import FeatureModel
import Testing

@testable import FeatureHTTP
@testable import Windowing

@Suite struct StatusTests {
    /// Every status of the server, with and without a value, in Feast's words.
    @Test(arguments: FeatureStatus.allCases)
    func mapping(_ status: FeatureStatus) {
        let cells = FeatureCells(capacity: 2)
        cells.reserve(2)
        cells.set(0, status, slot: 1, eventTime: 0)
        cells.set(1, status, slot: nil, eventTime: .min)
        var table = FeatureTable(types: [.int64, .int64], rowCount: 1)
        table.append(cells)
        let expected: (String, String) =
            switch status {
            case .present, .partial: ("PRESENT", "NULL_VALUE")
            case .nullValue, .overflow, .outsideRetention: ("NULL_VALUE", "NULL_VALUE")
            case .notFound: ("NOT_FOUND", "NOT_FOUND")
            case .outsideMaxAge: ("OUTSIDE_MAX_AGE", "OUTSIDE_MAX_AGE")
            }
        #expect("\(table.statusText(0, .int64))" == "\"\(expected.0)\"")
        #expect("\(table.statusText(1, .int64))" == "\"\(expected.1)\"")
    }

    /// Of an empty list Feast's client cannot tell the type.
    @Test func emptyListsAreNull() {
        let cells = FeatureCells(capacity: 2)
        cells.reserve(2)
        var empty: [UInt8] = []
        FeaturePayload.append(list: [], to: &empty)
        cells.set(0, .present, slot: empty.withUnsafeBytes { cells.store($0) }, eventTime: 0)
        var full: [UInt8] = []
        FeaturePayload.append(list: [.int64(1)], to: &full)
        cells.set(1, .present, slot: full.withUnsafeBytes { cells.store($0) }, eventTime: 0)
        let list = FeatureType.list(of: .int64)
        var table = FeatureTable(types: [list, list], rowCount: 2)
        table.append(cells)
        table.append(cells)
        for row in 0..<2 {
            #expect(!table.isWritable(2 * row, list) && "\(table.statusText(2 * row, list))" == "\"NULL_VALUE\"")
            #expect(table.isWritable(2 * row + 1, list) && "\(table.statusText(2 * row + 1, list))" == "\"PRESENT\"")
        }
    }
}

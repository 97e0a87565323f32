import FeatureModel
import Testing
import Windowing

@Suite struct WindowIntervalTests {
    /// T = 1000, window 100, offset 0 or 50: each edge and its neighbours by both rules.
    @Test(
        arguments: [
            // (event, offset, strict, inclusive)
            (899, 0, false, false), (900, 0, true, false), (901, 0, true, true),
            (999, 0, true, true), (1000, 0, false, true), (1001, 0, false, false),
            (849, 50, false, false), (850, 50, true, false), (851, 50, true, true),
            (949, 50, true, true), (950, 50, false, true), (951, 50, false, false), (1000, 50, false, false),
        ] as [(Int64, Int64, Bool, Bool)]
    )
    func edges(event: Int64, offset: Int64, strict: Bool, inclusive: Bool) {
        for (boundary, expected) in [(Boundary.strict, strict), (.inclusive, inclusive)] {
            let interval = WindowInterval(
                asOf: Instant(microseconds: 1000),
                length: 100,
                offset: offset,
                boundary: boundary
            )
            #expect(interval.contains(Instant(microseconds: event)) == expected, "\(boundary.name)")
            #expect(interval.end - interval.start == 100, "a window is as long as it says, by either rule")
        }
    }

    @Test func theLabelsOwnEventIsNeverInsideByTheStrictRule() {
        for asOf in [Int64.min, -1, 0, 1, .max] {
            for length in [nil, 1, 1_000_000, Int64.max] as [Int64?] {
                for offset in [0, 1, Int64.max] as [Int64] {
                    let interval = WindowInterval(
                        asOf: Instant(microseconds: asOf),
                        length: length,
                        offset: offset,
                        boundary: .strict
                    )
                    #expect(!interval.contains(Instant(microseconds: asOf)))
                }
            }
        }
    }

    @Test func lifetimeHasNoBeginning() {
        for boundary in Boundary.allCases {
            let interval = WindowInterval(asOf: Instant(microseconds: 10), length: nil, offset: 3, boundary: boundary)
            #expect(interval.start == .min)
            #expect(interval.contains(.distantPast))
            #expect(interval.contains(Instant(microseconds: 6)))
            #expect(interval.contains(Instant(microseconds: 7)) == (boundary == .inclusive))
            #expect(!interval.contains(Instant(microseconds: 8)))
            #expect(WindowInterval(allBefore: Instant(microseconds: 7), boundary: boundary) == interval)
        }
    }

    /// T comes from outside and may be any `Int64`; event times lie in the years 1 to 9999. Nothing traps or wraps.
    @Test func endsOfTimeAreHeld() {
        let first = Instant(microseconds: -62_135_596_800_000_000)
        let last = Instant(microseconds: 253_402_300_799_999_999)
        for boundary in Boundary.allCases {
            let end = WindowInterval(asOf: .distantFuture, length: nil, offset: 0, boundary: boundary)
            #expect(end.contains(first) && end.contains(last))
            let start = WindowInterval(asOf: .distantPast, length: .max, offset: .max, boundary: boundary)
            #expect(!start.contains(first) && !start.contains(last))
            let short = WindowInterval(asOf: .distantFuture, length: 1_000_000, offset: 0, boundary: boundary)
            #expect(!short.contains(last))
            let long = WindowInterval(asOf: last, length: .max, offset: 0, boundary: boundary)
            #expect(long.contains(first))
            #expect(long.contains(last) == (boundary == .inclusive))
        }
    }

    @Test(arguments: Boundary.allCases)
    func partialMeansThatAnInstantBeforeIsCovered(boundary: Boundary) {
        for from in Int64(890)...910 {
            let interval = WindowInterval(asOf: Instant(microseconds: 1000), length: 100, offset: 0, boundary: boundary)
            let touches = (Int64(800)..<from).contains { interval.contains(Instant(microseconds: $0)) }
            #expect(WindowInterval.reaches(from: interval.start, before: Instant(microseconds: from)) == touches)
        }
        let lifetime = WindowInterval(asOf: Instant(microseconds: 0), length: nil, offset: 0, boundary: boundary)
        #expect(!WindowInterval.reaches(from: lifetime.start, before: .distantPast))
        #expect(WindowInterval.reaches(from: lifetime.start, before: Instant(microseconds: .min + 1)))
    }

    /// The search among event times agrees with counting, for every edge around every event, with ties.
    @Test func indexCountsTheTimesBeforeAnEdge() {
        let lists: [[Int64]] = [
            [], [5], [5, 5], [1, 2, 3], [1, 3, 3, 3, 9], [.min, .min, 0, .max], Array(0..<100).map { $0 / 7 * 7 },
        ]
        for times in lists {
            let edges = times + times.map { $0 &+ 1 } + times.map { $0 &- 1 } + [.min, .max, 0]
            for edge in edges {
                let found = times.withUnsafeBufferPointer { buffer -> Int in
                    guard let base = buffer.baseAddress else { return 0 }
                    return WindowInterval.index(of: edge, in: base, count: buffer.count)
                }
                #expect(found == times.count { $0 < edge }, "\(times) \(edge)")
            }
        }
    }
}

import ArrowTables
import Glibc
import NIOPosix

/// An end by Ctrl-C, or by `kill`, of a command that writes a file: at once, with nothing left of it.
enum Interruption {
    /// From now on the process leaves with 128 + the signal's number: 130 for Ctrl-C.
    static func leavesNothing() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                UnpublishedFile.removeAll()
                _exit(128 + number)
            }
        }
    }

    /// The same where more than a signal handler may do is left: `cleanUp` runs on a thread of its own, then the process leaves.
    static func leavesNothing(_ cleanUp: @escaping @Sendable () -> Void) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return leavesNothing() }
        (reading, writing) = (ends[0], ends[1])
        NIOThreadPool.singleton.submit { _ in
            var number: UInt8 = 0
            while read(reading, &number, 1) < 0, errno == EINTR {}
            cleanUp()
            _exit(128 + Int32(number))
        }
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(Interruption.writing, &byte, 1)
            }
        }
    }

    // Safe to share: written once, before a handler that looks at them is set.
    nonisolated(unsafe) private static var reading: Int32 = -1
    nonisolated(unsafe) private static var writing: Int32 = -1
}

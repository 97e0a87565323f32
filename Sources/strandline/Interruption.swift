import ArrowTables
import Glibc

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
}

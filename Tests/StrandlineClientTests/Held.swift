import NIOCore
import Synchronization

/// Replies that a fake server keeps back.
final class Held: Sendable {
    private let replies = Mutex<[ByteBuffer]>([])

    func append(_ reply: ByteBuffer) -> [ByteBuffer] {
        replies.withLock {
            $0.append(reply)
            return $0
        }
    }
}

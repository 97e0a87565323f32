import FeatureHistory
import KafkaLog

/// Why ingest does not go on. `isHalt`: only an operator can help; otherwise it is tried again.
struct IngestError: Error, CustomStringConvertible {
    let message: String
    let isHalt: Bool

    init(halt message: String) {
        self.message = message
        isHalt = true
    }

    init(retry message: String) {
        self.message = message
        isHalt = false
    }

    init(_ error: KafkaError) { self.init(retry: error.description) }
    init(_ error: StoreError) { self.init(halt: error.description) }

    var description: String { message }
}

/// The one funnel from Kafka's errors to ingest's.
func consuming<R: ~Copyable>(_ body: () throws(KafkaError) -> R) throws(IngestError) -> R {
    do throws(KafkaError) { return try body() } catch { throw IngestError(error) }
}

/// The one funnel from the store's errors to ingest's.
func storing<R>(_ body: () throws(StoreError) -> R) throws(IngestError) -> R {
    do throws(StoreError) { return try body() } catch { throw IngestError(error) }
}

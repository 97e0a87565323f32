import FeatureHistory
import Scheduling
import Synchronization

extension FeatureStore {
    /// Opens a data directory for a command: what is wrong with it leaves as a `Failure` that names it.
    ///
    /// On a thread that steps back: RocksDB makes its threads here, and they get its manners. Their flushes and compactions take
    /// a processor for tens of milliseconds, which lookups would have to share.
    static func open(_ directory: String, _ options: StoreOptions) throws -> FeatureStore {
        let opened = Mutex<Result<FeatureStore, StoreError>?>(nil)
        DedicatedThread {
            let result = Result { () throws(StoreError) in
                try FeatureStore(directory: directory, options: options, clock: SystemClock.now)
            }
            opened.withLock { $0 = result }
        }.join()
        guard let result = opened.withLock({ $0 }) else { throw Failure(.failed, "\(directory): was not opened") }
        do throws(StoreError) {
            return try result.get()
        } catch {
            throw Failure(
                .failed,
                error.code == .locked ? "\(directory) is in use by another process" : "\(directory): \(error)"
            )
        }
    }
}

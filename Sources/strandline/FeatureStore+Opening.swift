import FeatureHistory

extension FeatureStore {
    /// Opens a data directory for a command: what is wrong with it leaves as a `Failure` that names it.
    static func open(_ directory: String, _ options: StoreOptions) throws -> FeatureStore {
        do throws(StoreError) {
            return try FeatureStore(directory: directory, options: options, clock: SystemClock.now)
        } catch {
            throw Failure(
                .failed,
                error.code == .locked ? "\(directory) is in use by another process" : "\(directory): \(error)"
            )
        }
    }
}

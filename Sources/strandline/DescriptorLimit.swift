import Glibc
import Logging

/// Lets the process have as many files and sockets as `connections` need, or as many as it may have.
func raiseDescriptorLimit(for connections: Int, _ log: Logger) {
    // RocksDB's tables, Kafka's sockets, event loops.
    let wanted = rlim_t(connections) + 2048
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    guard setrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
    log.warning(
        "this process may open \(limit.rlim_cur) files, too few for \(connections) connections; raise its limit (ulimit -n)"
    )
}

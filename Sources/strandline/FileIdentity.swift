import Glibc

/// What tells a file from the one that it was before: another one under its name, or a write to it.
struct FileIdentity: Equatable {
    private let device: UInt
    private let inode: UInt
    private let byteCount: Int
    private let seconds: Int
    private let nanoseconds: Int
    /// Of any change, which nobody can set back as the time of the last write can be.
    private let changeSeconds: Int
    private let changeNanoseconds: Int

    /// - Returns: nil when there is no such file.
    init?(path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        device = UInt(information.st_dev)
        inode = UInt(information.st_ino)
        byteCount = Int(information.st_size)
        seconds = Int(information.st_mtim.tv_sec)
        nanoseconds = Int(information.st_mtim.tv_nsec)
        changeSeconds = Int(information.st_ctim.tv_sec)
        changeNanoseconds = Int(information.st_ctim.tv_nsec)
    }
}

// The server under libFuzzer: `make fuzz SECONDS=60`, which builds with -sanitize=fuzzer and FUZZING. Without them it only runs
// the files that it is given, so that an ordinary build of the package is whole and a finding can be debugged with it.

import Glibc
import ServerFuzzing

#if FUZZING
import CLibFuzzer
#endif

@main
struct StrandlineFuzz {
    private nonisolated(unsafe) static let fuzzer: ServerFuzzer = {
        do { return try ServerFuzzer() } catch { fatalError("no store to fuzz over: \(error)") }
    }()

    private static func run(_ input: UnsafeRawBufferPointer) {
        if let problem = fuzzer.run(input) { fatalError(problem) }
    }

    static func main() {
        #if FUZZING
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv as UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { data, count in
                StrandlineFuzz.run(UnsafeRawBufferPointer(start: data, count: count))
                return 0
            }
        )
        #else
        for path in CommandLine.arguments.dropFirst() {
            guard let stream = fopen(path, "r") else { fatalError("\(path): \(String(cString: strerror(errno)))") }
            defer { fclose(stream) }
            var input: [UInt8] = []
            while case let byte = getc(stream), byte != EOF { input.append(UInt8(truncatingIfNeeded: byte)) }
            input.withUnsafeBytes { run($0) }
        }
        #endif
    }
}

/// The pattern of `like`: `%` stands for any text, `_` for one code point, everything else for itself. No escapes.
struct LikePattern: Sendable {
    private enum Step: Sendable, Equatable {
        case byte(UInt8)
        case oneCodePoint
        case anything
    }

    private let steps: [Step]

    init(_ bytes: [UInt8]) {
        steps = bytes.map { byte in
            switch byte {
            case UInt8(ascii: "%"): .anything
            case UInt8(ascii: "_"): .oneCodePoint
            default: .byte(byte)
            }
        }
    }

    /// Each `%` takes as little as it can; only the last one met ever has to take more.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var (index, step) = (0, 0)
        var retry: (index: Int, step: Int)?
        while index < text.count {
            if step < steps.count {
                switch steps[step] {
                case .anything:
                    step += 1
                    retry = (index, step)
                    continue
                case .oneCodePoint:
                    index = ByteText.next(after: index, in: text)
                    step += 1
                    continue
                case .byte(let byte) where byte == text[index]:
                    index += 1
                    step += 1
                    continue
                case .byte: break
                }
            }
            guard let last = retry else { return false }
            index = ByteText.next(after: last.index, in: text)
            step = last.step
            retry = (index, step)
        }
        return steps[step...].allSatisfy { $0 == .anything }
    }
}

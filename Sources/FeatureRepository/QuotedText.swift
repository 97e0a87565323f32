// Words from a file, as they may stand in a message.

extension String {
    /// This text as it may stand in a message: at most 60 characters, none of them a control character.
    var quoted: String {
        let clean = String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? "?" : $0 }
            )
        )
        return "'\(clean)\(unicodeScalars.count > 60 ? "..." : "")'"
    }
}

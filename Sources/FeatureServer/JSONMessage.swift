import FoundationEssentials
import WireProtocol

/// JSON of the control plane. Lookups never come here.
public enum JSONMessage {
    /// Encodes with sorted keys, so that equal messages are equal texts.
    public static func encode(_ message: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(message), as: UTF8.self)
    }

    public static func decode<M: Decodable>(_ type: M.Type, from text: String) throws -> M {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(text.utf8))
    }
}

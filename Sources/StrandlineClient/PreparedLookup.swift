public import FeatureModel
public import WireProtocol

/// A feature list that the server resolved. Valid on the client that prepared it, also after it had to connect again.
public struct PreparedLookup: Hashable, Sendable {
    /// In the order of the answers.
    public let features: [PreparedReply.Feature]
    /// In the order in which an entity's values are given.
    public let joinKeys: [Field]
    /// What a request brings along for each entity or row, in the order in which its values are given.
    public let request: [Field]
    /// SHA-256 of the definitions, in hexadecimal.
    public let definitionHash: String

    let types: [FeatureType]
    /// What was asked for, to ask again.
    let target: PrepareRequest.Target
    /// Finds its id on a connection.
    let identity = UInt64.random(in: 0 ... .max)
    /// The client that it belongs to.
    let owner: UInt64

    init(_ reply: PreparedReply, _ target: PrepareRequest.Target, owner: UInt64) {
        features = reply.features
        joinKeys = reply.joinKeys
        request = reply.request
        definitionHash = reply.definitionHash
        types = reply.features.map(\.type)
        self.target = target
        self.owner = owner
    }

    /// Whether a later answer of the server has the same shape.
    func isAnswered(by reply: PreparedReply) -> Bool {
        reply.features == features && reply.joinKeys == joinKeys && reply.request == request
    }

    /// The keys' bytes. An entity has one value a join key, in the order of `joinKeys`.
    func encode(_ entities: [[FeatureValue]]) throws(ClientError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        keys.reserveCapacity(entities.count)
        for (index, entity) in entities.enumerated() {
            guard entity.count == joinKeys.count, zip(entity, joinKeys).allSatisfy({ $0.isOf($1.type) }) else {
                let wanted = joinKeys.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
                throw ClientError(.badArgument, "entity \(index) does not have the values (\(wanted))")
            }
            guard let key = EntityKey.encode(entity) else {
                throw ClientError(.badArgument, "entity \(index) has a key beyond \(EntityKey.byteCountMax) bytes")
            }
            keys.append(key)
        }
        return keys
    }

    /// The request values as they are sent: a row an entity, a value a field, null included.
    func check(_ rows: [[FeatureValue]], count: Int) throws(ClientError) -> [[FeatureValue]] {
        guard !request.isEmpty || !rows.isEmpty else { return [] }
        let wanted = request.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
        guard !rows.isEmpty else {
            throw ClientError(
                .badArgument,
                "the lookup needs request values (\(wanted)) for each entity; null is .null"
            )
        }
        guard rows.count == count else {
            throw ClientError(.badArgument, "\(rows.count) rows of request values (\(wanted)) for \(count) entities")
        }
        for (index, row) in rows.enumerated() {
            guard row.count == request.count else {
                throw ClientError(.badArgument, "row \(index) does not have the request values (\(wanted))")
            }
            for (value, field) in zip(row, request) {
                guard let problem = value.requestProblem(of: field.type) else { continue }
                throw ClientError(.badArgument, "request value '\(field.name)' of row \(index) is \(problem)")
            }
        }
        // A lookup without request values may be given a row of none for each entity.
        return request.isEmpty ? [] : rows
    }
}

extension FeatureValue {
    fileprivate func isOf(_ type: ValueType) -> Bool {
        switch (self, type) {
        case (.int64, .int64), (.string, .string): true
        default: false
        }
    }
}

// A request's way: who asks, what for, the body, the answer. Nothing of a body is read before the token was.

import FeatureHistory
import FeatureServer
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

struct Endpoints: HTTPResponder {
    typealias Context = HTTPContext

    private let shared: ServerContext
    let state: HTTPState
    private let bodyTimeMax: TimeAmount
    private let health: HealthReport
    private let metrics: MetricsPage

    init(
        _ shared: ServerContext,
        version: String,
        bodyTimeMax: TimeAmount = HTTPState.bodyTimeMax,
        ingest: @escaping @Sendable () -> StatusMessage.Ingest?
    ) {
        self.shared = shared
        self.bodyTimeMax = bodyTimeMax
        state = HTTPState()
        health = HealthReport(store: shared.store, state: state, ingest: ingest)
        metrics = MetricsPage(shared: shared, state: state, version: version, ingest: ingest)
    }

    func respond(to request: Request, context: HTTPContext) async -> Response {
        let endpoint = Endpoint(path: request.uri.path)
        var response: Response
        do {
            response = try await answer(request, endpoint, context)
        } catch let failure as FeastFailure {
            response = Response(failure)
        } catch {
            // Reading the body failed: nobody is there to read an answer either.
            shared.log.debug("HTTP request ended early: \(error)")
            response = Response(FeastFailure(400, .detail, "the request ended early"))
        }
        state.count(endpoint, response.status.code)
        return response
    }

    private func answer(_ request: Request, _ endpoint: Endpoint?, _ context: HTTPContext) async throws -> Response {
        if endpoint?.isOpen != true { try authenticate(request) }
        guard let endpoint else {
            let known = Endpoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw FeastFailure(404, .detail, "Not Found; there are: \(known)")
        }
        guard request.method.rawValue == endpoint.method else {
            throw FeastFailure(405, .detail, "Method Not Allowed; use \(endpoint.method)")
        }
        switch endpoint {
        case .getOnlineFeatures: return try await onlineFeatures(request, context)
        case .push, .writeToOnlineStore: throw FeastFailure.writesGoThroughTopics(endpoint)
        case .health: return Response(status: health.isReady ? .ok : .serviceUnavailable)
        case .livez, .healthz: return Response.text(.ok, "ok\n")
        case .readyz:
            let isVerbose =
                request.uri.query.map { $0.split(separator: "&").contains { $0.hasPrefix("verbose") } } ?? false
            // What is wrong may name brokers and folders.
            if isVerbose { try authenticate(request) }
            return Response.text(
                health.isReady ? .ok : .serviceUnavailable,
                isVerbose ? health.verbose : health.isReady ? "ok\n" : "not ready: see /readyz?verbose\n"
            )
        case .metrics: return Response.text(.ok, try await metrics.text(), type: MetricsPage.contentType)
        }
    }

    private func authenticate(_ request: Request) throws(FeastFailure) {
        let words = request.headers[.authorization]?.split(separator: " ") ?? []
        let token = words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
        guard shared.security.admits(token) else {
            throw FeastFailure(
                401,
                .feast(class: "FeastPermissionError"),
                "a valid token is needed; send the header Authorization: Bearer <token>"
            )
        }
    }

    private func onlineFeatures(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let share = ByteShare(state.budget)
        let body = try await collect(request, share, context)
        let start = NIODeadline.now()
        let responder = OnlineFeaturesResponder(shared: shared, state: state)
        let (answer, lookup, rows) = try await responder.answer(body)
        guard share.replace(with: answer.count) else { throw FeastFailure.noRoom }
        lookup.latency.record(since: start, rows: rows)
        return .json(answer, share, context)
    }

    private func collect(_ request: Request, _ share: ByteShare, _ context: HTTPContext) async throws -> ByteBuffer {
        let tooLong = FeastFailure(
            413,
            .feast(class: "FeastError"),
            "the body is longer than \(HTTPState.bodyByteCountMax) bytes; ask for fewer rows at once"
        )
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > HTTPState.bodyByteCountMax {
            throw tooLong
        }
        let end = context.closeConnection(in: bodyTimeMax)
        defer { end.cancel() }
        var body = ByteBuffer()
        for try await var chunk in request.body {
            guard body.readableBytes + chunk.readableBytes <= HTTPState.bodyByteCountMax else { throw tooLong }
            guard share.grow(by: chunk.readableBytes) else { throw FeastFailure.noRoom }
            body.writeBuffer(&chunk)
        }
        return body
    }
}

extension FeastFailure {
    fileprivate static let noRoom = busy("too many bytes of other requests are on their way; come again")

    fileprivate static func writesGoThroughTopics(_ endpoint: Endpoint) -> FeastFailure {
        FeastFailure(
            403,
            .feast(class: "FeastError"),
            "\(endpoint.rawValue): nothing is written over HTTP. This server takes its data from Kafka topics, so that "
                + "training sets see exactly what was served; produce the rows as JSON to the topic of the source"
        )
    }
}

extension Response {
    /// Answers up to this long leave in one write with their head, and out of the budget: with every connection they are
    /// 64 MiB more.
    private static let shortByteCountMax = 64 << 10

    /// - Parameter share: what the bytes take of the budget, until they are sent.
    fileprivate static func json(_ bytes: [UInt8], _ share: ByteShare, _ context: HTTPContext) -> Response {
        let buffer = ByteBuffer(bytes: bytes)
        let body =
            bytes.count <= shortByteCountMax
            ? ResponseBody(byteBuffer: buffer)
            : ResponseBody(contentLength: bytes.count) { writer in
                let end = context.closeConnection(in: HTTPState.answerTimeMax)
                defer { end.cancel() }
                try await writer.write(buffer)
                try await writer.finish(nil)
                withExtendedLifetime(share) {}
            }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }

    fileprivate static func text(
        _ status: HTTPResponse.Status,
        _ text: String,
        type: String = "text/plain; charset=utf-8"
    )
        -> Response
    {
        Response(
            status: status,
            headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    fileprivate init(_ failure: FeastFailure) {
        var headers: HTTPFields = [.contentType: "application/json"]
        if failure.status == 401 { headers[.wwwAuthenticate] = "Bearer" }
        if let seconds = failure.retryAfter { headers[.retryAfter] = String(seconds) }
        self.init(
            status: HTTPResponse.Status(code: failure.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: failure.body))
        )
    }
}

import CRdKafka
import Synchronization

/// Takes one line of librdkafka's log: syslog level (0 emergency ... 7 debug), facility, text. Called on librdkafka's
/// own threads, several at a time: hand the line over and return.
public typealias KafkaLogHandler = @Sendable (_ level: Int, _ facility: String, _ text: String) -> Void

/// What the C callbacks of one client reach through their opaque pointer. They only record here.
final class CallbackContext: Sendable {
    private let log: KafkaLogHandler?
    private let errors = Mutex<[KafkaError]>([])
    private let reports = Mutex<[DeliveryReport]>([])

    /// A client that nobody asks keeps the first errors of a trouble and not all of them.
    private static let errorCountMax = 64

    init(log: KafkaLogHandler?) { self.log = log }

    func takeErrors() -> [KafkaError] {
        errors.withLock { list in
            defer { list = [] }
            return list
        }
    }

    func takeReports() -> [DeliveryReport] {
        reports.withLock { list in
            defer { list = [] }
            return list
        }
    }

    /// Points the configuration's callbacks at this object, which must outlive the client made from it.
    func install(in configuration: borrowing CConfiguration, _ role: KafkaSettings.Role) {
        let pointer = configuration.pointer
        rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_log_cb(pointer) { client, level, facility, text in
            // Without a client the line comes from its creation, too early for the opaque pointer.
            guard let client, let facility, let text, let context = CallbackContext.from(rd_kafka_opaque(client)) else {
                return
            }
            context.log?(Int(level), String(cString: facility), String(cString: text))
        }
        rd_kafka_conf_set_error_cb(pointer) { _, code, reason, opaque in
            let code = KafkaError.Code(rawValue: code)
            let error = KafkaError(code: code, message: reason.map { String(cString: $0) } ?? code.name)
            CallbackContext.from(opaque)?.record(error)
        }
        guard role == .producer else { return }
        rd_kafka_conf_set_dr_msg_cb(pointer) { _, message, opaque in
            guard let message, let context = CallbackContext.from(opaque) else { return }
            let report = DeliveryReport(message.pointee)
            context.reports.withLock { $0.append(report) }
        }
    }

    private func record(_ error: KafkaError) {
        errors.withLock { list in
            if list.count < Self.errorCountMax { list.append(error) }
        }
    }

    private static func from(_ opaque: UnsafeMutableRawPointer?) -> CallbackContext? {
        opaque.map { Unmanaged<CallbackContext>.fromOpaque($0).takeUnretainedValue() }
    }
}

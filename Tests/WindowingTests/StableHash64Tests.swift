import Testing

@testable import Windowing

@Suite struct StableHash64Tests {
    /// The bytes of the specification's sanity checks.
    static func sanityBytes(_ count: Int) -> [UInt8] {
        var state: UInt64 = 2_654_435_761
        return (0..<count).map { _ in
            defer { state &*= 11_400_714_785_074_694_797 }
            return UInt8(state >> 56)
        }
    }

    static let prime: UInt64 = 2_654_435_761

    @Test(
        arguments: [
            (0, 0, 0xef46_db37_51d8_e999), (0, prime, 0xac75_fda2_929b_17ef), (1, 0, 0xe934_a84a_db05_2768),
            (1, prime, 0x5014_6076_43a9_b4c3), (4, 0, 0x9136_a0dc_a574_57ee), (14, 0, 0x8282_dcc4_994e_35c8),
            (14, prime, 0xc3bd_6bf6_3deb_6df0), (222, 0, 0xb641_ae8c_b691_c174),
            (222, prime, 0x20cb_8ab7_ae10_c14a),
        ] as [(Int, UInt64, UInt64)]
    )
    func theSpecificationsVectors(count: Int, seed: UInt64, expected: UInt64) {
        Self.sanityBytes(count).withUnsafeBytes {
            #expect(StableHash64.hash(bytes: $0, seed: seed) == expected)
        }
    }

    /// Python, package xxhash: `h = 0`, then `h = xxh64(bytes[:n], seed=h).intdigest()` for n from 0 to 100.
    @Test func everyLengthUpToAHundred() {
        let hash = (0...100).reduce(UInt64(0)) { seed, count in
            Self.sanityBytes(count).withUnsafeBytes { StableHash64.hash(bytes: $0, seed: seed) }
        }
        #expect(hash == 0xf20d_e751_2def_6b82)
    }

    @Test(
        arguments: [
            ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
            ("xxhash", 0x32dd_3895_2c4b_c720), ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
        ] as [(String, UInt64)]
    )
    func strings(text: String, expected: UInt64) {
        Array(text.utf8).withUnsafeBytes { #expect(StableHash64.hash(bytes: $0) == expected) }
    }

    @Test(
        arguments: [
            (0, 0x34c9_6acd_cadb_1bbb), (1, 0x9f29_cb17_a2a4_9995), (.max, 0x85d1_36ad_b773_c6c9),
            (0x3ff0_0000_0000_0000, 0x9495_22f1_53a1_a395),
        ] as [(UInt64, UInt64)]
    )
    func slotsAreTheirEightBytes(slot: UInt64, expected: UInt64) {
        #expect(StableHash64.hash(slot: slot) == expected)
        withUnsafeBytes(of: slot.littleEndian) { #expect(StableHash64.hash(bytes: $0) == expected) }
    }
}

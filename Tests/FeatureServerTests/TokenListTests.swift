import Testing

@testable import FeatureServer

@Suite struct TokenListTests {
    @Test func hashedAndPlainTokensEnter() throws {
        // echo -n secret | sha256sum
        let digest = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
        let tokens = try #require(TokenList(text: "# who may enter\nsha256:\(digest)\n\nplain\n"))
        #expect(tokens.contains("secret"))
        #expect(tokens.contains("plain"))
        #expect(!tokens.contains(""))
        #expect(!tokens.contains("sha256:\(digest)"))
        #expect(!tokens.contains("secre"))
    }

    @Test(arguments: ["", "# nothing\n", "sha256:12\n", "sha256:zz\n", "ok\nsha256:00\n"])
    func aListWithoutTokensOrWithABadLineIsRefused(text: String) {
        #expect(TokenList(text: text) == nil)
    }
}

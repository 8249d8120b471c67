/// What `tokenizer.ggml.pre` stands for: the splitting steps, and two settings that GGUF files do not carry.
struct GGUFPreTokenizer {
    enum Step {
        case words(WordPattern)
        case digits
        case pattern(String)
    }

    var steps: [Step]
    var ignoresMerges = false
    var addsBOS = false

    /// All names that are understood; the same splitting often has several.
    static let known: [String: GGUFPreTokenizer] = {
        var known: [String: GGUFPreTokenizer] = [:]
        func add(_ names: [String], _ kind: GGUFPreTokenizer) {
            for name in names { known[name] = kind }
        }
        add(
            ["gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "modern-bert", "roberta-bpe", "granite-docling"],
            GGUFPreTokenizer(steps: [.words(.gpt2)]))
        add(
            ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
            GGUFPreTokenizer(steps: [.digits, .words(.gpt2)]))
        add(
            ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"],
            GGUFPreTokenizer(steps: [.words(.llama3(digits: 3))], ignoresMerges: true, addsBOS: true))
        add(["dbrx", "smaug-bpe", "chatglm-bpe"], GGUFPreTokenizer(steps: [.words(.llama3(digits: 3))]))
        add(["glm4"], GGUFPreTokenizer(steps: [.words(.llama3(digits: 3))], ignoresMerges: true))
        add(
            ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan", "grok-2"],
            GGUFPreTokenizer(steps: [.words(.llama3(digits: 1))]))
        add(["qwen35"], GGUFPreTokenizer(steps: [.pattern(qwen35)]))
        add(["gpt-4o", "llama4"], GGUFPreTokenizer(steps: [.pattern(gpt4o(digits: "{1,3}", contractions))]))
        add(["tekken"], GGUFPreTokenizer(steps: [.pattern(gpt4o(digits: "", ""))], ignoresMerges: true, addsBOS: true))
        add(
            ["falcon"],
            GGUFPreTokenizer(
                steps: [.pattern(#"[\p{P}\$\+<=>\^~\|`]+"#), .words(.gpt2), .pattern("[0-9][0-9][0-9]")]))
        add(
            ["default"],
            GGUFPreTokenizer(
                steps: [
                    .pattern(#"[\p{P}\$\+<=>\^~\|]+"#), .words(.gpt2), .pattern(#"\p{N}+"#),
                    .pattern("[0-9][0-9][0-9]"),
                ]))
        add(
            ["deepseek-v3"],
            GGUFPreTokenizer(steps: [.pattern(#"\p{N}{1,3}"#), .pattern("[一-龥぀-ゟ゠-ヿ]+"), .pattern(deepseek3)]))
        add(
            ["deepseek-coder"],
            GGUFPreTokenizer(
                steps: [
                    .pattern(#"[\r\n]"#), .pattern(#"\s?\p{L}+"#), .pattern(#"\s?\p{P}+"#),
                    .pattern("[一-龥ࠀ-一가-퟿]+"), .digits,
                ]))
        return known
    }()

    private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"

    /// Words by their case, as in o200k; `\p{Lm}`, `\p{Lo}` and marks belong to both cases.
    private static func gpt4o(digits: String, _ contractions: String) -> String {
        let lead = #"[^\r\n\p{L}\p{N}]?"#
        let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        return "\(lead)\(upper)*\(lower)+\(contractions)|\(lead)\(upper)+\(lower)*\(contractions)"
            + #"|\p{N}"# + digits + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static let qwen35 =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
        + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    private static let deepseek3 =
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##
        + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The steps as pre-tokenizers.
    func preTokenizers() throws(TokenizerError) -> [PreTokenizer] {
        var result: [PreTokenizer] = []
        for step in steps {
            switch step {
            case .words(let words): result.append(.words(words))
            case .digits: result.append(.digits(individual: true))
            case .pattern(let text): result.append(.pattern(try PatternExpression(text), .isolated, inverted: false))
            }
        }
        return result + [.byteLevel(addsPrefixSpace: false, splits: false)]
    }
}

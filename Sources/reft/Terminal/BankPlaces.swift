/// The places of prompts' adapters in a bank, as the command line has them: `0,none,1`.
enum BankPlaces {
    /// One place for each of `count` prompts; a single one is for all of them.
    static func parse(_ text: String, count: Int) throws -> [Int?] {
        let places = try text.split(separator: ",", omittingEmptySubsequences: false).map { part -> Int? in
            if part == "none" { return nil }
            guard let place = Int(part) else {
                throw CommandError("--adapter-index '\(text)': '\(part)' is neither a place of the bank nor none")
            }
            return place
        }
        if places.count == 1 { return Array(repeating: places[0], count: count) }
        guard places.count == count else {
            let prompts = count == 1 ? "prompt" : "prompts"
            throw CommandError("--adapter-index gives \(places.count) places for \(count) \(prompts)")
        }
        return places
    }
}

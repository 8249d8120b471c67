extension Int {
    /// `134,515,008`.
    var grouped: String {
        var text = ""
        for (place, digit) in String(magnitude).reversed().enumerated() {
            if place > 0 && place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (self < 0 ? "−" : "") + String(text.reversed())
    }
}

extension Double {
    /// Two significant digits below 10, whole numbers from there on: `0.0034`, `1.2`, `25`.
    var significant: String {
        guard isFinite, self > 0 else { return "0" }
        if self >= 10 { return "\(Int(rounded()))" }
        var places = 0
        var factor = 1.0
        while self * factor < 10 && places < 12 {
            factor *= 10
            places += 1
        }
        let digits = String(Int((self * factor).rounded()))
        let padded = String(repeating: "0", count: Swift.max(0, places + 1 - digits.count)) + digits
        let whole = padded.dropLast(places)
        var fraction = padded.suffix(places)
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }

    /// `0.5`, `2`.
    var short: String {
        self == rounded() && magnitude < 1e15 ? "\(Int(self))" : "\(self)"
    }
}

import Foundation

/// Arithmetic and order, as Python has them for numbers, strings and lists.
enum TemplateArithmetic {
    static func compare(_ symbol: String, _ a: TemplateValue, _ b: TemplateValue, _ line: Int) throws(TokenizerError)
        -> Bool
    {
        func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
            switch symbol {
            case "<": a < b
            case ">": a > b
            case "<=": a <= b
            default: a >= b
            }
        }
        if let a = a.numeric, let b = b.numeric { return holds(a, b) }
        // UTF-8 and code points order alike; Swift's own order of strings would normalize them.
        if case .string(let a) = a, case .string(let b) = b {
            let order =
                Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8)) ? -1 : a.utf8.elementsEqual(b.utf8) ? 0 : 1
            return holds(order, 0)
        }
        throw .template(line: line, construct: symbol, reason: "\(a.kind) and \(b.kind) cannot be compared")
    }

    static func compute(
        _ symbol: String, _ a: TemplateValue, _ b: TemplateValue, _ line: Int
    ) throws(TokenizerError) -> TemplateValue {
        func failure(_ reason: String) -> TokenizerError { .template(line: line, construct: symbol, reason: reason) }
        switch (symbol, a, b) {
        case ("+", .string(let a), .string(let b)): return .string(a + b)
        case ("+", .list(let a), .list(let b)): return .list(a + b)
        case ("*", .string(let text), .integer(let count)):
            guard count <= 100_000, text.utf8.count * max(count, 0) <= 1 << 24 else {
                throw failure("the result is too long")
            }
            return .string(String(repeating: text, count: max(count, 0)))
        default: break
        }
        if let x = a.whole, let y = b.whole, symbol != "/" {
            let result: (partialValue: Int, overflow: Bool)
            switch symbol {
            case "+": result = x.addingReportingOverflow(y)
            case "-": result = x.subtractingReportingOverflow(y)
            case "*": result = x.multipliedReportingOverflow(by: y)
            default:
                if y == 0 { throw failure("division by zero") }
                let quotient = x.dividedReportingOverflow(by: y)
                let remainder = x.remainderReportingOverflow(dividingBy: y).partialValue
                // Python rounds towards negative infinity.
                let isBelow = remainder != 0 && (remainder < 0) != (y < 0)
                result =
                    symbol == "//"
                    ? (quotient.partialValue - (isBelow ? 1 : 0), quotient.overflow)
                    : (isBelow ? remainder + y : remainder, false)
            }
            if result.overflow { throw failure("the result is too large") }
            return .integer(result.partialValue)
        }
        guard let x = a.numeric, let y = b.numeric else {
            throw failure("it is not defined for \(a.kind) and \(b.kind)")
        }
        switch symbol {
        case "+": return .number(x + y)
        case "-": return .number(x - y)
        case "*": return .number(x * y)
        default:
            if y == 0 { throw failure("division by zero") }
            let floor = (x / y).rounded(.down)
            return .number(symbol == "/" ? x / y : symbol == "//" ? floor : x - floor * y)
        }
    }
}

/// `strftime` for the fields that chat templates use.
enum TemplateDate {
    static func format(_ date: Date, _ pattern: String) -> String {
        let parts = Calendar(identifier: .gregorian).dateComponents(
            [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
        let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        func two(_ value: Int?) -> String { (value ?? 0) < 10 ? "0\(value ?? 0)" : "\(value ?? 0)" }
        let month = months[min(max((parts.month ?? 1) - 1, 0), 11)]
        let day = days[min(max((parts.weekday ?? 1) - 1, 0), 6)]
        var result = ""
        var isField = false
        for character in pattern {
            if !isField {
                if character == "%" { isField = true } else { result.append(character) }
                continue
            }
            isField = false
            switch character {
            case "Y": result += "\(parts.year ?? 0)"
            case "m": result += two(parts.month)
            case "d": result += two(parts.day)
            case "H": result += two(parts.hour)
            case "M": result += two(parts.minute)
            case "S": result += two(parts.second)
            case "B": result += month
            case "b": result += month.prefix(3)
            case "A": result += day
            case "a": result += day.prefix(3)
            case "%": result += "%"
            default: result += "%\(character)"
            }
        }
        return result
    }
}

/// An expression and the line it is on.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case constant(TemplateValue)
        case name(String)
        case list([TemplateExpression])
        case dictionary([(TemplateExpression, TemplateExpression)])
        case attribute(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, TemplateExpression?, TemplateExpression?, TemplateExpression?)
        case call(TemplateExpression, TemplateArguments)
        case filter(TemplateExpression, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments, negated: Bool)
        case unary(String, TemplateExpression)
        case binary(String, TemplateExpression, TemplateExpression)
        case conditional(TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
    }

    var line: Int
    var kind: Kind
}

/// Arguments of a call.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
}

/// A statement and the line it is on.
struct TemplateStatement: Sendable {
    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        case condition([(TemplateExpression, [TemplateStatement])], otherwise: [TemplateStatement])
        case loop(
            targets: [String], over: TemplateExpression, filter: TemplateExpression?, body: [TemplateStatement],
            otherwise: [TemplateStatement])
        case set(targets: [String], TemplateExpression)
        case setAttribute(object: String, attribute: String, TemplateExpression)
        case setBlock(target: String, [TemplateStatement])
        case macro(TemplateMacro)
        case block([TemplateStatement])
        case breakLoop
        case continueLoop
    }

    var line: Int
    var kind: Kind
}

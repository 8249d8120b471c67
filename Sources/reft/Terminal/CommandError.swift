/// Wrong input that a command finds itself: one message, without the usage that goes with wrong arguments.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

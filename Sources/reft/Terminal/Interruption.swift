import Foundation
import Synchronization

/// Ctrl-C, asked about between steps: the first one ends the work in order, the second one at once.
enum Interruption {
    private static let isAsked = Atomic<Bool>(false)

    /// Whether Ctrl-C was pressed.
    static var wasAsked: Bool { isAsked.load(ordering: .relaxed) }

    /// From now on the first Ctrl-C only sets ``wasAsked``.
    static func listen() {
        signal(SIGINT) { _ in
            Interruption.isAsked.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
        signal(SIGTERM) { _ in Interruption.isAsked.store(true, ordering: .relaxed) }
        // Who starts this process from a worker thread may have handed down a mask that blocks everything.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}

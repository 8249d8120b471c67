import InterventionDSL
import ReFTPresets

extension PeerType {
    /// The classes of pyvene that work in a space of their own.
    static let spaces: [PeerType] = []
}

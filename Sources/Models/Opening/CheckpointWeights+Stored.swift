import Checkpoints

extension CheckpointWeights {
    /// The tensor that the checkpoint holds under a Hugging Face name, as it is stored there; nil if there is none.
    public func storedTensor(named name: String) -> StoredTensor? { stored(TensorName(name)) }
}

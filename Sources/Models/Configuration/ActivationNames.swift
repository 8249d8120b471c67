import Graph

/// The activation functions by the names that configurations use.
let activationNames: KeyValuePairs<String, UnaryFunction> = [
    "silu": .silu, "swish": .silu, "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh,
    "gelu_fast": .geluTanh, "quick_gelu": .quickGelu, "relu": .relu, "tanh": .tanh, "sigmoid": .sigmoid,
]

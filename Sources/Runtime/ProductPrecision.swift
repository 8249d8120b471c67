/// How numbers enter the products with frozen weights. Sums are f32 in either case, and everything else is f32.
///
/// With `bf16` both operands of a product of more than eight rows are rounded to bf16 (8 bits of precision, to nearest,
/// ties to even) on their way into the kernel; weights that are stored as bf16 lose nothing, and no second copy of any
/// weight is made. Processors with AVX-512 BF16 then multiply at twice the f32 rate, others compute the same numbers at
/// the f32 rate. Products of up to eight rows, as in decoding, wait for memory and not for multipliers: they stay f32.
///
/// With `int8` the rows of products of up to eight rows with weights in Q4_0, Q4_1 or Q4_K are rounded to 8 bits, in groups
/// of 32 numbers with a scale of their own (the largest magnitude / 127), and multiplied as integers: what llama.cpp does
/// too. A number is off by at most 1/254 of the largest in its group. There unpacking the weights takes longer than reading
/// them; all other products stay f32.
public enum ProductPrecision: String, CaseIterable, Hashable, Sendable {
    case f32
    case bf16
    case int8
}

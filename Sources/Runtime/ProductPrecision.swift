/// How numbers enter the products with frozen weights. Sums are f32 in either case, and everything else is f32.
///
/// With `bf16` both operands of a product of more than eight rows are rounded to bf16 (8 bits of precision, to nearest,
/// ties to even) on their way into the kernel; weights that are stored as bf16 lose nothing, and no second copy of any
/// weight is made. Processors with AVX-512 BF16 then multiply at twice the f32 rate, others compute the same numbers at
/// the f32 rate. Products of up to eight rows, as in decoding, wait for memory and not for multipliers: they stay f32.
public enum ProductPrecision: String, CaseIterable, Hashable, Sendable {
    case f32
    case bf16
}

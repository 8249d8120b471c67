// Functions of single elements, and of pairs of elements with broadcasting.
#ifndef CK_ELEMENTWISE_H
#define CK_ELEMENTWISE_H

#include "ck_base.h"

CK_BEGIN

typedef enum ck_unary {
    CK_UNARY_IDENTITY = 0,
    CK_UNARY_NEG,         ///< −x
    CK_UNARY_RELU,        ///< max(x, 0)
    CK_UNARY_GELU,        ///< x/2 · (1 + erf(x/√2))
    CK_UNARY_GELU_TANH,   ///< x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))
    CK_UNARY_QUICK_GELU,  ///< x · sigmoid(1.702·x)
    CK_UNARY_SILU,        ///< x · sigmoid(x)
    CK_UNARY_SIGMOID,     ///< 1 / (1 + e⁻ˣ)
    CK_UNARY_TANH,
    CK_UNARY_EXP,
    CK_UNARY_LOG,
    CK_UNARY_SQRT,
    CK_UNARY_RSQRT,       ///< 1/√x
    CK_UNARY_RECIPROCAL,  ///< 1/x
    CK_UNARY_SQUARE,
    CK_UNARY_ABS,
    CK_UNARY_SOFTPLUS,    ///< log(1 + eˣ)
    CK_UNARY_ERF,
    CK_UNARY_SIN,         ///< through libm, not vectorised
    CK_UNARY_COS,         ///< through libm, not vectorised
    CK_UNARY_COUNT,
} ck_unary_kind;

/// y = f(x), rows × cols. In place allowed. An unknown kind does nothing.
void ck_unary(ck_unary_kind kind, int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// dx = f′(x) · dy, from the function's input x. Derivatives at the corner of relu and abs are 0. dx may be dy or x.
void ck_unary_gradient(ck_unary_kind kind, int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *dy,
                       int64_t dy_stride, float *dx, int64_t dx_stride);

typedef enum ck_binary {
    CK_BINARY_ADD = 0,
    CK_BINARY_SUB,
    CK_BINARY_MUL,
    CK_BINARY_DIV,
    CK_BINARY_MAX,
    CK_BINARY_MIN,
    CK_BINARY_COUNT,
} ck_binary_kind;

/// y[r, c] = a[r·a_row_stride + c·a_col_stride] ∘ b[r·b_row_stride + c·b_col_stride].
/// A column stride is 1, or 0 to repeat a column [rows, 1] along the row; a row stride of 0 repeats a row [1, cols]; both 0 is a scalar.
/// y may be an operand that is not broadcast. An unknown kind, or another column stride, does nothing.
void ck_binary(ck_binary_kind kind, int64_t rows, int64_t cols, const float *a, int64_t a_row_stride, int64_t a_col_stride,
               const float *b, int64_t b_row_stride, int64_t b_col_stride, float *y, int64_t y_stride);

/// y = scale · x + shift. In place allowed.
void ck_scale_shift(int64_t rows, int64_t cols, float scale, float shift, const float *x, int64_t x_stride, float *y,
                    int64_t y_stride);

/// y = a + scale · b. y may be a or b.
void ck_add_scaled(int64_t rows, int64_t cols, const float *a, int64_t a_stride, float scale, const float *b, int64_t b_stride,
                   float *y, int64_t y_stride);

/// y = f(gate) · up, the gated activation of Llama-like blocks. y may be gate or up.
void ck_gated(ck_unary_kind kind, int64_t rows, int64_t cols, const float *gate, int64_t gate_stride, const float *up,
              int64_t up_stride, float *y, int64_t y_stride);

/// dgate = f′(gate) · up · dy and dup = f(gate) · dy. Each output may be NULL (then it is not computed), dy, gate or up.
void ck_gated_gradient(ck_unary_kind kind, int64_t rows, int64_t cols, const float *gate, int64_t gate_stride, const float *up,
                       int64_t up_stride, const float *dy, int64_t dy_stride, float *dgate, int64_t dgate_stride, float *dup,
                       int64_t dup_stride);

CK_END

#endif

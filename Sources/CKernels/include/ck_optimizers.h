// Optimiser steps on flat arrays, as torch.optim defines them.
#ifndef CK_OPTIMIZERS_H
#define CK_OPTIMIZERS_H

#include "ck_base.h"

CK_BEGIN

/// One step of AdamW (Loshchilov & Hutter 2019), step counted from 1:
/// p ← p·(1 − learning_rate·weight_decay); m ← m + (g − m)·(1 − beta1); v ← beta2·v + (1 − beta2)·g²;
/// p ← p − learning_rate/(1 − beta1^step) · m / (√v / √(1 − beta2^step) + epsilon).
void ck_adamw_step(int64_t n, float *parameters, const float *gradients, float *first_moments, float *second_moments,
                   double learning_rate, double beta1, double beta2, double epsilon, double weight_decay, int64_t step);

/// One step of SGD: g ← g + weight_decay·p; b ← g on the first step, else momentum·b + (1 − dampening)·g;
/// p ← p − learning_rate·b, or learning_rate·(g + momentum·b) with nesterov. velocity (b) may be NULL when momentum is 0.
void ck_sgd_step(int64_t n, float *parameters, const float *gradients, float *velocity, double learning_rate, double momentum,
                 double dampening, double weight_decay, bool nesterov, bool first_step);

CK_END

#endif

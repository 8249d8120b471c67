"""Writes Tests/Fixtures/orthogonal_map: torch's orthogonal parametrisations alone.

`tensors.safetensors` has the Householder one, forward and backward; `squares.safetensors` that of square matrices, which
is an exponential: torch.matrix_exp in float64 gives the expected values, and torch's parametrisation in float32 must agree.
"""

import torch
from torch.nn.utils.parametrizations import orthogonal

from fixture_files import FIXTURES, write_json, write_tensors

SHAPES = [(8, 1), (8, 3), (8, 7), (5, 2), (32, 4), (33, 8), (64, 16), (2, 1)]


# (size, magnitude of the raw matrix)
SQUARES = [(1, 1.0), (2, 0.5), (5, 0.0), (16, 0.1), (16, 8.0), (33, 1.0), (64, 0.3)]


class Holder(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(weight)


def main():
    generator = torch.Generator().manual_seed(31)
    tensors, cases = {}, []

    def add(name, rows, columns, raw):
        torch.manual_seed(len(cases))
        start = torch.linalg.qr(torch.randn(rows, columns, generator=generator))[0]
        holder = orthogonal(Holder(start), orthogonal_map="householder")
        parametrization = holder.parametrizations.weight
        tensors[f"{name}.start"] = start
        tensors[f"{name}.base"] = parametrization[0].base
        if raw is not None:
            with torch.no_grad():
                parametrization.original.copy_(raw)
        result = holder.weight
        upstream = torch.randn(rows, columns, generator=generator)
        (slope,) = torch.autograd.grad((result * upstream).sum(), parametrization.original)
        tensors[f"{name}.original"] = parametrization.original
        tensors[f"{name}.result"] = result
        tensors[f"{name}.upstream"] = upstream
        tensors[f"{name}.gradient"] = slope
        error = float((result.mT @ result - torch.eye(columns)).abs().max().detach())
        cases.append({"name": name, "rows": rows, "columns": columns, "orthogonality_error": error})

    for rows, columns in SHAPES:
        # What is on and above the diagonal must not matter, apart from the diagonal's sign.
        raw = 0.4 * torch.randn(rows, columns, generator=generator)
        signs = torch.where(torch.rand(columns, generator=generator) < 0.3, 1.0, -1.0)
        raw.diagonal().copy_(signs)
        add(f"random-{rows}x{columns}", rows, columns, raw)
    add("start-16x4", 16, 4, None)
    add("large-16x4", 16, 4, (5 * torch.randn(16, 4, generator=generator)).fill_diagonal_(-1.0))
    write_tensors(FIXTURES / "orthogonal_map" / "tensors.safetensors", tensors)
    write_json(FIXTURES / "orthogonal_map" / "cases.json", cases)
    for case in cases:
        print(case)


def squares():
    generator = torch.Generator().manual_seed(32)
    tensors, cases = {}, []
    for size, magnitude in SQUARES:
        name = f"{size}-{magnitude}"
        raw = magnitude * torch.randn(size, size, generator=generator)
        start = torch.linalg.qr(torch.randn(size, size, generator=generator))[0]
        holder = orthogonal(Holder(start))
        parametrization = holder.parametrizations.weight
        with torch.no_grad():
            parametrization.original.copy_(raw)
        base = parametrization[0].base
        lower = raw.double().tril()
        expected = base.double() @ torch.linalg.matrix_exp(lower - lower.mT)
        difference = float((holder.weight - expected).abs().max().detach())
        assert difference < 1e-4 * max(1, magnitude), (name, difference)
        tensors |= {f"{name}.raw": raw, f"{name}.base": base, f"{name}.result": expected.float()}
        cases.append({"name": name, "size": size})
        print(name, difference)
    write_tensors(FIXTURES / "orthogonal_map" / "squares.safetensors", tensors)
    write_json(FIXTURES / "orthogonal_map" / "squares.json", cases)


if __name__ == "__main__":
    main()
    squares()

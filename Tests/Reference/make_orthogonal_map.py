"""Writes Tests/Fixtures/orthogonal_map: torch's Householder parametrisation alone, forward and backward."""

import torch
from torch.nn.utils.parametrizations import orthogonal

from fixture_files import FIXTURES, write_json, write_tensors

SHAPES = [(8, 1), (8, 3), (8, 7), (5, 2), (32, 4), (33, 8), (64, 16), (2, 1)]


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


if __name__ == "__main__":
    main()

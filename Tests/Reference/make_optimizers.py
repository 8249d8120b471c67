"""Writes Tests/Fixtures/optimizers: ten steps of torch.optim on given gradients."""

import torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from fixture_files import FIXTURES, write_json, write_tensors

STEPS = 10
SHAPE = (3, 5)
CASES = {
    "adamw": (torch.optim.AdamW, dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)),
    "adamw-decay": (torch.optim.AdamW, dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)),
    "adamw-betas-epsilon": (torch.optim.AdamW, dict(lr=3e-3, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.01)),
    "sgd": (torch.optim.SGD, dict(lr=5e-2, momentum=0.0, weight_decay=0.0)),
    "sgd-momentum": (torch.optim.SGD, dict(lr=5e-2, momentum=0.9, weight_decay=0.0)),
    "sgd-momentum-decay": (torch.optim.SGD, dict(lr=5e-2, momentum=0.9, weight_decay=0.1)),
    "sgd-nesterov": (torch.optim.SGD, dict(lr=5e-2, momentum=0.9, weight_decay=0.01, nesterov=True)),
}
SCHEDULES = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
}


def main():
    generator = torch.Generator().manual_seed(41)
    start = torch.randn(SHAPE, generator=generator)
    # Sizes from 1e-3 to 10, and a zero, so that the epsilon and the bias correction show.
    gradients = torch.randn(STEPS, *SHAPE, generator=generator) * torch.logspace(-3, 1, SHAPE[1])
    gradients[:, 0, 0] = 0
    tensors, cases = {"start": start, "gradients": gradients}, {}
    for name, (kind, settings) in CASES.items():
        parameter = torch.nn.Parameter(start.clone())
        optimiser, path = kind([parameter], **settings), []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimiser.step()
            path.append(parameter.detach().clone())
        tensors[f"{name}.trajectory"] = torch.stack(path)
        cases[name] = {"kind": kind.__name__} | settings
    clipped = [gradients[step].clone() for step in range(3)]
    holders = [torch.nn.Parameter(torch.zeros(SHAPE)) for _ in clipped]
    for holder, gradient in zip(holders, clipped):
        holder.grad = gradient
    norm = float(torch.nn.utils.clip_grad_norm_(holders, 1.0))
    tensors["clipped"] = torch.stack([holder.grad for holder in holders])
    rates = {}
    for name, make in SCHEDULES.items():
        for warmup, total in [(0, 10), (3, 10), (1, 4)]:
            optimiser = torch.optim.SGD([torch.nn.Parameter(start.clone())], lr=1.0)
            schedule, values = make(optimiser, warmup, total), []
            for _ in range(total + 1):
                values.append(schedule.get_last_lr()[0])
                optimiser.step()
                schedule.step()
            rates[f"{name}-{warmup}-{total}"] = values
    write_tensors(FIXTURES / "optimizers" / "tensors.safetensors", tensors)
    write_json(FIXTURES / "optimizers" / "cases.json",
               {"cases": cases, "clip": {"limit": 1.0, "norm_of_first_three_gradients": norm}, "schedules": rates})


if __name__ == "__main__":
    main()

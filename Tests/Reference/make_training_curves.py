"""Writes Tests/Fixtures/training: thirty optimiser steps of pyreft's classes under torch.optim, with both ends."""

import torch
from torch.nn.utils import parametrize
from transformers import get_constant_schedule, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from fixture_files import FIXTURES, write_json, write_tensors
from make_interventions import KINDS, PROMPT_LENGTHS, RANK, case_input
from reft_modules import BoundProgram, declaration, program
from tiny_models import tiny_model

STEPS = 30
PLAIN = {"optimizer": "adamw", "learning_rate": 5e-3, "betas": [0.9, 0.999], "epsilon": 1e-8, "weight_decay": 0.0,
         "schedule": "linear", "warmup_steps": 0, "steps": STEPS, "clip": None}


def cases():
    """(model, case name, declarations, settings)."""
    def ends(kind, **changes):
        return [declaration(kind, RANK, [0, 1], "f2+l2", **({"tied": True} | changes))]
    found = [("llama", kind.lower(), ends(kind), PLAIN) for kind in KINDS]
    found += [
        # torch's decay would act on the diagonal of the raw matrix and make R zero: decay only without orthogonality.
        ("llama", "noreft-decay", ends("NoReFT"), PLAIN | {"weight_decay": 0.01}),
        ("llama", "nodireft-decay", ends("NodiReFT"), PLAIN | {"weight_decay": 0.01}),
        ("llama", "loreft-clip", ends("LoReFT"), PLAIN | {"clip": 1.0}),
        ("llama", "noreft-clip-warmup", ends("NoReFT"), PLAIN | {"clip": 1.0, "warmup_steps": 4}),
        ("llama", "nodireft-cosine", ends("NodiReFT"), PLAIN | {"schedule": "cosine", "warmup_steps": 3}),
        ("llama", "loreft-untied-relu", ends("LoReFT", tied=False, activation="relu"), PLAIN),
        ("llama", "noreft-sgd", ends("NoReFT"),
         PLAIN | {"optimizer": "sgd", "learning_rate": 1e-2, "momentum": 0.9, "schedule": "constant"}),
        ("gpt2", "loreft", ends("LoReFT"), PLAIN),
        ("roberta", "loreft-f3", [declaration("LoReFT", 1, [0, 1], "f3")], PLAIN),
    ]
    return found


def optimiser_and_schedule(parameters, settings):
    if settings["optimizer"] == "sgd":
        optimiser = torch.optim.SGD(parameters, lr=settings["learning_rate"], momentum=settings["momentum"])
    else:
        optimiser = torch.optim.AdamW(parameters, lr=settings["learning_rate"], betas=settings["betas"],
                                      eps=settings["epsilon"], weight_decay=settings["weight_decay"])
    warmup, steps = settings["warmup_steps"], settings["steps"]
    schedule = {"linear": lambda: get_linear_schedule_with_warmup(optimiser, warmup, steps),
                "cosine": lambda: get_cosine_schedule_with_warmup(optimiser, warmup, steps),
                "constant": lambda: get_constant_schedule(optimiser)}[settings["schedule"]]()
    return optimiser, schedule


def train(bound, labels, settings):
    """Losses before each step and after the last, learning rates, and gradient norms before clipping."""
    optimiser, schedule = optimiser_and_schedule(bound.parameters(), settings)
    losses, rates, norms = [], [], []
    for _ in range(settings["steps"]):
        optimiser.zero_grad()
        with parametrize.cached():
            loss, _, _ = bound.run(labels)
            loss.backward()
        limit = settings["clip"] if settings["clip"] is not None else float("inf")
        norms.append(float(torch.nn.utils.clip_grad_norm_(bound.parameters(), limit)))
        rates.append(schedule.get_last_lr()[0])
        losses.append(float(loss.detach()))
        optimiser.step()
        schedule.step()
    losses.append(float(bound.run(labels)[0].detach()))
    return losses, rates, norms


def main():
    for seed, (model_name, name, declarations, settings) in enumerate(cases(), start=2000):
        given = case_input(model_name)
        bound = BoundProgram(tiny_model(model_name), declarations, given["sequences"], PROMPT_LENGTHS, seed)
        tensors = {f"state.{key}": value.detach().clone() for key, value in bound.state().items()}
        losses, rates, norms = train(bound, given["labels"], settings)
        tensors |= {f"final.{key}": value for key, value in (bound.constrained() | bound.raw_rotations()).items()}
        folder = FIXTURES / "training" / f"{model_name}-{name}"
        write_tensors(folder / "tensors.safetensors", tensors)
        write_json(folder / "case.json", {
            "model": model_name, "program": program(*declarations), "input": given, "settings": settings,
            "positions_used": bound.positions, "losses": losses, "learning_rates": rates, "gradient_norms": norms})
        print(f"{model_name}-{name}: {losses[0]:.4f} -> {losses[-1]:.4f}, largest gradient norm {max(norms):.3f}")


if __name__ == "__main__":
    main()
